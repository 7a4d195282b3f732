import { AppError } from '../errors.ts';
import { Account, type AccountDocument, type OutboxEntry } from '../models/account.ts';
import type { AcceptedCharge, RestoredHold } from '../models/adjustment.ts';
import { nativeCollection } from '../models/connect.ts';
import { LedgerEntry, type LedgerEntryDocument } from '../models/ledger-entry.ts';
import type { AcknowledgedBreak } from '../models/reconciliation-segment.ts';
import { type BookedAccount, flushedSeq, heldMicros } from './account-books.ts';
import { chargeFindings } from './cross-checks.ts';
import type { Finding } from './ledger-chain.ts';
import { checkAccount } from './reconcile.ts';
import { changedHolds, examineAccount } from './reconcile-accounts.ts';
import { verifySegments } from './reconcile-segments.ts';
import { readLedger, SEGMENT_ROWS, segmentsOf } from './segments.ts';

/** The whole of one account's books, read from the first row to the last: before a correction, and before it may spend again. */

export type Break = Omit<AcknowledgedBreak, 'adjustmentId'>;

export type Survey = {
  /** Charges that are not what their requests cost and that nobody has accepted. */
  charges: AcceptedCharge[];
  /** Open holds that are not what their requests were accepted with. */
  holds: RestoredHold[];
  /** Rows that are not as they were and that nobody has acknowledged. */
  breaks: Break[];
  /** What the balance is above the sum of all entries. */
  differenceMicros: bigint;
  /** The balance after the last entry as the books tell it, breaks accepted. */
  afterMicros: bigint;
};

type Running = { seq: bigint; sumMicros: bigint; afterMicros: bigint; breaks: Map<bigint, Break> };

function passMissing(running: Running, untilSeq: bigint, accepted: ReadonlyMap<bigint, AcknowledgedBreak>): void {
  while (running.seq < untilSeq) {
    running.seq += 1n;
    const known = accepted.get(running.seq);
    if (known) running.afterMicros += known.offsetMicros;
    if (!known?.missing) running.breaks.set(running.seq, { seq: running.seq, offsetMicros: 0n, missing: true });
  }
}

function passRow(running: Running, row: OutboxEntry, accepted: ReadonlyMap<bigint, AcknowledgedBreak>): void {
  const known = accepted.get(row.seq);
  const told = running.afterMicros + row.amountMicros;
  const offsetMicros = row.afterMicros - told;
  if (offsetMicros !== (known?.offsetMicros ?? 0n) || known?.missing)
    running.breaks.set(row.seq, { seq: row.seq, offsetMicros, missing: false });
  running.seq = row.seq;
  running.sumMicros += row.amountMicros;
  running.afterMicros = row.afterMicros;
}

/** Rows whose content changed although every sum is right: only the hash tells, and only the first of each segment. */
function addChangedRows(
  running: Running,
  findings: readonly Finding[],
  accepted: ReadonlyMap<bigint, AcknowledgedBreak>,
) {
  for (const { kind, seq } of findings) {
    if (kind !== 'ledger_row_changed' || running.breaks.has(seq)) continue;
    running.breaks.set(seq, { seq, offsetMicros: accepted.get(seq)?.offsetMicros ?? 0n, missing: false });
  }
}

/** Reads all books of an account as it was read. Later entries do not disturb: only what this read vouches for is used. */
export async function surveyBooks(account: BookedAccount): Promise<Survey> {
  const charges = (await chargeFindings(account._id, Date.now())).map(
    ({ requestId = '', expected, found }): AcceptedCharge => ({ requestId, expected, found }),
  );
  const holds = (await changedHolds([account])).map(
    ({ requestId, fromMicros, toMicros }): RestoredHold => ({ requestId, fromMicros, toMicros }),
  );
  return { ...(await surveyRows(account)), charges, holds };
}

/** The rows alone. */
export async function surveyRows(account: BookedAccount): Promise<Omit<Survey, 'charges' | 'holds'>> {
  const accountId = account._id;
  const records = await segmentsOf(accountId);
  const accepted = new Map(records.flatMap(({ breaks }) => breaks).map((one) => [one.seq, one]));
  const running: Running = { seq: 0n, sumMicros: 0n, afterMicros: 0n, breaks: new Map() };
  const flushed = flushedSeq(account);
  for (let from = 0n; from < flushed; from += BigInt(SEGMENT_ROWS)) {
    const end = from + BigInt(SEGMENT_ROWS);
    const untilSeq = end < flushed ? end : flushed;
    const rows = (await readLedger([{ accountId, afterSeq: from, untilSeq }])).get(accountId) ?? [];
    for (const row of rows) {
      passMissing(running, row.seq - 1n, accepted);
      passRow(running, row, accepted);
    }
    passMissing(running, untilSeq, accepted);
  }
  for (const entry of account.outbox) {
    passMissing(running, entry.seq - 1n, accepted);
    passRow(running, entry, accepted);
  }
  addChangedRows(running, await verifySegments(records), accepted);
  const breaks = [...running.breaks.values()].sort((a, b) => Number(a.seq - b.seq));
  const differenceMicros = account.availableMicros + account.heldMicros - running.sumMicros;
  return { breaks, differenceMicros, afterMicros: running.afterMicros };
}

/** What an account holds once its changed holds are restored. */
export function heldAfter(account: BookedAccount, { holds }: Pick<Survey, 'holds'>): bigint {
  return holds.reduce((sum, { fromMicros, toMicros }) => sum + toMicros - fromMicros, heldMicros(account));
}

/** Passes after which the records of even a long ledger have come to its end. */
const EXAMINATIONS_MAX = 1_000;

/**
 * Everything that is wrong with an account: its record brought up to its last row, all old rows read again, its charges
 * compared with its requests, and the whole ledger summed by the database as a second opinion. Raises nothing.
 * @throws `not_found` when there is neither such an account nor anything that would be an account's.
 */
export async function inspectAccount(accountId: string): Promise<Finding[]> {
  const account = await nativeCollection<AccountDocument>(Account).findOne({ _id: accountId });
  if (!account) return [await missingAccount(accountId)];
  return [...(await inspectBooks(accountId)), ...(await chargeFindings(accountId, Date.now()))];
}

/** An account that is not there although rows or records of it are. */
async function missingAccount(accountId: string): Promise<Finding> {
  const row = await nativeCollection<LedgerEntryDocument>(LedgerEntry).findOne({ accountId }, { sort: { seq: -1 } });
  const known = (await segmentsOf(accountId)).at(-1)?.end.seq ?? 0n;
  const seq = row && row.seq > known ? row.seq : known;
  if (seq === 0n) throw new AppError('not_found', { message: 'There is no such account.' });
  return { accountId, kind: 'account_missing', seq, expected: `account with ${seq} rows`, found: 'none' };
}

async function inspectBooks(accountId: string): Promise<Finding[]> {
  let records = await segmentsOf(accountId);
  for (let round = 0; round < EXAMINATIONS_MAX; round++) {
    const findings = await examineAccount(accountId);
    const before = records.at(-1)?.end.seq;
    records = await segmentsOf(accountId);
    if (findings.length > 0) return [...findings, ...(await verifySegments(records))];
    if (records.at(-1)?.end.seq === before) break;
  }
  const findings = await verifySegments(records);
  if (findings.length > 0) return findings;
  const missing = new Set(records.flatMap(({ breaks }) => breaks.filter((one) => one.missing).map(({ seq }) => seq)));
  return secondOpinion(accountId, missing.size);
}

/** The database's own sum and count, but for the rows that two persons accepted as missing. */
async function secondOpinion(accountId: string, missingRows: number): Promise<Finding[]> {
  const account = await nativeCollection<AccountDocument>(Account).findOne({ _id: accountId });
  if (!account) return [];
  const { problems, differenceMicros, seq } = await checkAccount(account, missingRows);
  if (problems.length === 0) return [];
  return [{ accountId, kind: 'balance_differs', seq, expected: '0', found: `${differenceMicros}` }];
}
