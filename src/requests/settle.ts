import type { AccountWriter } from '../billing/account.ts';
import { settlementOf } from '../billing/account.ts';
import type { RequestDocument } from '../models/request.ts';
import type { RequestWriter } from './writer.ts';

/** The members of a terminal request that its settlement follows from. */
export type Settleable = Pick<RequestDocument, '_id' | 'accountId' | 'keyId' | 'holdMicros' | 'createdAt'> & {
  costMicros?: bigint;
};

/**
 * Closes the hold of a terminal request and marks the request. Idempotent: every caller computes the same numbers from
 * the request's row, and the hold can be closed only once.
 */
export async function settleRequest(
  request: Settleable,
  writers: { accounts: Pick<AccountWriter, 'settle'>; requests: Pick<RequestWriter, 'markSettled'> },
): Promise<void> {
  await writers.accounts.settle(settlementOf(request));
  await writers.requests.markSettled(request._id);
}
