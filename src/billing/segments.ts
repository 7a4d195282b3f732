import { type AnyBulkWriteOperation, Binary, MongoBulkWriteError, MongoServerError } from 'mongodb';
import { nativeCollection } from '../models/connect.ts';
import { LedgerEntry, type LedgerEntryDocument } from '../models/ledger-entry.ts';
import { allFromRaw, type RawRow, readRaw } from '../models/raw-rows.ts';
import {
  type AcknowledgedBreak,
  ReconciliationSegment,
  type ReconciliationSegmentDocument,
} from '../models/reconciliation-segment.ts';
import { chainStart, type Followed, MARK_BYTES } from './ledger-chain.ts';

/** The reconciler's records in the database, and the ledger rows they are about. */

export const SEGMENT_ROWS = 1_000;
const SEQ_DIGITS = 15;
const DUPLICATE_KEY = 11_000;

export type Segment = Omit<ReconciliationSegmentDocument, 'marks' | 'updatedAt'> & { marks: Uint8Array };

export const segments = () => nativeCollection<ReconciliationSegmentDocument>(ReconciliationSegment);

const closedId = (accountId: string, firstSeq: bigint) => `${accountId}:${String(firstSeq).padStart(SEQ_DIGITS, '0')}`;
export const tailId = (accountId: string) => `${accountId}:tail`;
export const isTail = (segment: Pick<Segment, '_id'>) => segment._id.endsWith(':tail');

/** The record of an account that was never checked. */
export function newTail(accountId: string): Segment {
  const start = chainStart(accountId);
  return {
    _id: tailId(accountId),
    accountId,
    generation: 0,
    start,
    end: start,
    marks: new Uint8Array(),
    breaks: [],
  };
}

export function toSegment(document: ReconciliationSegmentDocument): Segment {
  const { marks, updatedAt: _, ...rest } = document;
  return { ...rest, marks: marks instanceof Binary ? marks.buffer.subarray(0, marks.position) : marks };
}

/** The tails of these accounts, those that exist. */
export async function loadTails(accountIds: readonly string[]): Promise<Map<string, Segment>> {
  const found = await segments()
    .find({ _id: { $in: accountIds.map(tailId) } })
    .toArray();
  return new Map(found.map((document) => [document.accountId, toSegment(document)]));
}

/** The records of one account in the order of its ledger, the tail last. */
export async function segmentsOf(accountId: string): Promise<Segment[]> {
  const found = await segments()
    .find({ _id: { $gte: `${accountId}:`, $lt: `${accountId};` } })
    .sort({ _id: 1 })
    .toArray();
  const all = found.map(toSegment);
  const tail = all.find(isTail);
  return all.filter((segment) => !isOutdated(segment, tail));
}

/** Rows with `afterSeq < seq <= untilSeq`. */
export type LedgerRange = { accountId: string; afterSeq: bigint; untilSeq: bigint };

/** The ledger rows of these ranges, in any order. The caller keeps the sum of the ranges small: all are read. */
export async function readRawLedger(ranges: readonly LedgerRange[]): Promise<RawRow[]> {
  const conditions = ranges.map(({ accountId, afterSeq, untilSeq }) => ({
    accountId,
    seq: { $gt: afterSeq, $lte: untilSeq },
  }));
  const [only, ...others] = conditions;
  if (!only) return [];
  const filter = others.length === 0 ? only : { $or: conditions };
  return readRaw<LedgerEntryDocument>(LedgerEntry, filter);
}

/** Ledger rows by account, in sequence. */
export async function ledgerOf(raw: readonly RawRow[]): Promise<Map<string, LedgerEntryDocument[]>> {
  const byAccount = new Map<string, LedgerEntryDocument[]>();
  for (const row of await allFromRaw<LedgerEntryDocument>(raw)) {
    const own = byAccount.get(row.accountId);
    if (own) own.push(row);
    else byAccount.set(row.accountId, [row]);
  }
  for (const own of byAccount.values()) own.sort((a, b) => Number(a.seq - b.seq));
  return byAccount;
}

/** The ledger rows of these ranges by account, in sequence. */
export async function readLedger(ranges: readonly LedgerRange[]): Promise<Map<string, LedgerEntryDocument[]>> {
  return ledgerOf(await readRawLedger(ranges));
}

/** A tail that has grown by what was followed. */
export function grown(tail: Segment, followed: Followed): Segment {
  return { ...tail, end: followed.state, marks: Buffer.concat([tail.marks, followed.marks]) };
}

const isFull = (tail: Segment) => tail.end.seq - tail.start.seq >= BigInt(SEGMENT_ROWS);
const within = (breaks: readonly AcknowledgedBreak[], untilSeq: bigint) => breaks.filter(({ seq }) => seq <= untilSeq);
const beyond = (breaks: readonly AcknowledgedBreak[], untilSeq: bigint) => breaks.filter(({ seq }) => seq > untilSeq);

function stored(segment: Segment): ReconciliationSegmentDocument {
  return { ...segment, marks: new Binary(segment.marks), updatedAt: new Date() };
}

type Write = AnyBulkWriteOperation<ReconciliationSegmentDocument>;

/** Full tails become records of their own. One of a lower generation (a slow process) never replaces a newer one. */
function closing(tail: Segment): { closed: Write[]; tail: Segment } {
  if (!isFull(tail)) return { closed: [], tail };
  const untilSeq = tail.end.seq;
  const document = stored({
    ...tail,
    _id: closedId(tail.accountId, tail.start.seq + 1n),
    breaks: within(tail.breaks, untilSeq),
  });
  const { _id, ...replacement } = document;
  const filter = { _id, generation: { $lte: tail.generation } };
  return {
    closed: [{ replaceOne: { filter, replacement, upsert: true } }],
    tail: { ...tail, start: tail.end, marks: new Uint8Array(), breaks: beyond(tail.breaks, untilSeq) },
  };
}

/** Replaces a tail as it was read, and nothing else: of several processes that checked the same rows one writes. */
function tailWrite(before: Segment, after: Segment): Write {
  if (before.end.seq === 0n && before.generation === 0) return { insertOne: { document: stored(after) } };
  const { _id, ...set } = stored(after);
  const filter = {
    _id,
    generation: before.generation,
    'start.seq': before.start.seq,
    'end.seq': before.end.seq,
    'end.hash': before.end.hash,
  };
  return { updateOne: { filter, update: { $set: set } } };
}

async function writeAll(operations: Write[]): Promise<void> {
  if (operations.length === 0) return;
  try {
    await segments().bulkWrite(operations, { ordered: false });
  } catch (error) {
    // Another process was first with the same.
    const errors = error instanceof MongoBulkWriteError ? [error.writeErrors].flat() : [];
    if (errors.length === 0 || errors.some(({ code }) => code !== DUPLICATE_KEY)) throw error;
  }
}

/** Stores tails that have grown, closing full ones first. @returns the tails as they are from now on, by account. */
export async function saveTails(
  changes: readonly { before: Segment; after: Segment }[],
): Promise<Map<string, Segment>> {
  const done = changes.map(({ before, after }) => ({ before, ...closing(after) }));
  await writeAll(done.flatMap(({ closed }) => closed));
  await writeAll(done.map(({ before, tail }) => tailWrite(before, tail)));
  return new Map(done.map(({ tail }) => [tail.accountId, tail]));
}

/**
 * Starts the records of an account anew before the first of these breaks, which two persons acknowledged; the next
 * checks follow the ledger over them. What is acknowledged already stays so. Harmless to repeat.
 * @returns false when the records changed meanwhile: try again.
 */
export async function acknowledgeBreaks(accountId: string, breaks: readonly AcknowledgedBreak[]): Promise<boolean> {
  const all = await segmentsOf(accountId);
  const tail = all.find(isTail);
  if (!tail) return startWithBreaks(accountId, breaks);
  const known = new Map(all.flatMap((segment) => segment.breaks).map((one) => [one.seq, one]));
  const fresh = breaks.filter(({ seq, adjustmentId }) => known.get(seq)?.adjustmentId !== adjustmentId);
  if (fresh.length === 0) return true;
  for (const one of fresh) known.set(one.seq, one);
  const [firstSeq = 0n] = fresh.map(({ seq }) => seq).sort((a, b) => Number(a - b));
  const start = all.findLast((segment) => !isTail(segment) && segment.end.seq < firstSeq)?.end ?? chainStart(accountId);
  const restart = firstSeq > tail.start.seq ? tail.start : start;
  const { _id, ...set } = stored({
    ...tail,
    generation: tail.generation + 1,
    start: restart,
    end: restart,
    marks: new Uint8Array(),
    breaks: beyond([...known.values()], restart.seq),
  });
  const result = await segments().updateOne(
    { _id, generation: tail.generation, 'end.seq': tail.end.seq, 'end.hash': tail.end.hash },
    { $set: set },
  );
  if (result.matchedCount === 0) return false;
  const dropped = all.filter((segment) => !isTail(segment) && segment.start.seq >= restart.seq);
  if (dropped.length > 0) await segments().deleteMany({ _id: { $in: dropped.map((segment) => segment._id) } });
  return true;
}

async function startWithBreaks(accountId: string, breaks: readonly AcknowledgedBreak[]): Promise<boolean> {
  const tail = stored({ ...newTail(accountId), generation: 1, breaks: [...breaks] });
  try {
    await segments().insertOne(tail);
    return true;
  } catch (error) {
    if (error instanceof MongoServerError && error.code === DUPLICATE_KEY) return false;
    throw error;
  }
}

/** Left over from before an acknowledged break: the tail covers its rows anew. */
export function isOutdated(segment: Segment, tail: Segment | undefined): boolean {
  return !isTail(segment) && tail !== undefined && segment.end.seq > tail.start.seq;
}

/** How many rows a segment covers. */
export const rowsOf = (segment: Segment): number => Number(segment.end.seq - segment.start.seq);
export const marksMatchRows = (segment: Segment): boolean => segment.marks.length === rowsOf(segment) * MARK_BYTES;
