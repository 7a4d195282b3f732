import { parseArgs } from 'node:util';
import { isId } from '../src/ids.ts';
import type { ClassId } from '../src/models/retention-class.ts';
import type { RetentionRunDocument } from '../src/models/retention-run.ts';
import { createDeletionJournal, type DeletionJournal } from '../src/privacy/deletion-journal.ts';
import { brokenActs } from '../src/privacy/destruction-acts.ts';
import { releaseLegalHold, setLegalHold } from '../src/privacy/legal-holds.ts';
import { listRuns, previewRetention, runRetention } from '../src/privacy/retention.ts';
import { changeRetention, type RetentionDefaults } from '../src/privacy/retention-settings.ts';
import { ROW_CLASSES } from '../src/privacy/row-classes.ts';
import { runScript, table, UsageError } from './environment.ts';

const USAGE = `Usage: npm run retention -- <command>

  preview                  what the next run would remove, by class
  run --by <person>        purge now what is past its term
  report                   the last runs, and whether the acts of destruction are whole
  set <class> <value> --by <person> [--rows <number>]
                           how long a class is kept, from the next run on; a shorter term needs the number of rows that
                           the command tells when it is left out
  hold --account <accountId> --norm <text> --by <person>   keep everything of an account
  release <holdId> --by <person>`;

type Values = { by?: string; rows?: string; account?: string; norm?: string };
type Command = (context: {
  defaults: RetentionDefaults;
  journal: DeletionJournal;
  log: Parameters<typeof runRetention>[0]['log'];
}) => Promise<string>;

function needed(option: keyof Values, value: string | undefined): string {
  if (value === undefined || value === '') throw new UsageError(`--${option} is needed`);
  return value;
}

function whole(name: string, text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new UsageError(`${name}: a whole number is needed`);
  return Number(text);
}

const preview: Command = async ({ defaults }) => {
  const rows = await previewRetention(Date.now(), defaults);
  const shown = rows.map(({ classId, value, unit, before, isAllowed, rows: count }) => [
    classId,
    `${value} ${unit}${isAllowed ? '' : ' (refused: out of bounds)'}`,
    before.toISOString(),
    String(count),
  ]);
  return table([['CLASS', 'KEPT', 'REMOVED BEFORE', 'ROWS NOW'], ...shown]);
};

function shownRun({ _id, state, startedAt, by, classes, actNumber }: RetentionRunDocument): string[] {
  const total = (member: 'removed' | 'held' | 'spared') => String(classes.reduce((sum, one) => sum + one[member], 0));
  const act = actNumber === undefined ? '' : String(actNumber);
  return [_id, startedAt.toISOString(), state, by, total('removed'), total('held'), total('spared'), act];
}

const RUN_HEADER = ['RUN', 'STARTED', 'STATE', 'BY', 'REMOVED', 'HELD', 'SPARED', 'ACT'];

const report: Command = async () => {
  const broken = await brokenActs();
  const acts =
    broken.length === 0 ? 'The acts of destruction are whole.' : `Changed or missing acts: ${broken.join(', ')}`;
  return `${table([RUN_HEADER, ...(await listRuns()).map(shownRun)])}\n\n${acts}`;
};

function run(by: string): Command {
  return async ({ defaults, journal, log }) => {
    const signal = new AbortController().signal;
    const done = await runRetention({ nowMs: Date.now(), trigger: 'manual', by, defaults, signal, journal, log });
    return table([RUN_HEADER, shownRun(done)]);
  };
}

function set(classId: string, value: string, values: Values): Command {
  const row = ROW_CLASSES.find(({ id, purge }) => purge && id === (classId as ClassId));
  if (!row) throw new UsageError(`set: "${classId}" is no class that is purged`);
  const rowsSeen = values.rows === undefined ? undefined : whole('--rows', values.rows);
  const change = { row, value: whole('value', value), by: needed('by', values.by), rowsSeen };
  return async ({ defaults }) => {
    await changeRetention(change, defaults);
    return `${row.id} is kept ${change.value} ${row.retention.unit} from ${row.retention.from}`;
  };
}

function hold({ account, norm, by }: Values): Command {
  const accountId = needed('account', account);
  if (!isId('acc', accountId)) throw new UsageError('--account: an account id is needed');
  const asked = { accountId, norm: needed('norm', norm), by: needed('by', by) };
  return async () => `${(await setLegalHold(asked))._id} holds everything of ${accountId}`;
}

function commandOf([name = '', ...rest]: string[], values: Values): Command {
  const [first, second] = rest;
  if (name === 'preview' && rest.length === 0) return preview;
  if (name === 'report' && rest.length === 0) return report;
  if (name === 'run' && rest.length === 0) return run(needed('by', values.by));
  if (name === 'hold' && rest.length === 0) return hold(values);
  if (name === 'set' && first !== undefined && second !== undefined && rest.length === 2)
    return set(first, second, values);
  if (name !== 'release' || first === undefined || rest.length !== 1) throw new UsageError('unknown command');
  const by = needed('by', values.by);
  return async () => {
    await releaseLegalHold(first, by);
    return `${first} is released`;
  };
}

const text = { type: 'string' } as const;

await runScript(USAGE, (words) => {
  const options = { by: text, rows: text, account: text, norm: text };
  const { values, positionals } = parseArgs({ args: words, allowPositionals: true, options });
  const command = commandOf(positionals, values);
  return ({ config, log }) =>
    command({
      defaults: config.retention.defaults,
      journal: createDeletionJournal(config.backup.journalFolder),
      log,
    });
});
