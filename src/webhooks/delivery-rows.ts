import type { Document, Filter } from 'mongodb';
import { nativeCollection } from '../models/connect.ts';
import { Delivery, type DeliveryAttempt, type DeliveryDocument, type DeliveryState } from '../models/delivery.ts';

/**
 * The updates of a delivery row, each one compare-and-set on one document. Leases are judged and set by the server's
 * clock, so the clocks of two workers cannot make both believe a row is theirs. `$$NOW` stands in updates only: not every
 * engine takes it in a filter.
 */

/** A row this worker may send now. `claimToken` is its proof: every later claim changes it. */
export type ClaimedDelivery = DeliveryDocument & { leaseUntil: Date; claimToken: string };
export type AttemptRecord = Omit<DeliveryAttempt, 'at'>;
/** One guarded update of one row. */
export type Transition = { filter: Filter<DeliveryDocument>; update: Document[] };

const ATTEMPTS_KEPT_MAX = 50;
/** A timer of the queue may fire a little before the server's clock agrees. */
const EARLY_MS_MAX = 1_000;

const rows = () => nativeCollection<DeliveryDocument>(Delivery);
const fromNow = (delayMs: number) => ({ $add: ['$$NOW', delayMs] });
const leaseIsOver = { $lte: [{ $ifNull: ['$leaseUntil', new Date(0)] }, '$$NOW'] };

/** An update that sets `fields` when `condition` holds, and else changes nothing. */
function setIf(condition: Document, fields: Readonly<Record<string, unknown>>): Document[] {
  const guarded = Object.entries(fields).map(([name, value]) => [name, { $cond: [condition, value, `$${name}`] }]);
  return [{ $set: Object.fromEntries(guarded) }];
}

/** Takes a due, pending row nobody holds for `leaseMs`, and counts the attempt. `token` on the row tells that it did. */
export function claimUpdate(deliveryId: string, token: string, leaseMs: number): Transition {
  const isFree = { $and: [{ $lte: ['$nextAttemptAt', fromNow(EARLY_MS_MAX)] }, leaseIsOver] };
  const claimed = { attempt: { $add: ['$attempt', 1] }, leaseUntil: fromNow(leaseMs), claimToken: token };
  return { filter: { _id: deliveryId, state: 'pending' }, update: setIf(isFree, claimed) };
}

/** Writes to a claimed row and lets it go. The token stays, so that an outcome which was lost on the way can be asked for. */
export function releaseUpdate({ _id, leaseUntil, claimToken }: ClaimedDelivery, fields: Document): Transition {
  const filter = { _id, leaseUntil, claimToken, state: 'pending' as const };
  return { filter, update: [{ $set: fields }, { $unset: 'leaseUntil' }] };
}

function appended({ outcome, status, ms }: AttemptRecord): Document {
  const at = { $subtract: ['$$NOW', ms] };
  const record = { at, outcome: { $literal: outcome }, ms, ...(status === undefined ? {} : { status }) };
  return { $slice: [{ $concatArrays: ['$attempts', [record]] }, -ATTEMPTS_KEPT_MAX] };
}

/** What a release writes: the last attempt recorded, and the row ended. */
export function ended(record: AttemptRecord, state: Exclude<DeliveryState, 'pending'>): Document {
  const delivered = state === 'delivered' ? { deliveredAt: '$$NOW' } : {};
  return { state, attempts: appended(record), ...delivered };
}

/** What a release writes: a failed attempt recorded, and the next one `delayMs` from now. */
export function scheduled(record: AttemptRecord, delayMs: number): Document {
  return { attempts: appended(record), nextAttemptAt: fromNow(delayMs) };
}

/** What a release writes: as if the row had not been claimed, due `delayMs` from now. */
export function putBack({ attempt }: ClaimedDelivery, delayMs: number): Document {
  return { attempt: attempt - 1, nextAttemptAt: fromNow(delayMs) };
}

/**
 * At most `limit` pending rows whose job has not come within `overdueMs` and that nobody holds, longest due first; each is marked
 * as due now, so that several sweepers, or the next sweep, do not take it again at once. This worker's clock is good
 * enough here: what is taken too early is refused by the claim.
 */
export async function takeOverdueRows(limit: number, overdueMs: number): Promise<string[]> {
  const [now, before] = [new Date(), new Date(Date.now() - overdueMs)];
  const isFree = { $or: [{ leaseUntil: { $exists: false } }, { leaseUntil: { $lt: now } }] };
  const overdue = await rows()
    .find({ state: 'pending', nextAttemptAt: { $lt: before }, ...isFree })
    .sort({ nextAttemptAt: 1 })
    .limit(limit)
    .project<Pick<DeliveryDocument, '_id' | 'nextAttemptAt'>>({ nextAttemptAt: 1 })
    .toArray();
  const taken: string[] = [];
  for (const { _id, nextAttemptAt } of overdue) {
    const { matchedCount } = await rows().updateOne(
      { _id, state: 'pending', nextAttemptAt, ...isFree },
      { $set: { nextAttemptAt: now } },
    );
    if (matchedCount === 1) taken.push(_id);
  }
  return taken;
}

/**
 * Makes a row pending with the whole schedule before it; its log of attempts stays. One that is being sent at this
 * moment is left alone.
 * @param dueSinceMs how long ago it was due; more than `WEBHOOK_OVERDUE_MS` makes the next sweep enqueue it.
 */
export async function restartRow(deliveryId: string, dueSinceMs = 0): Promise<'pending' | 'in_progress' | 'not_found'> {
  const isFree = { $or: [{ $ne: ['$state', 'pending'] }, leaseIsOver] };
  const { matchedCount, modifiedCount } = await rows().updateOne(
    { _id: deliveryId },
    setIf(isFree, {
      state: 'pending',
      attempt: 0,
      nextAttemptAt: fromNow(-dueSinceMs),
      leaseUntil: '$$REMOVE',
      claimToken: '$$REMOVE',
      deliveredAt: '$$REMOVE',
    }),
  );
  if (matchedCount === 0) return 'not_found';
  return modifiedCount === 1 ? 'pending' : 'in_progress';
}
