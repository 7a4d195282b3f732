import { lowestIdAt } from '../ids.ts';
import type { Logger } from '../log.ts';
import { Account, type AccountDocument } from '../models/account.ts';
import { Adjustment, type AdjustmentDocument } from '../models/adjustment.ts';
import { nativeCollection } from '../models/connect.ts';
import { LedgerEntry, type LedgerEntryDocument } from '../models/ledger-entry.ts';
import type { WalkTotals } from '../models/reconciliation-walk.ts';
import { Request, type RequestDocument } from '../models/request.ts';
import { settleEntryId } from './account-updates.ts';
import type { Finding } from './ledger-chain.ts';
import { raiseAlerts } from './reconciliation-alerts.ts';

/** Requests against the ledger and the other way round: every charge has its request, every cost its charge. */

const HOUR_MS = 3_600_000;
/** What takes longer than this is not on its way any more. */
const PATIENCE_MS = 60_000;
const PAGE_SIZE = 500;
const COUNT_MAX = 10_000;
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
  requests: CostedRequest[];
  entries: ChargeEntry[];
  /** Where the next page begins; `undefined` when there is none. */
  next: string | undefined;
};

/** Up to where both were read to their end. All charges of a request come before `;`, which follows `:`. */
function endOf(found: readonly CostedRequest[], entries: readonly ChargeEntry[]): string | undefined {
  const lastRequest = found.length < PAGE_SIZE ? undefined : found.at(-1);
  const lastEntry = entries.length < PAGE_SIZE ? undefined : entries.at(-1);
  if (!lastRequest) return lastEntry?._id;
  const afterLast = `${lastRequest._id};`;
  return lastEntry && lastEntry._id < afterLast ? lastEntry._id : afterLast;
}

/**
 * The next page of the last hour; identifiers sort by time. Charges are read first: what a request costs is on its row
 * before it is charged.
 */
export async function readCharges(afterId: string, nowMs: number): Promise<ChargesPage> {
  const hourAgo = lowestIdAt('req', nowMs - HOUR_MS);
  const _id = { $gt: afterId > hourAgo ? afterId : hourAgo, $lt: lowestIdAt('req', nowMs) };
  const entries = await ledger().find({ _id }, { projection: CHARGED }).sort({ _id: 1 }).limit(PAGE_SIZE).toArray();
  const found = await requests().find({ _id }, { projection: COSTED }).sort({ _id: 1 }).limit(PAGE_SIZE).toArray();
  const next = endOf(found, entries);
  const isInPage = (row: { _id: string }) => next === undefined || row._id <= next;
  return { requests: found.filter(isInPage), entries: entries.filter(isInPage), next };
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

/** Settled requests with a cost must have their charge, in the ledger or on its way, of that amount and account. */
async function missingCharges(page: readonly CostedRequest[], known: readonly ChargeEntry[]): Promise<Finding[]> {
  const costed = page.filter(({ settled, costMicros }) => settled && (costMicros ?? 0n) > 0n);
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

/** Checks a page of requests against the ledger, and its charges against the requests. */
export async function checkCharges(page: ChargesPage, nowMs: number, log: Logger): Promise<WalkTotals> {
  const youngest = lowestIdAt('req', nowMs - PATIENCE_MS);
  const ripe = page.requests.filter(({ _id }) => _id < youngest);
  const wrong = await wrongCharges(page.entries, page.requests);
  const findings = await unaccepted(onceEach([...(await missingCharges(ripe, page.entries)), ...wrong]));
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
