import { type Document, MongoServerError } from 'mongodb';
import { nativeCollection } from '../models/connect.ts';
import { Delivery, type DeliveryAttempt, type DeliveryDocument, type DeliveryState } from '../models/delivery.ts';

/**
 * The writes of a delivery row, each one compare-and-set on one document. Leases are judged and set by the server's
 * clock, so the clocks of two workers cannot make both believe a row is theirs. `$$NOW` stands in updates only: not every
 * engine takes it in a filter.
 */

/** A row this worker may send now. `attempt` and `leaseUntil` together are its proof: every later claim changes them. */
export type ClaimedDelivery = DeliveryDocument & { leaseUntil: Date };
export type AttemptRecord = Omit<DeliveryAttempt, 'at'>;

const ATTEMPTS_KEPT_MAX = 50;
const DUPLICATE_KEY = 11_000;
/** A timer of the queue may fire a little before the server's clock agrees. */
const EARLY_MS_MAX = 1_000;

const rows = () => nativeCollection<DeliveryDocument>(Delivery);
const ownedBy = ({ _id, attempt, leaseUntil }: ClaimedDelivery) => ({
  _id,
  attempt,
  leaseUntil,
  state: 'pending' as const,
});
const fromNow = (delayMs: number) => ({ $add: ['$$NOW', delayMs] });
const leaseIsOver = { $lte: [{ $ifNull: ['$leaseUntil', new Date(0)] }, '$$NOW'] };

/** An update that sets `fields` when `condition` holds, and else changes nothing. */
function setIf(condition: Document, fields: Readonly<Record<string, unknown>>): Document[] {
  const guarded = Object.entries(fields).map(([name, value]) => [name, { $cond: [condition, value, `$${name}`] }]);
  return [{ $set: Object.fromEntries(guarded) }];
}

/** Inserts a row; one that exists already is left as it is. */
export async function insertRow(row: DeliveryDocument): Promise<void> {
  try {
    await rows().insertOne(row);
  } catch (error) {
    if (!(error instanceof MongoServerError && error.code === DUPLICATE_KEY)) throw error;
  }
}

/** Takes a due, pending row nobody holds for `leaseMs`, and counts the attempt. `undefined`: not there, not due, or held. */
export async function claimRow(deliveryId: string, leaseMs: number): Promise<ClaimedDelivery | undefined> {
  const seen = await rows().findOne({ _id: deliveryId, state: 'pending' }, { projection: { attempt: 1 } });
  if (!seen) return undefined;
  const attempt = seen.attempt + 1;
  const isFree = { $and: [{ $lte: ['$nextAttemptAt', fromNow(EARLY_MS_MAX)] }, leaseIsOver] };
  const row = await rows().findOneAndUpdate(
    { _id: deliveryId, state: 'pending', attempt: seen.attempt },
    setIf(isFree, { attempt, leaseUntil: fromNow(leaseMs) }),
    { returnDocument: 'after', promoteBuffers: true },
  );
  // The filter saw the number before, so the number after can only be there because this update set it.
  return row?.attempt === attempt && row.leaseUntil ? { ...row, leaseUntil: row.leaseUntil } : undefined;
}

function appended({ outcome, status, ms }: AttemptRecord): Document {
  const at = { $subtract: ['$$NOW', ms] };
  const record = { at, outcome: { $literal: outcome }, ms, ...(status === undefined ? {} : { status }) };
  return { $slice: [{ $concatArrays: ['$attempts', [record]] }, -ATTEMPTS_KEPT_MAX] };
}

/** Writes to a claimed row and lets it go. False when it is no longer ours. */
async function release(claimed: ClaimedDelivery, fields: Document): Promise<boolean> {
  const { matchedCount } = await rows().updateOne(ownedBy(claimed), [{ $set: fields }, { $unset: 'leaseUntil' }]);
  return matchedCount === 1;
}

/** Records the last attempt and ends the row. False when it is no longer ours. */
export function endRow(
  claimed: ClaimedDelivery,
  record: AttemptRecord,
  state: Exclude<DeliveryState, 'pending'>,
): Promise<boolean> {
  const delivered = state === 'delivered' ? { deliveredAt: '$$NOW' } : {};
  return release(claimed, { state, attempts: appended(record), ...delivered });
}

/** Records a failed attempt and sets the next one `delayMs` from now. False when it is no longer ours. */
export function scheduleRow(claimed: ClaimedDelivery, record: AttemptRecord, delayMs: number): Promise<boolean> {
  return release(claimed, { attempts: appended(record), nextAttemptAt: fromNow(delayMs) });
}

/** Gives a claimed row back as if it had not been claimed, due `delayMs` from now. False when it is no longer ours. */
export function putBackRow(claimed: ClaimedDelivery, delayMs: number): Promise<boolean> {
  return release(claimed, { attempt: claimed.attempt - 1, nextAttemptAt: fromNow(delayMs) });
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
      deliveredAt: '$$REMOVE',
    }),
  );
  if (matchedCount === 0) return 'not_found';
  return modifiedCount === 1 ? 'pending' : 'in_progress';
}
