import { lowestIdAt, timeOfId } from '../ids.ts';
import type { Logger } from '../log.ts';
import { Account, type AccountDocument } from '../models/account.ts';
import { Adjustment, type AdjustmentDocument } from '../models/adjustment.ts';
import { nativeCollection } from '../models/connect.ts';
import { LedgerEntry, type LedgerEntryDocument } from '../models/ledger-entry.ts';
import { allFromRaw, fromRaw, type RawRow, readRaw } from '../models/raw-rows.ts';
import type { WalkTotals } from '../models/reconciliation-walk.ts';
import { Request, type RequestDocument } from '../models/request.ts';
import { settleEntryId } from './account-updates.ts';
import { digestOf, type KnownPages } from './known-pages.ts';
import type { Finding } from './ledger-chain.ts';
import { raiseAlerts } from './reconciliation-alerts.ts';

/** Requests against the ledger and the other way round: every charge has its request, every cost its charge. */

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** What takes longer than this is not on its way any more. */
const PATIENCE_MS = MINUTE_MS;
const PAGE_SIZE = 500;
const COUNT_MAX = 10_000;
/** Of `req_` and what follows; an entry's identifier begins with it. */
const REQUEST_ID_CHARACTERS = 30;
/** What a charge of nothing lacks. */
const NO_REQUEST = 'a request';

const requests = () => nativeCollection<RequestDocument>(Request);
const ledger = () => nativeCollection<LedgerEntryDocument>(LedgerEntry);

const COSTED = { accountId: 1, costMicros: 1, state: 1, 'error.code': 1, settled: 1 } as const;
export type CostedRequest = Pick<RequestDocument, '_id' | 'accountId' | 'costMicros' | 'state' | 'error' | 'settled'>;

const CHARGED = { accountId: 1, seq: 1, amountMicros: 1, kind: 1, requestId: 1 } as const;
export type ChargeEntry = Pick<
  LedgerEntryDocument,
  '_id' | 'accountId' | 'seq' | 'amountMicros' | 'kind' | 'requestId'
>;

/** A stretch of the last hour: requests and charges, whose identifiers begin with their request's, up to one of both. */
export type ChargesPage = {
  start: string;
  requests: RawRow[];
  entries: RawRow[];
  /** Where the next page begins; `undefined` when there is none. */
  next: string | undefined;
};

const idOf = (raw: RawRow | undefined) => raw && fromRaw<{ _id: string }>(raw)._id;

/** Up to where both were read to their end. All charges of a request come before `;`, which follows `:`. */
function endOf(found: readonly RawRow[], entries: readonly RawRow[]): string | undefined {
  const lastRequest = found.length < PAGE_SIZE ? undefined : idOf(found.at(-1));
  const lastEntry = entries.length < PAGE_SIZE ? undefined : idOf(entries.at(-1));
  if (lastRequest === undefined) return lastEntry;
  const afterLast = `${lastRequest};`;
  return lastEntry !== undefined && lastEntry < afterLast ? lastEntry : afterLast;
}

const minuteOf = (place: string) => Math.floor(timeOfId(place.slice(0, REQUEST_ID_CHARACTERS)) / MINUTE_MS);

/** No page goes on from one minute to the next: so most begin and end where they did, though the hour has moved on. */
function cutAtMinute(start: string, end: string | undefined): string | undefined {
  if (end === undefined || minuteOf(start) === minuteOf(end)) return end;
  const cut = lowestIdAt('req', minuteOf(end) * MINUTE_MS);
  // An identifier that nobody here made says no time; the walk must go on after it.
  return cut > start && cut < end ? cut : end;
}

/** Of rows in the order of their identifiers, those up to `end`. */
function upTo(end: string | undefined, rows: RawRow[]): RawRow[] {
  if (end === undefined) return rows;
  let [low, high] = [0, rows.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((idOf(rows[middle]) ?? '') <= end) low = middle + 1;
    else high = middle;
  }
  return rows.slice(0, low);
}

/**
 * The next page of the last hour, which begins with a minute; identifiers sort by time. Charges are read first: what a
 * request costs is on its row before it is charged.
 */
export async function readCharges(afterId: string, nowMs: number): Promise<ChargesPage> {
  const hourAgo = lowestIdAt('req', Math.floor((nowMs - HOUR_MS) / MINUTE_MS) * MINUTE_MS);
  const start = afterId > hourAgo ? afterId : hourAgo;
  const filter = { _id: { $gt: start, $lt: lowestIdAt('req', nowMs) } };
  const page = { sort: { _id: 1 }, limit: PAGE_SIZE };
  const entries = await readRaw<LedgerEntryDocument>(LedgerEntry, filter, { projection: CHARGED, ...page });
  const found = await readRaw<RequestDocument>(Request, filter, { projection: COSTED, ...page });
  const next = cutAtMinute(start, endOf(found, entries));
  return { start, requests: upTo(next, found), entries: upTo(next, entries), next };
}

/**
 * Requests that ended a minute ago and are still not settled (the sweeper should have done it), and those that may have
 * a hold now; both read from the index of what is unsettled.
 */
export async function countUnsettled(nowMs: number): Promise<{ overdue: number; open: number }> {
  const ended = ['done', 'failed', 'cancelled'] as const;
  const finishedAt = { $lt: new Date(nowMs - PATIENCE_MS) };
  const [overdue, open] = await Promise.all([
    requests().countDocuments({ state: { $in: [...ended] }, settled: false, finishedAt }, { limit: COUNT_MAX }),
    requests().countDocuments(
      { state: { $in: ['accepted', 'running', ...ended] }, settled: false },
      { limit: COUNT_MAX },
    ),
  ]);
  return { overdue, open };
}

function chargeFinding(request: CostedRequest, seq: bigint, expected: string, found: string): Finding {
  return { accountId: request.accountId, kind: 'charge_differs', seq, expected, found, requestId: request._id };
}

/** Of charges that are not in the ledger, those that are not on their way there either. */
async function withoutEntry(missing: readonly CostedRequest[]): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const request of missing) {
    const account = await nativeCollection<AccountDocument>(Account).findOne(
      { _id: request.accountId },
      { projection: { seq: 1, 'outbox._id': 1 } },
    );
    const entryId = settleEntryId(request._id);
    if (account?.outbox.some(({ _id }) => _id === entryId)) continue;
    // It may have moved from the outbox to the ledger between the two readings.
    if (await ledger().findOne({ _id: entryId }, { projection: { _id: 1 } })) continue;
    findings.push(chargeFinding(request, account?.seq ?? 0n, `charge of ${request.costMicros}`, 'none'));
  }
  return findings;
}

/** The rows of `ids` and what is `known` of them, which is not read again. */
async function withRead<Row extends { _id: string }>(
  known: readonly Row[],
  ids: readonly string[],
  read: (unknown: string[]) => Promise<Row[]>,
): Promise<Map<string, Row>> {
  const rows = new Map(known.map((row) => [row._id, row]));
  const unknown = ids.filter((id) => !rows.has(id));
  if (unknown.length > 0) for (const row of await read(unknown)) rows.set(row._id, row);
  return rows;
}

const hasCharge = ({ settled, costMicros }: CostedRequest) => settled && (costMicros ?? 0n) > 0n;

/** Settled requests with a cost must have their charge, in the ledger or on its way, of that amount and account. */
async function missingCharges(page: readonly CostedRequest[], known: readonly ChargeEntry[]): Promise<Finding[]> {
  const costed = page.filter(hasCharge);
  const ids = costed.map(({ _id }) => settleEntryId(_id));
  const entries = await withRead(known, ids, (unknown) =>
    ledger()
      .find({ _id: { $in: unknown } }, { projection: CHARGED })
      .toArray(),
  );
  const findings = await withoutEntry(costed.filter(({ _id }) => !entries.has(settleEntryId(_id))));
  for (const request of costed) {
    const entry = entries.get(settleEntryId(request._id));
    const cost = request.costMicros ?? 0n;
    if (!entry || (entry.amountMicros === -cost && entry.accountId === request.accountId)) continue;
    findings.push(chargeFinding(request, entry.seq, `${-cost}`, `${entry.amountMicros}`));
  }
  return findings;
}

/** The provider was called, nobody knows how it ended, and nothing was delivered: perhaps paid for, and not charged. */
const isOrphan = ({ state, error, costMicros }: CostedRequest) =>
  state === 'failed' && error?.code === 'interrupted' && (costMicros ?? 0n) === 0n;

/** What two persons accepted about a charge stays accepted as long as it is as it was. */
async function unaccepted(findings: readonly Finding[]): Promise<Finding[]> {
  if (findings.length === 0) return [];
  const accountId = { $in: [...new Set(findings.map((finding) => finding.accountId))] };
  const corrections = await nativeCollection<AdjustmentDocument>(Adjustment)
    .find({ accountId, state: 'executed', charges: { $exists: true } }, { projection: { accountId: 1, charges: 1 } })
    .toArray();
  const accepted = new Set(
    corrections.flatMap((one) => (one.charges ?? []).map((charge) => ofAccount(one.accountId, charge))),
  );
  return findings.filter((finding) => !accepted.has(ofAccount(finding.accountId, finding)));
}

type ChargeDifference = Pick<Finding, 'requestId' | 'expected' | 'found'>;

export const textOfCharge = ({ requestId, expected, found }: ChargeDifference) => `${requestId} ${expected} ${found}`;

const ofAccount = (accountId: string, charge: ChargeDifference) => `${accountId} ${textOfCharge(charge)}`;

/** Charges that are not what their request cost. */
async function wrongCharges(page: readonly ChargeEntry[], knownRequests: readonly CostedRequest[]): Promise<Finding[]> {
  const charges = page.filter(({ kind }) => kind === 'charge');
  const ids = charges.map(({ requestId }) => requestId ?? '');
  const known = await withRead(knownRequests, ids, (unknown) =>
    requests()
      .find({ _id: { $in: unknown } }, { projection: COSTED })
      .toArray(),
  );
  return charges.flatMap((entry): Finding[] => {
    const { accountId, seq, amountMicros, requestId = 'none' } = entry;
    const request = known.get(requestId);
    if (request?.accountId === accountId && request.costMicros === -amountMicros) return [];
    const expected = request ? `${-(request.costMicros ?? 0n)}` : NO_REQUEST;
    return [{ accountId, kind: 'charge_differs', seq, expected, found: `${amountMicros}`, requestId }];
  });
}

const onceEach = (findings: readonly Finding[]): Finding[] => [
  ...new Map(findings.map((finding) => [ofAccount(finding.accountId, finding), finding])).values(),
];

/** Whether every cost has its charge beside it and every charge its request, so that no other row changes anything. */
function isWhole(found: readonly CostedRequest[], entries: readonly ChargeEntry[]): boolean {
  const requestIds = new Set(found.map(({ _id }) => _id));
  const entryIds = new Set(entries.map(({ _id }) => _id));
  return (
    found.every((one) => !isOrphan(one) && (!hasCharge(one) || entryIds.has(settleEntryId(one._id)))) &&
    entries.every(({ kind, requestId = '' }) => kind !== 'charge' || requestIds.has(requestId))
  );
}

/** Checks a page of requests against the ledger, and its charges against the requests. */
export async function checkCharges(
  page: ChargesPage,
  nowMs: number,
  known: KnownPages,
  log: Logger,
): Promise<WalkTotals> {
  const digest = digestOf([...page.requests, ...page.entries]);
  if (known.isRight(page.start, digest)) return { rows: BigInt(page.requests.length), wrong: 0n, orphans: 0n };
  const found = await allFromRaw<CostedRequest>(page.requests);
  const entries = await allFromRaw<ChargeEntry>(page.entries);
  const youngest = lowestIdAt('req', nowMs - PATIENCE_MS);
  const ripe = found.filter(({ _id }) => _id < youngest);
  const differences = onceEach([...(await missingCharges(ripe, entries)), ...(await wrongCharges(entries, found))]);
  if (differences.length === 0 && isWhole(found, entries)) known.keepAsRight(page.start, digest);
  const findings = await unaccepted(differences);
  await raiseAlerts(findings, log);
  return {
    rows: BigInt(ripe.length),
    wrong: BigInt(findings.length),
    orphans: BigInt(ripe.filter(isOrphan).length),
  };
}

/** Calls `check` with all rows of a range page by page; `last` is the last row seen so far. */
async function everyPage<Row>(
  read: (last: Row | undefined) => Promise<Row[]>,
  check: (page: readonly Row[]) => Promise<Finding[]>,
): Promise<Finding[]> {
  const findings: Finding[] = [];
  let page = await read(undefined);
  while (page.length > 0) {
    findings.push(...(await check(page)));
    page = page.length < PAGE_SIZE ? [] : await read(page.at(-1));
  }
  return findings;
}

/**
 * Everything that is wrong between the stored requests of one account and its charges, but for what two persons accepted.
 * A charge of a request that is not stored is a difference in its first hour only: later, rows of requests may be purged.
 */
export async function chargeFindings(accountId: string, nowMs: number): Promise<Finding[]> {
  const $lt = lowestIdAt('req', nowMs - PATIENCE_MS);
  const readOwn = (last?: CostedRequest) =>
    requests()
      .find({ accountId, _id: { $gt: last?._id ?? '', $lt } }, { projection: COSTED })
      .sort({ _id: 1 })
      .limit(PAGE_SIZE)
      .toArray();
  const readOwnCharges = (last?: ChargeEntry) =>
    ledger()
      .find({ accountId, seq: { $gt: last?.seq ?? 0n } }, { projection: CHARGED })
      .sort({ seq: 1 })
      .limit(PAGE_SIZE)
      .toArray();
  const recent = lowestIdAt('req', nowMs - HOUR_MS);
  const wrong = await everyPage(readOwnCharges, (page) => wrongCharges(page, []));
  const found = [
    ...(await everyPage(readOwn, (page) => missingCharges(page, []))),
    ...wrong.filter(({ expected, requestId = '' }) => expected !== NO_REQUEST || requestId > recent),
  ];
  return unaccepted(onceEach(found));
}
