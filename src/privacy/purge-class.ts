import type { Document } from 'mongodb';
import { lowestIdAt } from '../ids.ts';
import { nativeCollection } from '../models/connect.ts';
import { RetentionClass, type RetentionClassDocument } from '../models/retention-class.ts';
import type { ClassReport } from '../models/retention-run.ts';
import { removeFrom, rowsOf } from './class-rows.ts';
import type { DataClass, MongoStore, Purge, PurgedPrefix } from './data-class.ts';
import { recorded } from './destruction-acts.ts';

/**
 * Purging one class by age: bounded batches in the order of an index. Resumable, because a purged row no longer matches,
 * and because it is noted up to where nothing is left, so that no run reads what earlier ones have purged.
 */

type RowClass = DataClass<MongoStore>;
type PastRow = Document & { _id: string };

export type PurgeRun = {
  runId: string;
  before: Date;
  held: ReadonlySet<string>;
  /** Stops between batches; the next run goes on. */
  signal: AbortSignal;
  onBatch: () => Promise<void>;
};

const BATCH_MAX = 500;
const COUNT_MAX = 1_000_000;
/** A row is written at most so long after its identifier was made. */
const LATEST_ROW_MS = 86_400_000;
const BEGINNING = { id: '', date: new Date(0) };

const positions = () => nativeCollection<RetentionClassDocument>(RetentionClass);

function purgeOf(row: RowClass): Purge {
  if (!row.purge) throw new Error(`class ${row.id} is not purged`);
  return row.purge;
}

/** The rows of a class past their term, after a place in their order. */
export function pastFilter({ by, guard, holds }: Purge, after: unknown, before: Date): Document {
  const end = by.field === '_id' ? lowestIdAt(by.prefix, before.getTime()) : before;
  return { $and: [{ [by.field]: { $gt: after, $lt: end } }, guard, holds] };
}

async function startOf(row: RowClass): Promise<string | Date> {
  if (purgeOf(row).by.field !== '_id') return BEGINNING.date;
  return (await positions().findOne({ _id: row.id }))?.doneUpTo ?? BEGINNING.id;
}

/** How many rows a run would meet; at most a million are counted. */
export async function countPast(row: RowClass, before: Date): Promise<number> {
  const filter = pastFilter(purgeOf(row), await startOf(row), before);
  return rowsOf(row).countDocuments(filter as never, { limit: COUNT_MAX });
}

/** Removes everything of the class from before a moment. Never what is live, unsettled, still needed or held. */
export async function purgeClass(row: RowClass, run: PurgeRun): Promise<ClassReport> {
  const startedMs = performance.now();
  const purge = purgeOf(row);
  const report = { classId: row.id, before: run.before, removed: 0, held: 0, spared: 0 };
  for await (const batch of batchesOf(row, run.before)) {
    if (run.signal.aborted) break;
    const free = batch.filter((one) => !run.held.has(String(one[row.store.owner])));
    const spared = (await purge.spares?.(free.map(({ _id }) => _id))) ?? new Set();
    const targets = free.filter(({ _id }) => !spared.has(_id));
    report.held += batch.length - free.length;
    report.spared += free.length - targets.length;
    if (targets.length > 0) report.removed += await removeBatch(row, purge, targets, run.runId);
    await run.onBatch();
  }
  if (purge.by.field === '_id') await notePosition(row, purge.by.prefix, run.before);
  return { ...report, outcome: run.signal.aborted ? 'stopped' : 'done', ms: Math.round(performance.now() - startedMs) };
}

/**
 * Everything past the term, at most 500 rows at a time. Any number of rows may have one date, and a batch that ends amid
 * them would pass over the others: it leaves them to the next one, or, when it has no others, all of that date are read.
 */
async function* batchesOf(row: RowClass, before: Date): AsyncGenerator<PastRow[]> {
  const purge = purgeOf(row);
  const { field } = purge.by;
  let after: unknown = await startOf(row);
  for (;;) {
    const batch = await nextBatch(row, pastFilter(purge, after, before), field);
    const last = batch.at(-1);
    if (!last) return;
    const isCut = field !== '_id' && batch.length === BATCH_MAX;
    const whole = isCut ? batch.filter((one) => !isSameDate(one[field], last[field])) : batch;
    if (whole.length > 0) yield whole;
    else yield* batchesOfDate(row, last[field] as Date);
    after = (whole.at(-1) ?? last)[field];
  }
}

/** All rows of one date, in the order of their identifiers. */
async function* batchesOfDate(row: RowClass, date: Date): AsyncGenerator<PastRow[]> {
  const { by, guard, holds } = purgeOf(row);
  let after: Document = {};
  for (;;) {
    const batch = await nextBatch(row, { $and: [{ [by.field]: date, ...after }, guard, holds] }, '_id');
    const last = batch.at(-1);
    if (!last) return;
    yield batch;
    after = { _id: { $gt: last._id } };
  }
}

const isSameDate = (a: Date, b: Date) => a.getTime() === b.getTime();

function nextBatch(row: RowClass, filter: Document, order: string): Promise<PastRow[]> {
  return rowsOf(row)
    .find(filter as never, { projection: { [row.store.owner]: 1, [purgeOf(row).by.field]: 1 } })
    .sort({ [order]: 1 })
    .limit(BATCH_MAX)
    .toArray();
}

function removeBatch(row: RowClass, purge: Purge, targets: readonly PastRow[], causeId: string): Promise<number> {
  const ids = targets.map(({ _id }) => _id);
  const remove = () => removeFrom(row, purge, { $and: [{ _id: { $in: ids } }, purge.guard] });
  if (purge.isEvidence) return remove();
  return recorded({ causeId, classId: row.id, accountIds: targets.map((one) => String(one[row.store.owner])) }, remove);
}

/** The next run begins at the first row that still holds something, finished or not, or else at the cutoff. */
async function notePosition(row: RowClass, prefix: PurgedPrefix, before: Date): Promise<void> {
  const start = await startOf(row);
  const end = lowestIdAt(prefix, Math.min(before.getTime(), Date.now() - LATEST_ROW_MS));
  const left = await rowsOf(row).findOne({ $and: [{ _id: { $gt: start, $lt: end } }, purgeOf(row).holds] } as never, {
    projection: { _id: 1 },
    sort: { _id: 1 },
  });
  // Just before the row: identifiers end in a character, and the range excludes its beginning.
  const doneUpTo = left ? String(left._id).slice(0, -1) : end;
  if (doneUpTo > String(start)) await positions().updateOne({ _id: row.id }, { $set: { doneUpTo } }, { upsert: true });
}
