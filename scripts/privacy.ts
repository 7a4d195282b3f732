import { createWriteStream, readFileSync, writeFileSync } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import type { Config } from '../src/config.ts';
import { isId } from '../src/ids.ts';
import type { Logger } from '../src/log.ts';
import {
  IDENTITY_KINDS,
  type Manifest,
  PRIVACY_REQUEST_TYPES,
  type PrivacyRequestDocument,
} from '../src/models/privacy-request.ts';
import type { Paper } from '../src/papers/paper.ts';
import { renderPdf } from '../src/papers/pdf.ts';
import { renderText } from '../src/papers/plain-text.ts';
import { zipOf } from '../src/papers/zip.ts';
import type { AnswerSources } from '../src/privacy/access-answer.ts';
import { archiveFiles } from '../src/privacy/access-archive.ts';
import { enterYear } from '../src/privacy/calendar-store.ts';
import { type ContentCipher, createContentCipher } from '../src/privacy/content-key.ts';
import { createDeletionJournal, type DeletionJournal } from '../src/privacy/deletion-journal.ts';
import { executeErasure } from '../src/privacy/erasure.ts';
import { readTexts } from '../src/privacy/intake.ts';
import { createKeyStore } from '../src/privacy/key-store.ts';
import { LETTER_KINDS, letterPaper } from '../src/privacy/letters.ts';
import {
  answerRequest,
  approveErasure,
  closeRequest,
  extendRequest,
  fileRequest,
  findPrivacyRequest,
  openRequests,
  planErasure,
  recomputeDue,
  retryErasure,
  submitErasure,
  verifyIdentity,
} from '../src/privacy/privacy-requests.ts';
import { termsOf } from '../src/privacy/request-terms.ts';
import { noticePaper } from '../src/privacy/third-party-notices.ts';
import { runScript, table, UsageError } from './environment.ts';
import { performByScript } from './operation.ts';

const USAGE = `Usage: npm run privacy -- <command> --by <person>

  list                                  open requests, the next due first
  show <id>                             one request, its manifest and history
  read <id>                             what the subject wrote, and where to answer
  file --account <accountId> --type <${PRIVACY_REQUEST_TYPES.join('|')}>
       [--contact <e-mail>] [--received <2026-04-24>]      a letter that came
  verify <id> --identity <${IDENTITY_KINDS.join('|')}>
  extend <id> --reason <text>           five working days more, where the law has them; send the notice first
  answer <id> --reason <what was answered>
  refuse|cancel|duplicate <id> --reason <text>
  letter <id> --kind <${LETTER_KINDS.join('|')}> --language <ru|en> --out <file.pdf|file.txt>
  export <id> --out <file.zip>          the archive that answers a request of access, made now
  link <id>                             to the archive that the workers have made; it gives the file once
  notice <id> --recipient <provider> --language <ru|en> --out <file.pdf|file.txt>
                                        to somebody who got the data; when it is sent: notice-sent <id> --recipient <provider>
  evidence <id> --out <file.zip>        all that shows how the request was met, for an inspector
  plan <id>                             an erasure as a dry run
  submit <id>                           to a second person
  approve <id> --hash <hash>            by another person, who has read the manifest
  execute <id>                          once the cooling-off is over; the workers do it by themselves
  retry <id>                            an erasure that was found incomplete
  calendar --file <year.json>           a year of the production calendar: {"year","off":["01-01"],"working":[],"source"}`;

type Values = Partial<
  Record<
    | 'by'
    | 'account'
    | 'type'
    | 'contact'
    | 'received'
    | 'identity'
    | 'reason'
    | 'out'
    | 'hash'
    | 'file'
    | 'kind'
    | 'language'
    | 'recipient',
    string
  >
>;
type Context = {
  sources: AnswerSources;
  installation: { config: Config; log: Logger };
  cipher: ContentCipher;
  keys: ReturnType<typeof createKeyStore>;
  journal: DeletionJournal;
};
type Command = (context: Context) => Promise<string>;

function needed(values: Values, name: keyof Values): string {
  const value = values[name];
  if (value === undefined || value === '') throw new UsageError(`--${name} is needed`);
  return value;
}

function oneOf<const T extends string>(option: string, allowed: readonly T[], text: string): T {
  const found = allowed.find((value) => value === text);
  if (found === undefined) throw new UsageError(`${option}: "${text}" is not one of ${allowed.join(', ')}`);
  return found;
}

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
  if (!isId('acc', accountId)) throw new UsageError('--account: an account id is needed');
  const type = oneOf('--type', PRIVACY_REQUEST_TYPES, needed(values, 'type'));
  const receivedAt = values.received === undefined ? new Date() : new Date(`${values.received}T12:00:00+03:00`);
  if (Number.isNaN(receivedAt.getTime())) throw new UsageError('--received: a date such as 2026-04-24 is needed');
  const filing = {
    accountId,
    type,
    channel: 'letter' as const,
    contact: values.contact,
    receivedAt,
    by: needed(values, 'by'),
  };
  return async ({ cipher }) => shown(await fileRequest(filing, cipher));
}

function readIts(id: string): Command {
  return async ({ cipher }) => {
    const { contact = '(none)', details = '(nothing)' } = await readTexts(await findPrivacyRequest(id), cipher);
    return `${table([['answer to', contact]])}\n\n${details}`;
  };
}

/** Only for a request whose subject is known; the file is the caller's to hand over and to delete. */
function exportTo(id: string, out: string): Command {
  return async ({ cipher, sources }) => {
    const request = await findPrivacyRequest(id);
    if (request.type !== 'access' || !request.identity)
      throw new Error('the request is not one for access, or its subject is not verified');
    const at = new Date();
    const file = zipOf(archiveFiles(request, sources, cipher, at), at);
    await pipeline(file, createWriteStream(out, { mode: 0o600, flags: 'wx' }));
    return `written to ${out}`;
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

/** The address is not in it: whoever sends the letter has it from `read`. */
function letter(id: string, values: Values): Command {
  const kind = oneOf('--kind', LETTER_KINDS, needed(values, 'kind'));
  const language = oneOf('--language', ['ru', 'en'], needed(values, 'language'));
  const out = needed(values, 'out');
  return async ({ sources: { operator } }) => {
    const paper = letterPaper(kind, await findPrivacyRequest(id), operator, { language, at: new Date() });
    return writePaper(paper, out);
  };
}

async function writePaper(paper: Paper, out: string): Promise<string> {
  const content = out.endsWith('.txt') ? renderText(paper) : await renderPdf(paper);
  writeFileSync(out, content, { mode: 0o600, flag: 'wx' });
  return `written to ${out}`;
}

/** To a recipient of the subject's data; whoever sends it notes that with `notice-sent`. */
function notice(id: string, values: Values): Command {
  const recipient = needed(values, 'recipient');
  const language = oneOf('--language', ['ru', 'en'], needed(values, 'language'));
  const out = needed(values, 'out');
  return async ({ sources: { operator } }) =>
    writePaper(noticePaper(await findPrivacyRequest(id), recipient, operator, { language, at: new Date() }), out);
}

/** What is done to one request. */
function stepOf(name: string, id: string, values: Values): Command {
  if (name === 'read') return readIts(id);
  if (name === 'show') return async () => shown(await findPrivacyRequest(id));
  if (name === 'letter') return letter(id, values);
  if (name === 'notice') return notice(id, values);
  if (name === 'export') return exportTo(id, needed(values, 'out'));
  const by = needed(values, 'by');
  const simple = { plan: planErasure, submit: submitErasure, retry: retryErasure };
  if (name === 'notice-sent') {
    const input = { recipient: needed(values, 'recipient') };
    const sent = { name: 'privacy.notice-sent', targetId: id, input } as const;
    return async ({ installation }) => {
      await performByScript(installation, sent, by);
      return shown(await findPrivacyRequest(id));
    };
  }
  if (name === 'evidence') {
    const out = needed(values, 'out');
    return async ({ installation }) => {
      const { file } = await performByScript(installation, { name: 'privacy.evidence', targetId: id, input: {} }, by);
      if (file) await pipeline(file.content, createWriteStream(out, { mode: 0o600, flags: 'wx' }));
      return `written to ${out}`;
    };
  }
  if (name === 'link') {
    const link = { name: 'privacy.archive-link', targetId: id, input: {} } as const;
    return async ({ installation }) => {
      const { archiveLink } = await performByScript(installation, link, by);
      if (!archiveLink) throw new Error('no link was made');
      return `${installation.config.api.publicUrl}/archives/${archiveLink.token}\nuntil ${archiveLink.expiresAt.toISOString()}`;
    };
  }
  if (name === 'plan' || name === 'submit' || name === 'retry') return async () => shown(await simple[name](id, by));
  if (name === 'execute') {
    const signal = new AbortController().signal;
    return async ({ keys, journal }) => shown(await executeErasure(id, { keys, journal, now: Date.now, signal }));
  }
  if (name === 'verify') {
    const kind = oneOf('--identity', IDENTITY_KINDS, needed(values, 'identity'));
    return async () => shown(await verifyIdentity(id, kind, by));
  }
  if (name === 'approve') {
    const hash = needed(values, 'hash');
    return async () => shown(await approveErasure(id, hash, by));
  }
  const reason = needed(values, 'reason');
  if (name === 'extend') return async () => `due at ${(await extendRequest(id, by, reason)).toISOString()}`;
  if (name === 'answer') return async () => shown(await answerRequest(id, by, reason));
  const event = oneOf('command', ['refuse', 'cancel', 'duplicate'], name);
  return async () => shown(await closeRequest(id, event, by, reason));
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
