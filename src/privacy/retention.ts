import { lowestIdAt } from '../ids.ts';
import { nativeCollection } from '../models/connect.ts';
import { Delivery, type DeliveryDocument } from '../models/delivery.ts';
import { Request, type RequestDocument, TERMINAL_STATES } from '../models/request.ts';

/** Purging by age. Bounded batches over the `_id` index (identifiers sort by time); resumable, because a purged row is marked. */

export type PurgeReport = { examined: number; purged: number; idempotencyKeysFreed: number };

const BATCH_MAX = 500;
const DAY_MS = 86_400_000;

const requests = () => nativeCollection<RequestDocument>(Request);

/**
 * Removes input and answer of requests older than `contentDays`, and Idempotency-Keys older than their retention.
 * Never touches a request that is not terminal, not settled, or whose webhook is not delivered yet.
 * @param signal stops between batches; the next run goes on.
 */
export async function purgeContent(
  options: { nowMs: number; contentDays: number; idempotencyRetentionMs: number },
  signal: AbortSignal,
): Promise<PurgeReport> {
  const report: PurgeReport = { examined: 0, purged: 0, idempotencyKeysFreed: 0 };
  const at = new Date(options.nowMs);
  await eachBatch(options.nowMs - options.contentDays * DAY_MS, HAS_CONTENT, signal, async (ids) => {
    report.examined += ids.length;
    const owed = await beingDelivered(ids);
    const result = await requests().updateMany(
      { _id: { $in: ids.filter((id) => !owed.has(id)) }, ...FINISHED, ...HAS_CONTENT },
      { $set: { contentPurgedAt: at }, $unset: { input: '', result: '', callbackUrl: '' } },
    );
    report.purged += result.modifiedCount;
  });
  await eachBatch(options.nowMs - options.idempotencyRetentionMs, HAS_IDEMPOTENCY_KEY, signal, async (ids) => {
    const result = await requests().updateMany(
      { _id: { $in: ids }, ...FINISHED, ...HAS_IDEMPOTENCY_KEY },
      { $unset: { idemKey: '', fingerprint: '' } },
    );
    report.idempotencyKeysFreed += result.modifiedCount;
  });
  return report;
}

// Also part of the updates: of several purges at once only one counts a row.
// Content that went early (zero retention) has left its callback address behind.
const HAS_CONTENT = { $or: [{ contentPurgedAt: { $exists: false } }, { callbackUrl: { $exists: true } }] };
const HAS_IDEMPOTENCY_KEY = { idemKey: { $exists: true } };

const FINISHED = {
  state: { $in: [...TERMINAL_STATES] },
  settled: true,
  webhook: { $nin: ['wanted' as const, 'pending' as const] },
};

/** Requests whose event is still to be delivered: it is built from the row at every attempt. */
async function beingDelivered(ids: string[]): Promise<ReadonlySet<string>> {
  const pending = await nativeCollection<DeliveryDocument>(Delivery)
    .find({ requestId: { $in: ids }, state: 'pending' }, { projection: { requestId: 1 } })
    .toArray();
  return new Set(pending.map((delivery) => delivery.requestId));
}

async function eachBatch(
  olderThanMs: number,
  condition: Record<string, unknown>,
  signal: AbortSignal,
  act: (ids: string[]) => Promise<void>,
): Promise<void> {
  let afterId = '';
  while (!signal.aborted) {
    const batch = await requests()
      .find({ _id: { $gt: afterId, $lt: lowestIdAt('req', olderThanMs) }, ...FINISHED, ...condition } as never, {
        projection: { _id: 1 },
      })
      .sort({ _id: 1 })
      .limit(BATCH_MAX)
      .toArray();
    const last = batch.at(-1);
    if (!last) return;
    await act(batch.map((request) => request._id));
    afterId = last._id;
  }
}
