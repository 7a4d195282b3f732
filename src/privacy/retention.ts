import { newId } from '../ids.ts';
import type { Logger } from '../log.ts';
import { nativeCollection } from '../models/connect.ts';
import type { ClassId } from '../models/retention-class.ts';
import { type ClassReport, RetentionRun, type RetentionRunDocument } from '../models/retention-run.ts';
import type { DataClass, MongoStore } from './data-class.ts';
import type { DeletionJournal } from './deletion-journal.ts';
import { drawAct } from './destruction-acts.ts';
import { heldAccounts } from './legal-holds.ts';
import { countPast, purgeClass } from './purge-class.ts';
import { cutoff, isAllowed, type RetentionDefaults, retentionValue } from './retention-settings.ts';
import { ROW_CLASSES } from './row-classes.ts';

/** Retention over all classes of the registry: a run purges, reports, and draws the act of what it destroyed. */

export type RunOptions = {
  nowMs: number;
  trigger: RetentionRunDocument['trigger'];
  by: string;
  defaults: RetentionDefaults;
  signal: AbortSignal;
  journal: Pick<DeletionJournal, 'append'>;
  log: Pick<Logger, 'error'>;
};

/** What a run would do about one class now. */
export type ClassPreview = {
  classId: ClassId;
  value: number;
  unit: 'days' | 'years';
  before: Date;
  isAllowed: boolean;
  rows: number;
};

const REASON = '152-FZ art. 5(7), 21(4): the term of keeping is over';
/** A run that has not moved for so long has died with its process. */
const DEAD_MS = 600_000;
const LISTED_MAX = 50;
const ALIVE_INTERVAL_MS = 10_000;

const runs = () => nativeCollection<RetentionRunDocument>(RetentionRun);
const purged = (): DataClass<MongoStore>[] => ROW_CLASSES.filter(({ purge }) => purge !== undefined);

/**
 * Purges every class once. Settings are read as they are at this moment; one outside its bounds stops its class only.
 * Classes that fail are reported, and the others go on.
 */
export async function runRetention(options: RunOptions): Promise<RetentionRunDocument> {
  await finishAbandoned(options);
  const at = new Date();
  const run: RetentionRunDocument = {
    _id: newId('ret'),
    trigger: options.trigger,
    by: options.by,
    state: 'running',
    startedAt: at,
    aliveAt: at,
    classes: [],
  };
  await runs().insertOne(run);
  const held = await heldAccounts();
  for (const row of purged()) run.classes.push(await purgeReported(row, run, held, options));
  const failed = run.classes.some(({ outcome }) => outcome === 'failed' || outcome === 'refused');
  return finishRun(run, options.signal.aborted ? 'stopped' : failed ? 'failed' : 'done', options.journal);
}

async function purgeReported(
  row: DataClass<MongoStore>,
  { _id: runId }: RetentionRunDocument,
  held: ReadonlySet<string>,
  { nowMs, defaults, signal, journal, log }: RunOptions,
): Promise<ClassReport> {
  const nothing = { classId: row.id, removed: 0, held: 0, spared: 0, ms: 0 };
  try {
    const value = await retentionValue(row, defaults);
    if (!isAllowed(row, value)) {
      log.error({ reason: row.id, code: 'retention_out_of_bounds' }, 'retention setting refused');
      return { ...nothing, outcome: 'refused' };
    }
    const before = cutoff(row, value, nowMs);
    await journal.append({ kind: 'purge', causeId: runId, classId: row.id, before, held: [...held], at: new Date() });
    return await purgeClass(row, { runId, before, held, signal, onBatch: aliveness(runId) });
  } catch (error) {
    log.error({ reason: row.id, err: error }, 'retention of a class failed');
    return { ...nothing, outcome: 'failed' };
  }
}

/** Says now and then that the run is at work. */
function aliveness(runId: string): () => Promise<void> {
  let saidAtMs = performance.now();
  return async () => {
    if (performance.now() - saidAtMs < ALIVE_INTERVAL_MS) return;
    saidAtMs = performance.now();
    await runs().updateOne({ _id: runId }, { $set: { aliveAt: new Date() } });
  };
}

async function finishRun(
  run: RetentionRunDocument,
  state: Exclude<RetentionRunDocument['state'], 'running'>,
  journal: RunOptions['journal'],
): Promise<RetentionRunDocument> {
  const act = await drawAct(run._id, REASON, journal);
  const end = { state, endedAt: new Date(), classes: run.classes, ...(act ? { actNumber: act._id } : {}) };
  await runs().updateOne({ _id: run._id }, { $set: end });
  return { ...run, ...end };
}

/** What a run destroyed before its process died gets its act too. */
async function finishAbandoned({ nowMs, journal }: RunOptions): Promise<void> {
  const dead = await runs()
    .find({ state: 'running', aliveAt: { $lt: new Date(nowMs - DEAD_MS) } })
    .limit(LISTED_MAX)
    .toArray();
  for (const run of dead) await finishRun(run, 'stopped', journal);
}

/** What a run would remove now, by class. */
export async function previewRetention(nowMs: number, defaults: RetentionDefaults): Promise<ClassPreview[]> {
  const previews: ClassPreview[] = [];
  for (const row of purged()) {
    const value = await retentionValue(row, defaults);
    const before = cutoff(row, value, nowMs);
    previews.push({
      classId: row.id,
      value,
      unit: row.retention.unit,
      before,
      isAllowed: isAllowed(row, value),
      rows: await countPast(row, before),
    });
  }
  return previews;
}

/** The last runs, newest first; at most 50. */
export function listRuns(): Promise<RetentionRunDocument[]> {
  return runs().find().sort({ _id: -1 }).limit(LISTED_MAX).toArray();
}
