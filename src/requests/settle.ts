import type { AccountWriter } from '../billing/account.ts';
import { settlementOf } from '../billing/account.ts';
import { crashPoint } from '../crash-point.ts';
import type { RequestDocument } from '../models/request.ts';
import type { RequestWriter } from './writer.ts';

/** The members of a terminal request that its settlement follows from. */
export type Settleable = Pick<RequestDocument, '_id' | 'accountId' | 'keyId' | 'holdMicros' | 'createdAt'> & {
  costMicros?: bigint;
  /** Its charge has been made: a hold that turns up later (a repeated write that landed late) is given back whole. */
  settled?: boolean;
};

/**
 * Closes the hold of a terminal request and has the request marked, which is not waited for: where the mark is missing the
 * sweeper closes the hold, that is not there any more, again. Idempotent: every caller computes the same numbers from
 * the request's row, and the hold can be closed only once.
 */
export async function settleRequest(
  request: Settleable,
  writers: { accounts: Pick<AccountWriter, 'settle'>; requests: Pick<RequestWriter, 'markSettled'> },
): Promise<void> {
  const { settled = false, ...settleable } = request;
  await writers.accounts.settle(settlementOf(settled ? { ...settleable, costMicros: 0n } : settleable));
  crashPoint('settle.before_mark');
  writers.requests.markSettled(request._id).catch(() => undefined);
}
