import { Adjustment, type AdjustmentDocument } from '../models/adjustment.ts';
import { nativeCollection } from '../models/connect.ts';
import { LedgerEntry, type LedgerEntryDocument } from '../models/ledger-entry.ts';
import { Request, type RequestDocument } from '../models/request.ts';
import { adjustmentEntryId } from './account-updates.ts';
import type { EntryAccount } from './credit.ts';

/** All refunds of a request together give back no more than it cost. */

export const BEYOND_COST = 'With the other refunds of this request, that is more than it cost.';

type Refund = Pick<AdjustmentDocument, '_id' | 'accountId' | 'amountMicros'> & { requestId: string };

const entriesOf = (refunds: readonly { _id: string }[]) => refunds.map(({ _id }) => adjustmentEntryId(_id));

/**
 * Whether this refund, beside those that were made, is within what its request cost.
 * @param account as it was read before: an entry that is made after that reading changes its `credited`, which guards the
 *   update that follows.
 */
export async function isWithinCost(refund: Refund, { outbox }: Pick<EntryAccount, 'outbox'>): Promise<boolean> {
  const { _id, accountId, requestId, amountMicros } = refund;
  const request = await nativeCollection<RequestDocument>(Request).findOne(
    { _id: requestId },
    { projection: { accountId: 1, costMicros: 1 } },
  );
  if (request?.accountId !== accountId) return false;
  const others = await nativeCollection<AdjustmentDocument>(Adjustment)
    .find({ accountId, requestId, _id: { $ne: _id } }, { projection: { amountMicros: 1 } })
    .toArray();
  const flushed = await nativeCollection<LedgerEntryDocument>(LedgerEntry)
    .find({ _id: { $in: entriesOf(others) } }, { projection: { _id: 1 } })
    .toArray();
  const made = new Set([...outbox, ...flushed].map((entry) => entry._id));
  const refundedMicros = others
    .filter((other) => made.has(adjustmentEntryId(other._id)))
    .reduce((sum, other) => sum + other.amountMicros, 0n);
  return refundedMicros + amountMicros <= (request.costMicros ?? 0n);
}
