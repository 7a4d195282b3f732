import { parseArgs } from 'node:util';
import type { Config } from '../src/config.ts';
import { AppError } from '../src/errors.ts';
import { isId } from '../src/ids.ts';
import type { Logger } from '../src/log.ts';
import type { RetentionRunDocument } from '../src/models/retention-run.ts';
import { brokenActs } from '../src/privacy/destruction-acts.ts';
import { listRuns, previewRetention } from '../src/privacy/retention.ts';
import type { RetentionDefaults } from '../src/privacy/retention-settings.ts';
import { runScript, table, UsageError } from './environment.ts';
import { performByScript } from './operation.ts';

const USAGE = `Usage: npm run retention -- <command>

  preview                  what the next run would remove, by class
  run --by <person>        purge now what is past its term
  report                   the last runs, and whether the acts of destruction are whole
  set <class> <value> --by <person> --reason <text> [--preview <rows@moment>]
                           how long a class is kept, from the next run on; a shorter term needs the preview that the
                           command tells when it is left out
  hold --account <accountId> --norm <text> --by <person> --reason <text>   keep everything of an account
  release <holdId> --by <person> --reason <text>`;

type Values = { by?: string; reason?: string; preview?: string; account?: string; norm?: string };
type Command = (context: { defaults: RetentionDefaults; config: Config; log: Logger }) => Promise<string>;

function needed(option: keyof Values, value: string | undefined): string {
  if (value === undefined || value === '') throw new UsageError(`--${option} is needed`);
  return value;
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
  return async (context) => {
    const { madeId } = await performByScript(context, { name: 'retention.run', input: {} }, by);
    const done = (await listRuns()).filter(({ _id }) => _id === madeId);
    return table([RUN_HEADER, ...done.map(shownRun)]);
  };
}

function set(targetId: string, value: string, { by, reason, preview: seen }: Values): Command {
  const who = needed('by', by);
  const input = { value, reason: needed('reason', reason), ...(seen === undefined ? {} : { preview: seen }) };
  return async (context) => {
    try {
      await performByScript(context, { name: 'retention.set', targetId, input }, who);
    } catch (error) {
      if (!(error instanceof AppError) || error.param !== 'preview') throw error;
      return `${error.message}\nNothing is changed yet. To decide on it, repeat with --preview ${String(error.details.preview)}`;
    }
    return `${targetId} is kept ${value} from the next run on`;
  };
}

function hold({ account, norm, by, reason }: Values): Command {
  const targetId = needed('account', account);
  if (!isId('acc', targetId)) throw new UsageError('--account: an account id is needed');
  const [who, input] = [needed('by', by), { norm: needed('norm', norm), reason: needed('reason', reason) }];
  return async (context) => {
    const { madeId } = await performByScript(context, { name: 'holds.set', targetId, input }, who);
    return `${madeId} holds everything of ${targetId}`;
  };
}

function release(targetId: string, { by, reason }: Values): Command {
  const [who, input] = [needed('by', by), { reason: needed('reason', reason) }];
  return async (context) => {
    await performByScript(context, { name: 'holds.release', targetId, input }, who);
    return `${targetId} is released`;
  };
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
  return release(first, values);
}

const text = { type: 'string' } as const;

await runScript(USAGE, (words) => {
  const options = { by: text, reason: text, preview: text, account: text, norm: text };
  const { values, positionals } = parseArgs({ args: words, allowPositionals: true, options });
  const command = commandOf(positionals, values);
  return ({ config, log }) =>
    command({
      config,
      defaults: config.retention.defaults,
      log,
    });
});
