import type { AccountDocument } from '../models/account.ts';
import { nativeCollection } from '../models/connect.ts';
import { LedgerEntry, type LedgerEntryDocument } from '../models/ledger-entry.ts';
import { bookedMicros, flushedSeq, holdSumFindings } from './account-books.ts';

/**
 * Does an account's balance follow from its ledger as it is now? The whole ledger summed by the database, without the
 * reconciler's records: a second opinion, for scripts and tests.
 */

export type AccountCheck = { accountId: string; seq: bigint; differenceMicros: bigint; problems: string[] };

type LedgerSummary = { count: bigint; sumMicros: bigint };

async function summarize(accountId: string, seqMax: bigint): Promise<LedgerSummary> {
  const [row] = await nativeCollection<LedgerEntryDocument>(LedgerEntry)
    .aggregate<{ count: bigint | number; sum: bigint | number }>([
      { $match: { accountId, seq: { $lte: seqMax } } },
      { $group: { _id: null, count: { $sum: 1 }, sum: { $sum: '$amountMicros' } } },
    ])
    .toArray();
  return { count: BigInt(row?.count ?? 0), sumMicros: BigInt(row?.sum ?? 0) };
}

/**
 * Checks one account. Race-free, because sequence number and outbox come from one read of the account and ledger
 * entries never change: everything up to the first entry still in the outbox must be in the ledger.
 * @param missingRows how many rows two persons have accepted as missing; the account's own entry for it makes up the sum.
 */
export async function checkAccount(account: AccountDocument, missingRows = 0): Promise<AccountCheck> {
  const flushed = flushedSeq(account);
  const ledger = await summarize(account._id, flushed);
  const differenceMicros = bookedMicros(account) - ledger.sumMicros;
  const problems: string[] = holdSumFindings(account).map(({ kind }) => kind);
  if (differenceMicros !== 0n) problems.push('balance_differs');
  // Their numbers are unique and begin with 1: so many of them leave no gap.
  if (ledger.count !== flushed - BigInt(missingRows)) problems.push('ledger_row_missing');
  return { accountId: account._id, seq: account.seq, differenceMicros, problems };
}
