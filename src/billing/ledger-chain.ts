import { hash } from 'node:crypto';
import type { LedgerEntryDocument } from '../models/ledger-entry.ts';
import type { FindingKind } from '../models/reconciliation-alert.ts';
import type { AcknowledgedBreak, ChainState } from '../models/reconciliation-segment.ts';
import { takeTurns } from '../turns.ts';

/**
 * The hash chain over an account's ledger, as pure functions. It lives in the reconciler's own records and not in the
 * rows: rows are written by several flushers at once, and a hash beside the row could be forged together with it.
 */

/** Something that is not as it must be: which row of which account, what was expected and what is there. */
export type Finding = {
  accountId: string;
  kind: FindingKind;
  seq: bigint;
  expected: string;
  found: string;
  requestId?: string;
};

export const MARK_BYTES = 4;
const MARK_HEX_CHARACTERS = MARK_BYTES * 2;

const sha256 = (text: string): string => hash('sha256', text, 'hex');

/** The state before an account's first row. */
export function chainStart(accountId: string): ChainState {
  return { seq: 0n, sumMicros: 0n, afterMicros: 0n, hash: sha256(`ledger ${accountId}`) };
}

/** Text in which no two different rows are equal: every member, in a fixed order, and whatever does not belong there. */
export function canonicalRow(row: LedgerEntryDocument): string {
  const { _id, accountId, seq, amountMicros, afterMicros, kind, requestId, at, ...others } = row;
  const atText = at instanceof Date ? at.getTime() : typeof at;
  const known = JSON.stringify([_id, accountId, kind, requestId ?? null, atText]);
  const strange = Object.keys(others).length === 0 ? '' : JSON.stringify(others, (_, value) => printable(value));
  return `${seq} ${amountMicros} ${afterMicros} ${known}${strange}`;
}

function printable(value: unknown): unknown {
  return typeof value === 'bigint' ? `${value}n` : value;
}

function isWellFormed(row: LedgerEntryDocument): boolean {
  return typeof row.amountMicros === 'bigint' && typeof row.afterMicros === 'bigint';
}

/** The chain's next state over one row that is there (`row`) or that two persons accepted as missing (`undefined`). */
function step(
  state: ChainState,
  row: LedgerEntryDocument | undefined,
  accepted: AcknowledgedBreak | undefined,
): ChainState {
  const amountMicros = row?.amountMicros ?? 0n;
  const note = accepted ? ` ${accepted.adjustmentId} ${accepted.offsetMicros}` : '';
  return {
    seq: state.seq + 1n,
    sumMicros: state.sumMicros + amountMicros,
    afterMicros: state.afterMicros + amountMicros + (accepted?.offsetMicros ?? 0n),
    hash: sha256(`${state.hash} ${row ? canonicalRow(row) : 'missing'}${note}`),
  };
}

export type FollowOptions = {
  accountId: string;
  /** The last row that must be there. */
  untilSeq: bigint;
  breaks: readonly AcknowledgedBreak[];
  /** What `marks` was when these rows were seen first: a row that gives another one was changed since. */
  knownMarks?: Uint8Array | undefined;
};

export type Followed = { state: ChainState; marks: Buffer; finding?: Finding };

/**
 * Follows the ledger from `start` over `rows` (in sequence) up to `untilSeq`, and stops before the first row that is
 * missing, does not lead from the balance before it to the one after it, or is not the row that was there before.
 */
export async function followLedger(
  start: ChainState,
  rows: readonly LedgerEntryDocument[],
  options: FollowOptions,
): Promise<Followed> {
  const { accountId, untilSeq, knownMarks } = options;
  const accepted = new Map(options.breaks.map((one) => [one.seq, one]));
  const marks = Buffer.alloc(Number(untilSeq - start.seq) * MARK_BYTES);
  let state = start;
  let index = 0;
  const turn = takeTurns();
  const stop = (kind: FindingKind, expected: string, found: string): Followed => ({
    state,
    marks: marks.subarray(0, Number(state.seq - start.seq) * MARK_BYTES),
    finding: { accountId, kind, seq: state.seq + 1n, expected, found },
  });
  while (state.seq < untilSeq) {
    const seq = state.seq + 1n;
    const acceptedHere = accepted.size > 0 ? accepted.get(seq) : undefined;
    const candidate = rows[index];
    const row = candidate?.seq === seq ? candidate : undefined;
    if (!row && !acceptedHere?.missing) return stop('ledger_row_missing', `row ${seq}`, 'none');
    if (row && acceptedHere?.missing) return stop('ledger_row_changed', 'accepted as missing', `row ${seq}`);
    if (row && !isWellFormed(row)) return stop('ledger_row_changed', 'int64 amounts', 'another type');
    const next = step(state, row, acceptedHere);
    if (row && row.afterMicros !== next.afterMicros)
      return stop('ledger_row_changed', `after ${next.afterMicros}`, `after ${row.afterMicros}`);
    const offset = Number(state.seq - start.seq) * MARK_BYTES;
    marks.write(next.hash.slice(0, MARK_HEX_CHARACTERS), offset, 'hex');
    if (knownMarks && !isSameMark(marks, knownMarks, offset))
      return stop('ledger_row_changed', `hash ${markText(knownMarks, offset)}`, `hash ${markText(marks, offset)}`);
    state = next;
    if (row) index++;
    const pause = turn();
    if (pause) await pause;
  }
  return { state, marks };
}

function isSameMark(a: Uint8Array, b: Uint8Array, offset: number): boolean {
  for (let at = offset; at < offset + MARK_BYTES; at++) if (a[at] !== b[at]) return false;
  return true;
}

function markText(marks: Uint8Array, offset: number): string {
  return Buffer.from(marks.subarray(offset, offset + MARK_BYTES)).toString('hex');
}
