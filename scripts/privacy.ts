import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { isId } from '../src/ids.ts';
import {
  IDENTITY_KINDS,
  type Manifest,
  PRIVACY_REQUEST_TYPES,
  type PrivacyRequestDocument,
} from '../src/models/privacy-request.ts';
import { enterYear } from '../src/privacy/calendar-store.ts';
import { createContentCipher } from '../src/privacy/content-key.ts';
import { createDeletionJournal } from '../src/privacy/deletion-journal.ts';
import { executeErasure } from '../src/privacy/erasure.ts';
import { readTexts } from '../src/privacy/intake.ts';
import { createKeyStore } from '../src/privacy/key-store.ts';
import { LETTER_KINDS } from '../src/privacy/letters.ts';
import { findPrivacyRequest, openRequests, recomputeDue } from '../src/privacy/privacy-requests.ts';
import { termsOf } from '../src/privacy/request-terms.ts';
import { runScript, table, UsageError } from './environment.ts';
import { performByScript } from './operation.ts';
import { type Command, needed, oneOf, type Values } from './privacy/command.ts';
import { evidence, exportTo, letter, notice } from './privacy/papers.ts';

const USAGE = `Usage: npm run privacy -- <command> --by <person>

  list                                  open requests, the next due first
  show <id>                             one request, its manifest and history
  read <id>                             what the subject wrote, and where to answer
  file --account <accountId> --type <${PRIVACY_REQUEST_TYPES.join('|')}>
       [--contact <e-mail>] [--received <2026-04-24>]      a letter that came
  verify <id> --identity <${IDENTITY_KINDS.join('|')}>
  extend <id> --reason <text>           five working days more, where the law has them; then send the letter
  answer <id> --reason <what was answered>
  refuse|cancel|duplicate <id> --reason <text>
  ask-identity|ask-more|inform <id> --reason <text>     the subject was asked, or has answered
  hold|release <id> --reason <norm, and until when>     nothing goes on meanwhile but the term
  expire <id> --reason <text>           asked who it is, and nobody said until the term was over
  letter <id> --kind <${LETTER_KINDS.join('|')}> --language <ru|en> --out <file.pdf|file.txt>
  export <id> --out <file.zip>          the archive that answers a request of access, made now
  link <id>                             to the archive that the workers have made; it gives the file once
  notice <id> --recipient <provider> --language <ru|en> --out <file.pdf|file.txt>
                                        to somebody who got the data; when it is sent: notice-sent <id> --recipient <provider>,
                                        and notice-answered when an answer came
  evidence <id> --out <file.zip>        all that shows how the request was met, for an inspector
  plan <id>                             an erasure as a dry run
  submit <id>                           to a second person
  approve <id> --hash <hash>            by another person, who has read the manifest; reject <id> --reason <text> sends it back
  execute <id>                          once the cooling-off is over; the workers do it by themselves
  retry <id>                            an erasure that was found incomplete
  calendar --file <year.json>           a year of the production calendar: {"year","off":["01-01"],"working":[],"source"}`;

const dueText = ({ dueAt, isProvisional }: PrivacyRequestDocument) =>
  `${dueAt.toISOString()}${isProvisional ? ' (provisional: a calendar is missing)' : ''}`;

function manifestText({ classes, blockers, hash }: Manifest): string {
  const rows = classes.map(({ classId, action, rows: count, norm = '', until = '' }) => [
    classId,
    action,
    String(count),
    norm,
    until,
  ]);
  const inTheWay = blockers.map(({ code, detail }) => `in the way: ${code} ${detail}`);
  return [table([['CLASS', 'ACTION', 'ROWS', 'NORM', 'KEPT UNTIL'], ...rows]), ...inTheWay, `manifest ${hash}`].join(
    '\n',
  );
}

function shown(request: PrivacyRequestDocument): string {
  const { _id, type, state, accountId, scheduledFor, actNumber, manifest, history } = request;
  const head = table([
    ['request', _id],
    ['account', accountId],
    ['what', `${type} (${termsOf(request).norm})`],
    ['state', state],
    ['due', dueText(request)],
    ...(scheduledFor ? [['not before', scheduledFor.toISOString()]] : []),
    ...(actNumber === undefined ? [] : [['act of destruction', String(actNumber)]]),
  ]);
  const steps = table(
    history.map(({ at, by, event, state: to, note = '' }) => [at.toISOString(), by, event, to, note]),
  );
  return [head, ...(manifest ? [manifestText(manifest)] : []), steps].join('\n\n');
}

const list: Command = async () => {
  const open = await openRequests();
  if (open.length === 0) return 'No request is open.';
  return table([
    ['REQUEST', 'TYPE', 'STATE', 'DUE'],
    ...open.map((one) => [one._id, one.type, one.state, dueText(one)]),
  ]);
};

function file(values: Values): Command {
  const accountId = needed(values, 'account');
  const subjectType = oneOf('--type', PRIVACY_REQUEST_TYPES, needed(values, 'type'));
  const receivedAt = values.received === undefined ? new Date() : new Date(`${values.received}T12:00:00+03:00`);
  if (Number.isNaN(receivedAt.getTime())) throw new UsageError('--received: a date such as 2026-04-24 is needed');
  const input = { accountId, subjectType, email: values.contact, receivedAt: receivedAt.toISOString() };
  const by = needed(values, 'by');
  return async ({ installation }) => {
    const { madeId = '' } = await performByScript(installation, { name: 'privacy.file', input }, by);
    return shown(await findPrivacyRequest(madeId));
  };
}

function readIts(id: string): Command {
  return async ({ cipher }) => {
    const { contact = '(none)', details = '(nothing)' } = await readTexts(await findPrivacyRequest(id), cipher);
    return `${table([['answer to', contact]])}\n\n${details}`;
  };
}

function calendar(values: Values): Command {
  const by = needed(values, 'by');
  const year = JSON.parse(readFileSync(needed(values, 'file'), 'utf8')) as Omit<Parameters<typeof enterYear>[0], 'by'>;
  return async () => {
    await enterYear({ year: year.year, off: year.off, working: year.working, source: year.source, by });
    return `${await recomputeDue(by)} open requests have another date now`;
  };
}

type Input = (values: Values) => Record<string, string>;
const nothing: Input = () => ({});
const withReason: Input = (values) => ({ reason: needed(values, 'reason') });
const toRecipient: Input = (values) => ({ recipient: needed(values, 'recipient') });

/** Commands of the back-office under the same names, and what each is given. */
const STEPS = {
  verify: (values) => ({ identity: oneOf('--identity', IDENTITY_KINDS, needed(values, 'identity')) }),
  plan: nothing,
  submit: nothing,
  approve: (values) => ({ manifestHash: needed(values, 'hash') }),
  retry: nothing,
  'notice-sent': toRecipient,
  'notice-answered': toRecipient,
  'ask-identity': withReason,
  'ask-more': withReason,
  inform: withReason,
  hold: withReason,
  release: withReason,
  reject: withReason,
  expire: withReason,
  extend: withReason,
  answer: withReason,
  refuse: withReason,
  cancel: withReason,
  duplicate: withReason,
} as const satisfies Record<string, Input>;

function isStep(name: string): name is keyof typeof STEPS {
  return Object.hasOwn(STEPS, name);
}

function link(id: string, by: string): Command {
  return async ({ installation }) => {
    const command = { name: 'privacy.archive-link', targetId: id, input: {} } as const;
    const { archiveLink } = await performByScript(installation, command, by);
    if (!archiveLink) throw new Error('no link was made');
    return `${installation.config.api.publicUrl}/archives/${archiveLink.token}\nuntil ${archiveLink.expiresAt.toISOString()}`;
  };
}

const execute =
  (id: string): Command =>
  async ({ keys, journal }) => {
    const { signal } = new AbortController();
    return shown(await executeErasure(id, { keys, journal, now: Date.now, signal }));
  };

/** What is done about one request. */
function stepOf(name: string, id: string, values: Values): Command {
  if (name === 'read') return readIts(id);
  if (name === 'show') return async () => shown(await findPrivacyRequest(id));
  if (name === 'letter') return letter(id, values);
  if (name === 'notice') return notice(id, values);
  if (name === 'export') return exportTo(id, needed(values, 'out'));
  if (name === 'evidence') return evidence(id, values);
  const by = needed(values, 'by');
  if (name === 'link') return link(id, by);
  if (name === 'execute') return execute(id);
  if (!isStep(name)) throw new UsageError(`unknown command "${name}"`);
  const command = { name: `privacy.${name}`, targetId: id, input: STEPS[name](values) } as const;
  return async ({ installation }) => {
    await performByScript(installation, command, by);
    return shown(await findPrivacyRequest(id));
  };
}

const text = { type: 'string' } as const;

await runScript(USAGE, (words) => {
  const { values, positionals } = parseArgs({
    args: words,
    allowPositionals: true,
    options: {
      by: text, account: text, type: text, contact: text, received: text, identity: text, reason: text, out: text, hash: text, file: text, kind: text,
      language: text, recipient: text,
    }, // biome-ignore format: a table of names
  });
  const [name = '', id, ...rest] = positionals;
  if (rest.length > 0) throw new UsageError(`unknown words: ${rest.join(' ')}`);
  const whole: Readonly<Record<string, () => Command>> = {
    list: () => list,
    file: () => file(values),
    calendar: () => calendar(values),
  };
  const make = id === undefined && Object.hasOwn(whole, name) ? whole[name] : undefined;
  if (!make && (id === undefined || !isId('dsr', id)))
    throw new UsageError(`unknown command "${name}", or no request id`);
  const command = make ? make() : stepOf(name, id ?? '', values);
  return (installation) => {
    const { config } = installation;
    const keys = createKeyStore(config.secrets.masterKeys);
    const journal = createDeletionJournal(config.backup.journalFolder);
    return command({
      installation,
      sources: { operator: config.operator, retentionDefaults: config.retention.defaults },
      keys,
      journal,
      cipher: createContentCipher(config.secrets.masterKeys, keys),
    });
  };
});
