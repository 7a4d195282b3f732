import { MongoServerError, type UpdateFilter } from 'mongodb';
import { lowestIdAt, timeOfId } from '../ids.ts';
import type { Logger } from '../log.ts';
import { nativeCollection } from '../models/connect.ts';
import { Rollup, type RollupDocument } from '../models/rollup.ts';
import { RollupWalk, type RollupWalkDocument } from '../models/rollup-walk.ts';
import { applyBatch } from './apply-batch.ts';
import { firstRequestId, isExact } from './check-hour.ts';
import { HOUR_MS, hourOf } from './hour.ts';
import { LAG_MS, nextBatch } from './next-batch.ts';

/**
 * Keeps the hourly aggregates: one walk over the requests in the order of their identifiers, shared by all workers. What
 * a batch adds is written into the walk's row together with the new position (one compare-and-set), then added, then
 * taken out of there: a process may die anywhere in between, and another one goes on.
 */

const DUPLICATE_KEY = 11_000;
/** A run lasts no longer, so that a process that stops does not wait for the whole walk. */
const RUN_MS = 2_000;
/** From the end of an hour to its check. */
const CLOSE_DELAY_MS = 300_000;
const KEPT_MS = 400 * 86_400_000;

const walks = () => nativeCollection<RollupWalkDocument>(RollupWalk);

async function firstWalk(): Promise<RollupWalkDocument | undefined> {
  const first = await firstRequestId('');
  if (first === undefined) return undefined;
  const closedUpTo = hourOf(timeOfId(first));
  const walk = { _id: 'requests', batch: 0, position: '', waiting: [], closedUpTo } as const;
  try {
    await walks().insertOne({ ...walk, waiting: [] });
  } catch (error) {
    if (!(error instanceof MongoServerError) || error.code !== DUPLICATE_KEY) throw error;
  }
  return (await walks().findOne({ _id: 'requests' })) ?? undefined;
}

/** Moves the walk by one step; false when another process did. */
async function move(walk: RollupWalkDocument, update: UpdateFilter<RollupWalkDocument>): Promise<boolean> {
  const filter = { _id: walk._id, batch: walk.batch, closedUpTo: walk.closedUpTo, unapplied: { $exists: false } };
  return (await walks().updateOne(filter, update)).matchedCount === 1;
}

async function finishBatch({ _id, batch, unapplied }: RollupWalkDocument): Promise<void> {
  if (!unapplied) return;
  await applyBatch(batch, unapplied);
  await walks().updateOne({ _id, batch }, { $unset: { unapplied: '' } });
}

async function countNext(walk: RollupWalkDocument, nowMs: number): Promise<'counted' | 'caught up'> {
  const next = await nextBatch(walk, nowMs);
  const { increments, position, waiting, isLast } = next;
  if (isLast && increments.length === 0 && !walk.recount) {
    await move(walk, { $set: { caughtUpAt: new Date(nowMs) } });
    return 'caught up';
  }
  const place = walk.recount ? { recount: { hour: walk.recount.hour, position } } : { position };
  const isRecounted = walk.recount && isLast;
  const batch = walk.batch + 1;
  const $set = { batch, waiting, unapplied: { increments }, ...(isRecounted ? {} : place) };
  const isMine = await move(walk, isRecounted ? { $set, $unset: { recount: '' } } : { $set });
  if (isMine) await finishBatch({ ...walk, ...$set });
  return 'counted';
}

/** Closes the next hour when it is over and everything of it was counted; counts it anew when that is not exact. */
async function closeNext(walk: RollupWalkDocument, nowMs: number, log: Logger): Promise<boolean> {
  const { closedUpTo: hour, waiting, recount, recounted, batch } = walk;
  const end = new Date(hour.getTime() + HOUR_MS);
  const endId = lowestIdAt('req', end.getTime());
  if (recount || end.getTime() > nowMs - LAG_MS - CLOSE_DELAY_MS || waiting.some((id) => id < endId)) return false;
  const isAgain = recounted?.getTime() === hour.getTime();
  if (await isExact(hour)) return move(walk, { $set: { closedUpTo: await nextHour(endId, nowMs) } });
  if (isAgain) {
    log.error({ reason: 'rollup differs', code: hour.toISOString() }, 'an hour does not add up to its ledger');
    return move(walk, { $set: { closedUpTo: end } });
  }
  const again = { recount: { hour, position: lowestIdAt('req', hour.getTime()) }, recounted: hour };
  return move(walk, { $set: { ...again, batch: batch + 1, unapplied: { clear: hour, increments: [] } } });
}

/** Hours without a request need no check. */
async function nextHour(fromId: string, nowMs: number): Promise<Date> {
  const next = await firstRequestId(fromId);
  return hourOf(Math.min(next === undefined ? nowMs : timeOfId(next), nowMs - LAG_MS - CLOSE_DELAY_MS));
}

/** Goes on counting for about two seconds, or until there is nothing left. Any number of processes may do so at once. */
export async function rollUp(nowMs: number, log: Logger): Promise<void> {
  const endsAtMs = performance.now() + RUN_MS;
  do {
    const walk = (await walks().findOne({ _id: 'requests' })) ?? (await firstWalk());
    if (!walk) return;
    if (walk.unapplied) await finishBatch(walk);
    else if ((await countNext(walk, nowMs)) === 'caught up' && !(await closeNext(walk, nowMs, log))) return;
  } while (performance.now() < endsAtMs);
}

/** Removes what is past its term. Those of accounts are purged as the registry of personal data says. */
export async function trimRollups(nowMs: number): Promise<number> {
  const past = { _id: { $lt: lowestIdAt('rol', nowMs - KEPT_MS) } };
  return (await nativeCollection<RollupDocument>(Rollup).deleteMany(past)).deletedCount;
}
