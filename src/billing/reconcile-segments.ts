import { BSON } from 'mongodb';
import type { Logger } from '../log.ts';
import { Account, type AccountDocument } from '../models/account.ts';
import { nativeCollection } from '../models/connect.ts';
import { LedgerEntry, type LedgerEntryDocument } from '../models/ledger-entry.ts';
import type { RawRow } from '../models/raw-rows.ts';
import type { WalkTotals } from '../models/reconciliation-walk.ts';
import { flushedSeq } from './account-books.ts';
import { createKnownPages, digestOf, type KnownPages } from './known-pages.ts';
import { type Finding, followLedger } from './ledger-chain.ts';
import { raiseAlerts } from './reconciliation-alerts.ts';
import {
  isOutdated,
  isTail,
  ledgerOf,
  marksMatchRows,
  readRawLedger,
  rowsOf,
  SEGMENT_ROWS,
  type Segment,
  segments,
  tailId,
  toSegment,
} from './segments.ts';

/** The second look at old ledger rows: segment by segment, over and over, at a bounded rate. */

const SEGMENTS_PER_PAGE_MAX = 50;
const ROWS_PER_PAGE = 1_000;
/** Rows beyond all numbers that one look reports at most; the next one goes on. */
const EXTRA_ROWS_MAX = 100;

type AccountEnd = Pick<AccountDocument, '_id' | 'seq' | 'outbox'>;

/** The next segments in `_id` order that together cover about a thousand rows; `isLast` when no more follow. */
export async function readSegments(afterId: string): Promise<{ page: Segment[]; isLast: boolean }> {
  const found = await segments()
    .find(afterId === '' ? {} : { _id: { $gt: afterId } })
    .sort({ _id: 1 })
    .limit(SEGMENTS_PER_PAGE_MAX)
    .toArray();
  const page: Segment[] = [];
  let rows = 0;
  for (const document of found) {
    const segment = toSegment(document);
    if (page.length > 0 && rows + rowsOf(segment) > ROWS_PER_PAGE) return { page, isLast: false };
    page.push(segment);
    rows += rowsOf(segment);
  }
  return { page, isLast: found.length < SEGMENTS_PER_PAGE_MAX };
}

/** Follows the rows of a segment again; they must give the same hash at every row. */
export async function verifySegment(
  segment: Segment,
  rows: readonly LedgerEntryDocument[],
): Promise<Finding | undefined> {
  const { accountId, start, end, breaks } = segment;
  const knownMarks = marksMatchRows(segment) ? segment.marks : undefined;
  const followed = await followLedger(start, rows, { accountId, untilSeq: end.seq, breaks, knownMarks });
  if (followed.finding) return followed.finding;
  if (followed.state.hash === end.hash && followed.state.sumMicros === end.sumMicros) return undefined;
  const [expected, found] = [`hash ${end.hash.slice(0, 16)}`, `hash ${followed.state.hash.slice(0, 16)}`];
  return { accountId, kind: 'ledger_row_changed', seq: end.seq, expected, found };
}

/** Rows after a tail that the account never wrote: beyond its number, or in the place of what its outbox still holds. */
function extraRow(
  segment: Segment,
  rows: readonly LedgerEntryDocument[],
  account: AccountEnd | undefined,
): Finding | undefined {
  if (!isTail(segment)) return undefined;
  const { accountId } = segment;
  if (!account) {
    const expected = `account with ${segment.end.seq} rows`;
    return { accountId, kind: 'account_missing', seq: segment.end.seq, expected, found: 'none' };
  }
  const flushed = flushedSeq(account as AccountDocument);
  const pending = new Set(account.outbox.map(({ _id }) => _id));
  const extra = rows.find(
    (row) => row.seq > segment.end.seq && (row.seq > account.seq || (row.seq > flushed && !pending.has(row._id))),
  );
  if (!extra) return undefined;
  return {
    accountId,
    kind: 'ledger_row_extra',
    seq: extra.seq,
    expected: `rows up to ${account.seq}`,
    found: `row ${extra.seq} of ${extra.amountMicros}`,
  };
}

async function accountEnds(tails: readonly Segment[]): Promise<Map<string, AccountEnd>> {
  if (tails.length === 0) return new Map();
  const found = await nativeCollection<AccountDocument>(Account)
    .find({ _id: { $in: tails.map(({ accountId }) => accountId) } }, { projection: { seq: 1, outbox: 1 } })
    .toArray();
  return new Map(found.map((account) => [account._id, account]));
}

/** As far as a tail can have got by the time its page is looked at. */
const lookUntil = (segment: Segment) =>
  isTail(segment) ? segment.start.seq + 2n * BigInt(SEGMENT_ROWS) : segment.end.seq;

/** Rows after the number that their account had when it was asked, however far after. */
async function rowsBeyond(tails: readonly Segment[]): Promise<LedgerEntryDocument[]> {
  if (tails.length === 0) return [];
  const ends = await accountEnds(tails);
  const seqOf = ({ accountId, end }: Segment) => ends.get(accountId)?.seq ?? end.seq;
  return nativeCollection<LedgerEntryDocument>(LedgerEntry)
    .find({ $or: tails.map((tail) => ({ accountId: tail.accountId, seq: { $gt: seqOf(tail) } })) })
    .limit(EXTRA_ROWS_MAX)
    .toArray();
}

function within(segment: Segment, rows: readonly LedgerEntryDocument[]): LedgerEntryDocument[] {
  return rows.filter((row) => row.seq > segment.start.seq && (isTail(segment) || row.seq <= segment.end.seq));
}

type OfSegment = { segment: Segment; rows: LedgerEntryDocument[]; finding: Finding | undefined };

/**
 * Follows the rows of a page, unless it is known to be right as it is. A page with rows after a tail never is: whether they
 * may be there depends on their account.
 */
async function followPage(page: readonly Segment[], raw: readonly RawRow[], known: KnownPages): Promise<OfSegment[]> {
  const start = page[0]?._id ?? '';
  const digest = digestOf([...page.map((segment) => BSON.serialize(segment)), ...raw]);
  if (known.isRight(start, digest)) return page.map((segment) => ({ segment, rows: [], finding: undefined }));
  const ledger = await ledgerOf(raw);
  const followed: OfSegment[] = [];
  for (const segment of page) {
    const rows = within(segment, ledger.get(segment.accountId) ?? []);
    followed.push({ segment, rows, finding: await verifySegment(segment, rows) });
  }
  const isRight = followed.every(
    ({ segment, rows, finding }) => !finding && rows.every(({ seq }) => seq <= segment.end.seq),
  );
  if (isRight) known.keepAsRight(start, digest);
  return followed;
}

/** The accounts are read after the rows, so a row that is not theirs by then never was. */
async function verify(
  page: readonly Segment[],
  known: KnownPages,
): Promise<{ findings: Finding[]; suspects: Segment[]; rows: number }> {
  const raw = await readRawLedger(
    page.map((segment) => ({
      accountId: segment.accountId,
      afterSeq: segment.start.seq,
      untilSeq: lookUntil(segment),
    })),
  );
  const tails = page.filter(isTail);
  const beyond = await rowsBeyond(tails);
  const ends = await accountEnds(tails);
  const findings: Finding[] = [];
  const suspects: Segment[] = [];
  for (const { segment, rows, finding } of await followPage(page, raw, known)) {
    const after = [...rows, ...beyond.filter(({ accountId }) => accountId === segment.accountId)];
    const found = [finding, extraRow(segment, after, ends.get(segment.accountId))];
    const present = found.filter((one) => one !== undefined);
    if (present.length > 0) suspects.push(segment);
    findings.push(...present);
  }
  return { findings, suspects, rows: raw.length };
}

/** What these segments find when they and their rows are read afresh. */
async function confirm(suspects: readonly Segment[]): Promise<Finding[]> {
  const ids = suspects.flatMap(({ _id, accountId }) => [_id, tailId(accountId)]);
  const fresh = (
    await segments()
      .find({ _id: { $in: ids } })
      .toArray()
  ).map(toSegment);
  const tails = new Map(fresh.filter(isTail).map((tail) => [tail.accountId, tail]));
  const wanted = new Set(suspects.map(({ _id }) => _id));
  const again = fresh.filter(
    (segment) => wanted.has(segment._id) && !isOutdated(segment, tails.get(segment.accountId)),
  );
  return (await verify(again, createKnownPages())).findings;
}

/** Re-verifies a page of segments and reports what a second, fresh look confirms. */
export async function reconcileSegments(page: readonly Segment[], known: KnownPages, log: Logger): Promise<WalkTotals> {
  const { suspects, rows } = await verify(page, known);
  if (suspects.length > 0) await raiseAlerts(await confirm(suspects), log);
  return { rows: BigInt(rows), segments: BigInt(page.length) };
}

/** Re-verifies these segments and raises nothing: for scripts and for the check before an account may spend again. */
export async function verifySegments(all: readonly Segment[]): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const segment of all) findings.push(...(await verify([segment], createKnownPages())).findings);
  return findings;
}
