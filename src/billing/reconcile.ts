import type { Logger } from '../log.ts';
import { Account, type AccountDocument } from '../models/account.ts';
import { nativeCollection } from '../models/connect.ts';
import { LedgerEntry, type LedgerEntryDocument } from '../models/ledger-entry.ts';
import { Reconciliation, type ReconciliationDocument } from '../models/reconciliation.ts';

/** Does an account's balance follow from its ledger? Nothing is ever corrected here: a difference freezes and reports. */

export type Finding = { accountId: string; seq: bigint; differenceMicros: bigint; problems: string[] };

const accounts = () => nativeCollection<AccountDocument>(Account);

type LedgerSummary = { count: bigint; sumMicros: bigint; lastSeq: bigint };

async function summarize(accountId: string, seqMax: bigint): Promise<LedgerSummary> {
  const [row] = await nativeCollection<LedgerEntryDocument>(LedgerEntry)
    .aggregate<{ count: bigint | number; sum: bigint | number; last: bigint | number }>([
      { $match: { accountId, seq: { $lte: seqMax } } },
      { $group: { _id: null, count: { $sum: 1 }, sum: { $sum: '$amountMicros' }, last: { $max: '$seq' } } },
    ])
    .toArray();
  return { count: BigInt(row?.count ?? 0), sumMicros: BigInt(row?.sum ?? 0), lastSeq: BigInt(row?.last ?? 0) };
}

/**
 * Checks one account. Race-free, because sequence number and outbox come from one read of the account and ledger
 * entries never change: everything up to the first entry still in the outbox must be in the ledger.
 */
export async function checkAccount(account: AccountDocument): Promise<Finding> {
  const flushedSeq = (account.outbox[0]?.seq ?? account.seq + 1n) - 1n;
  const ledger = await summarize(account._id, flushedSeq);
  const outboxMicros = account.outbox.reduce((sum, entry) => sum + entry.amountMicros, 0n);
  const holds = Object.values(account.holds);
  const heldMicros = holds.reduce((sum, hold) => sum + hold.amountMicros, 0n);
  const differenceMicros = account.availableMicros + account.heldMicros - ledger.sumMicros - outboxMicros;
  const problems: string[] = [];
  if (differenceMicros !== 0n) problems.push('balance_differs_from_ledger');
  if (ledger.count !== flushedSeq || ledger.lastSeq !== flushedSeq) problems.push('ledger_sequence_has_gaps');
  if (heldMicros !== account.heldMicros) problems.push('held_differs_from_holds');
  if (holds.length !== account.open) problems.push('open_differs_from_holds');
  return { accountId: account._id, seq: account.seq, differenceMicros, problems };
}

async function record(finding: Finding, log: Logger): Promise<void> {
  const { accountId, ...rest } = finding;
  await nativeCollection<ReconciliationDocument>(Reconciliation).updateOne(
    { _id: accountId },
    { $set: { checkedAt: new Date(), ...rest } },
    { upsert: true },
  );
  if (finding.problems.length === 0) return;
  log.error(
    { accountId, reason: finding.problems.join(','), differenceMicros: finding.differenceMicros.toString() },
    'reconciliation difference: spending of this account is frozen',
  );
  await accounts().updateOne(
    { _id: accountId, status: 'active' },
    { $set: { status: 'frozen', statusReason: 'reconciliation' } },
  );
}

/**
 * Checks one page of accounts that changed since their last check, in `_id` order.
 * @returns the findings that are wrong, and the id to go on after (`undefined` at the end).
 */
export async function reconcilePage(
  afterId: string | undefined,
  pageSize: number,
  log: Logger,
): Promise<{ wrong: Finding[]; nextId: string | undefined; checked: number }> {
  const page = await accounts()
    .find(afterId === undefined ? {} : { _id: { $gt: afterId } })
    .sort({ _id: 1 })
    .limit(pageSize)
    .toArray();
  const wrong: Finding[] = [];
  for (const account of page) {
    const finding = await checkAccount(account);
    if (finding.problems.length > 0) wrong.push(finding);
    await record(finding, log);
  }
  return { wrong, nextId: page.length < pageSize ? undefined : page.at(-1)?._id, checked: page.length };
}
