import type { AccountDocument } from '../models/account.ts';
import type { ChainState } from '../models/reconciliation-segment.ts';
import type { Finding } from './ledger-chain.ts';

/** What one read of an account says about itself. Sequence number, outbox and balance come from one document: no race. */

export type BookedAccount = Omit<AccountDocument, 'spend' | 'credited'>;

/** Everything up to this row must be in the ledger. */
export function flushedSeq(account: BookedAccount): bigint {
  return (account.outbox[0]?.seq ?? account.seq + 1n) - 1n;
}

export function outboxMicros(account: BookedAccount): bigint {
  return account.outbox.reduce((sum, entry) => sum + entry.amountMicros, 0n);
}

/** What the flushed rows must add up to. */
export function bookedMicros(account: BookedAccount): bigint {
  return account.availableMicros + account.heldMicros - outboxMicros(account);
}

export function heldMicros(account: BookedAccount): bigint {
  return Object.values(account.holds).reduce((sum, hold) => sum + hold.amountMicros, 0n);
}

/** Differences between an account's holds and what it says about them. */
export function holdSumFindings(account: BookedAccount): Finding[] {
  const { _id: accountId, seq } = account;
  const findings: Finding[] = [];
  const held = heldMicros(account);
  const count = Object.keys(account.holds).length;
  if (held !== account.heldMicros)
    findings.push({ accountId, seq, kind: 'held_differs', expected: `${held}`, found: `${account.heldMicros}` });
  if (count !== account.open)
    findings.push({ accountId, seq, kind: 'open_differs', expected: `${count}`, found: `${account.open}` });
  return findings;
}

/** The balance against the chain's end; `state` must have come as far as the account's flushed rows. */
export function balanceFindings(account: BookedAccount, state: ChainState): Finding[] {
  const { _id: accountId, seq } = account;
  const flushed = flushedSeq(account);
  if (state.seq !== flushed)
    return [{ accountId, seq: flushed, kind: 'sequence_differs', expected: `${state.seq}`, found: `${flushed}` }];
  const booked = bookedMicros(account);
  if (booked === state.sumMicros) return [];
  const outbox = outboxMicros(account);
  const found = `${booked + outbox}`;
  return [{ accountId, seq, kind: 'balance_differs', expected: `${state.sumMicros + outbox}`, found }];
}
