import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { isId } from '../src/ids.ts';
import { INCIDENT_NOTICES, INCIDENT_TOPICS, type IncidentDocument } from '../src/models/incident.ts';
import type { OperationName } from '../src/operations/catalogue.ts';
import type { Paper } from '../src/papers/paper.ts';
import { renderPdf } from '../src/papers/pdf.ts';
import { renderText } from '../src/papers/plain-text.ts';
import { contactOf } from '../src/privacy/account-contact.ts';
import { type ContentCipher, createContentCipher } from '../src/privacy/content-key.ts';
import { nextIncidentStep } from '../src/privacy/incident-clocks.ts';
import { incidentPaper } from '../src/privacy/incident-papers.ts';
import {
  findIncident,
  LINKED_AT_ONCE_MAX,
  linkedAccounts,
  openIncidents,
  readFacts,
} from '../src/privacy/incidents.ts';
import type { Operator } from '../src/privacy/operator.ts';
import { runScript, table, UsageError } from './environment.ts';
import { performByScript } from './operation.ts';

const USAGE = `Usage: npm run incident -- <command> --by <person>

  list                                  open incidents, the next notice first
  show <id>                             one incident: its facts, its next step, its history
  open --text <what happened> [--detected <2026-04-24T10:00:00+03:00>]
  add <id> --topic <${INCIDENT_TOPICS.join('|')}> --text <text>
  link <id> --file <ids.txt>            accounts whose data is concerned, one id a line
  classify <id> --verdict <breach|no_breach> --reason <text> [--subjects <number>]
  sent <id> --notice <${INCIDENT_NOTICES.join('|')}> --at <moment> [--number <number>]
  close <id> --reason <text>
  write <id> --out <folder>             both notices (Russian, and English for reading) as PDF, text and JSON
  letters <id> --out <folder>           a text for each linked account, in its owner's language`;

type Values = Partial<
  Record<
    | 'by'
    | 'text'
    | 'detected'
    | 'topic'
    | 'file'
    | 'verdict'
    | 'reason'
    | 'subjects'
    | 'notice'
    | 'at'
    | 'number'
    | 'out',
    string
  >
>;
type Context = Parameters<typeof performByScript>[0];
type Command = (context: Context) => Promise<string>;

function needed(values: Values, name: keyof Values): string {
  const value = values[name];
  if (value === undefined || value === '') throw new UsageError(`--${name} is needed`);
  return value;
}

function momentOf(name: string, text: string): string {
  const at = new Date(text);
  if (Number.isNaN(at.getTime()))
    throw new UsageError(`--${name}: a moment such as 2026-04-24T10:00:00+03:00 is needed`);
  return at.toISOString();
}

const dueText = ({ dueAt }: IncidentDocument) => dueAt?.toISOString() ?? '-';

const list: Command = async () => {
  const open = await openIncidents();
  if (open.length === 0) return 'No incident is open.';
  return table([
    ['INCIDENT', 'DETECTED', 'BREACH', 'NEXT STEP', 'NOTICE DUE'],
    ...open.map((one) => [one._id, one.detectedAt.toISOString(), one.verdict, nextIncidentStep(one), dueText(one)]),
  ]);
};

const cipherOf = ({ config }: Context): ContentCipher => createContentCipher(config.secrets.masterKeys);

function show(id: string): Command {
  return async (context) => {
    const incident = await findIncident(id);
    const head = table([
      ['incident', id],
      ['detected', incident.detectedAt.toISOString()],
      ['breach', incident.verdict],
      ['accounts', String(incident.accountCount)],
      ['next step', nextIncidentStep(incident)],
      ['notice due', dueText(incident)],
    ]);
    const facts = table(Object.entries(await readFacts(incident, cipherOf(context))));
    const steps = incident.history.map(({ at, by, event, note = '' }) => [at.toISOString(), by, event, note]);
    return [head, facts, table(steps)].join('\n\n');
  };
}

/** Gives a command of staff, which writes it into the audit log. */
function given(name: OperationName, values: Values, input: Record<string, string | undefined>, id?: string): Command {
  const by = needed(values, 'by');
  const known = Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined));
  return async (context) => {
    const command = { name, input: known, ...(id === undefined ? {} : { targetId: id }) };
    const { madeId = id ?? '' } = await performByScript(context, command, by);
    return show(madeId)(context);
  };
}

function link(id: string, values: Values): Command {
  const ids = readFileSync(needed(values, 'file'), 'utf8').split(/\s+/).filter(Boolean);
  if (ids.length === 0) throw new UsageError('--file: no id is in it');
  return async (context) => {
    for (let from = 0; from < ids.length; from += LINKED_AT_ONCE_MAX) {
      const accountIds = ids.slice(from, from + LINKED_AT_ONCE_MAX).join(' ');
      await given('incidents.link', values, { accountIds }, id)(context);
    }
    return `${(await findIncident(id)).accountCount} accounts are linked`;
  };
}

async function knownOf(id: string, context: Context) {
  const incident = await findIncident(id);
  const operator: Operator = context.config.operator;
  return { incident, operator, texts: await readFacts(incident, cipherOf(context)) };
}

async function filesOf(name: string, paper: Paper): Promise<[string, string | Buffer][]> {
  return [
    [`${name}.pdf`, await renderPdf(paper)],
    [`${name}.txt`, renderText(paper)],
    [`${name}.json`, `${JSON.stringify(paper, undefined, 2)}\n`],
  ];
}

function put(out: string, name: string, content: string | Buffer): string {
  const file = path.join(out, name);
  writeFileSync(file, content, { mode: 0o600, flag: 'wx' });
  return `written to ${file}`;
}

function write(id: string, out: string): Command {
  return async (context) => {
    const known = await knownOf(id, context);
    const at = new Date();
    const written: string[] = [];
    for (const notice of INCIDENT_NOTICES)
      for (const language of ['ru', 'en'] as const) {
        const files = await filesOf(`${id}-${notice}-${language}`, incidentPaper(notice, known, { language, at }));
        written.push(...files.map(([name, content]) => put(out, name, content)));
      }
    return written.join('\n');
  };
}

/** Where an owner's language is not known, the letter is in Russian. */
function letters(id: string, out: string): Command {
  return async (context) => {
    const known = await knownOf(id, context);
    const cipher = cipherOf(context);
    let count = 0;
    for await (const accountId of linkedAccounts(id)) {
      const language = (await contactOf(accountId, cipher).catch(() => undefined))?.language ?? 'ru';
      const paper = incidentPaper('owner', known, { language, at: new Date(), accountId });
      put(out, `${id}-${accountId}.txt`, renderText(paper));
      count++;
    }
    return `${count} letters are written to ${out}`;
  };
}

/** What is done with one incident. */
function stepOf(name: string, id: string, values: Values): Command {
  const { reason, subjects: subjectCount, number: noticeNumber } = values;
  const steps: Readonly<Record<string, () => Command>> = {
    show: () => show(id),
    add: () => given('incidents.add', values, { topic: needed(values, 'topic'), text: needed(values, 'text') }, id),
    link: () => link(id, values),
    classify: () =>
      given('incidents.classify', values, { verdict: needed(values, 'verdict'), subjectCount, reason }, id),
    sent: () => {
      const sentAt = momentOf('at', needed(values, 'at'));
      return given('incidents.sent', values, { notice: needed(values, 'notice'), sentAt, noticeNumber }, id);
    },
    close: () => given('incidents.close', values, { reason: needed(values, 'reason') }, id),
    write: () => write(id, needed(values, 'out')),
    letters: () => letters(id, needed(values, 'out')),
  };
  const make = Object.hasOwn(steps, name) ? steps[name] : undefined;
  if (!make || !isId('inc', id)) throw new UsageError(`unknown command "${name}", or no incident id`);
  return make();
}

const text = { type: 'string' } as const;

await runScript(USAGE, (words) => {
  const { values, positionals } = parseArgs({
    args: words,
    allowPositionals: true,
    options: {
      by: text, text, detected: text, topic: text, file: text, verdict: text, reason: text, subjects: text, notice: text, at: text,
      number: text, out: text,
    }, // biome-ignore format: a table of names
  });
  const [name = '', id, ...rest] = positionals;
  if (rest.length > 0) throw new UsageError(`unknown words: ${rest.join(' ')}`);
  if (name === 'list' && id === undefined) return list;
  if (name !== 'open') return stepOf(name, id ?? '', values);
  if (id !== undefined) throw new UsageError(`unknown words: ${id}`);
  const detectedAt = values.detected === undefined ? undefined : momentOf('detected', values.detected);
  return given('incidents.open', values, { text: needed(values, 'text'), detectedAt });
});
