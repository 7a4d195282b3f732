import { timeOfId } from '../ids.ts';
import type { Logger } from '../log.ts';
import { Account, type AccountDocument, type Hold } from '../models/account.ts';
import { nativeCollection } from '../models/connect.ts';
import { Request, type RequestDocument } from '../models/request.ts';
import { type BookedAccount, balanceFindings, flushedSeq, holdSumFindings } from './account-books.ts';
import { type Finding, type Followed, followLedger } from './ledger-chain.ts';
import { raiseAlerts } from './reconciliation-alerts.ts';
import { grown, loadTails, newTail, readLedger, SEGMENT_ROWS, type Segment, saveTails } from './segments.ts';

/**
 * The incremental check: every account against the reconciler's record of it. One that did not change costs a
 * comparison; one that did is followed over its new ledger rows only.
 */

const ACCOUNTS_PER_QUERY_MAX = 50;
const REQUESTS_PER_QUERY_MAX = 1_000;
/** The longest a request may take by the configuration: its deadline, and the grace after it. */
const HOLD_LIFE_MAX_MS = 25 * 3_600_000;
/** Within this the sweeper gives back what nobody will settle. */
const SWEEP_PATIENCE_MS = 60_000;
/** Rounds of up to one segment; an account with more unseen rows than that goes on in the next pass. */
const ROUNDS_MAX = 20;

const accounts = () => nativeCollection<AccountDocument>(Account);
const BOOKS = { projection: { spend: 0, credited: 0 } } as const;

export type PageTotals = {
  accounts: bigint;
  changed: bigint;
  rows: bigint;
  /** Balances, and what their ledgers and outboxes say that they are. */
  balanceMicros: bigint;
  booksMicros: bigint;
  openHolds: bigint;
  frozen: bigint;
  suspended: bigint;
};

type Behind = { account: BookedAccount; tail: Segment };

/** @returns one page of accounts in `_id` order, without what the check has no use for. */
export function readAccounts(afterId: string, pageSize: number): Promise<BookedAccount[]> {
  return accounts()
    .find(afterId === '' ? {} : { _id: { $gt: afterId } }, BOOKS)
    .sort({ _id: 1 })
    .limit(pageSize)
    .toArray();
}

/** Groups that one query can read: neither too many rows nor too many conditions. */
function* packed(waiting: readonly Behind[]): Generator<Behind[]> {
  let batch: Behind[] = [];
  let rows = 0;
  for (const one of waiting) {
    const own = Number(nextStop(one) - one.tail.end.seq);
    if (batch.length >= ACCOUNTS_PER_QUERY_MAX || (batch.length > 0 && rows + own > SEGMENT_ROWS)) {
      yield batch;
      batch = [];
      rows = 0;
    }
    batch.push(one);
    rows += own;
  }
  if (batch.length > 0) yield batch;
}

/** As far as the ledger must go, but not beyond the end of the present segment. */
function nextStop({ account, tail }: Behind): bigint {
  const full = tail.start.seq + BigInt(SEGMENT_ROWS);
  const flushed = flushedSeq(account);
  return flushed < full ? flushed : full;
}

async function followBatch(
  batch: readonly Behind[],
): Promise<{ further: Behind[]; findings: Finding[]; rows: number }> {
  const ledger = await readLedger(
    batch.map((one) => ({
      accountId: one.account._id,
      afterSeq: one.tail.end.seq,
      untilSeq: nextStop(one),
    })),
  );
  const findings: Finding[] = [];
  let rows = 0;
  const results: { one: Behind; followed: Followed }[] = [];
  for (const one of batch) {
    const accountId = one.account._id;
    const followed = await followLedger(one.tail.end, ledger.get(accountId) ?? [], {
      accountId,
      untilSeq: nextStop(one),
      breaks: one.tail.breaks,
    });
    rows += Number(followed.state.seq - one.tail.end.seq);
    if (followed.finding) findings.push(followed.finding);
    results.push({ one, followed });
  }
  const advanced = results.filter(({ one, followed }) => followed.state.seq > one.tail.end.seq);
  const saved = await saveTails(
    advanced.map(({ one, followed }) => ({ before: one.tail, after: grown(one.tail, followed) })),
  );
  const further = results
    .filter(({ followed }) => !followed.finding)
    .map(({ one }) => ({ account: one.account, tail: saved.get(one.account._id) ?? one.tail }));
  return { further, findings, rows };
}

async function catchUp(behind: readonly Behind[]): Promise<{ findings: Finding[]; rows: number }> {
  const findings: Finding[] = [];
  let rows = 0;
  let waiting: readonly Behind[] = behind;
  for (let round = 0; round < ROUNDS_MAX && waiting.length > 0; round++) {
    const next: Behind[] = [];
    for (const batch of packed(waiting)) {
      const followed = await followBatch(batch);
      findings.push(...followed.findings);
      rows += followed.rows;
      for (const one of followed.further) {
        if (one.tail.end.seq < flushedSeq(one.account)) next.push(one);
        else findings.push(...balanceFindings(one.account, one.tail.end));
      }
    }
    waiting = next;
  }
  return { findings, rows };
}

export type ChangedHold = { account: BookedAccount; requestId: string; fromMicros: bigint; toMicros: bigint };

/**
 * Past its expiry, whatever that was changed to. A request is stored before its money is held and stays for years, so a
 * hold without one is what a loss of rows has left: nothing can be run or charged for it.
 */
function isOverdue(requestId: string, { expiresAt }: Hold, nowMs: number): boolean {
  return nowMs > Math.min(expiresAt.getTime(), timeOfId(requestId) + HOLD_LIFE_MAX_MS) + SWEEP_PATIENCE_MS;
}

/** A hold is the amount its request was accepted with, from the first moment to the last; without a request it is nothing. */
export async function changedHolds(page: readonly BookedAccount[]): Promise<ChangedHold[]> {
  const held = page.flatMap((account) =>
    Object.entries(account.holds).map(([requestId, hold]) => ({ account, requestId, hold })),
  );
  const changed: ChangedHold[] = [];
  for (let start = 0; start < held.length; start += REQUESTS_PER_QUERY_MAX) {
    const batch = held.slice(start, start + REQUESTS_PER_QUERY_MAX);
    const found = await nativeCollection<RequestDocument>(Request)
      .find({ _id: { $in: batch.map(({ requestId }) => requestId) } }, { projection: { holdMicros: 1 } })
      .toArray();
    const amounts = new Map(found.map(({ _id, holdMicros }) => [_id, holdMicros]));
    for (const { account, requestId, hold } of batch) {
      const toMicros = amounts.get(requestId) ?? (isOverdue(requestId, hold, Date.now()) ? 0n : undefined);
      if (toMicros === undefined || toMicros === hold.amountMicros) continue;
      changed.push({ account, requestId, fromMicros: hold.amountMicros, toMicros });
    }
  }
  return changed;
}

async function holdFindings(page: readonly BookedAccount[]): Promise<Finding[]> {
  return (await changedHolds(page)).map(({ account, requestId, fromMicros, toMicros }) => {
    const { _id: accountId, seq } = account;
    return { accountId, kind: 'hold_differs', seq, expected: `${toMicros}`, found: `${fromMicros}`, requestId };
  });
}

async function examine(
  page: readonly BookedAccount[],
  tails: ReadonlyMap<string, Segment>,
): Promise<{ findings: Finding[]; rows: number; changed: number }> {
  const findings: Finding[] = await holdFindings(page);
  const behind: Behind[] = [];
  for (const account of page) {
    findings.push(...holdSumFindings(account));
    const tail = tails.get(account._id) ?? newTail(account._id);
    if (tail.end.seq < flushedSeq(account)) behind.push({ account, tail });
    else findings.push(...balanceFindings(account, tail.end));
  }
  const followed = await catchUp(behind);
  return { findings: [...findings, ...followed.findings], rows: followed.rows, changed: behind.length };
}

/** Checks one account by fresh reads, its record first: the account can only be ahead of it. */
export async function examineAccount(accountId: string): Promise<Finding[]> {
  const tails = await loadTails([accountId]);
  const account = await accounts().findOne({ _id: accountId }, BOOKS);
  return account ? (await examine([account], tails)).findings : [];
}

/**
 * Checks a page of accounts. What looks wrong is looked at again by fresh reads before it becomes an alert, because the
 * page and the records were read at different moments.
 */
export async function reconcileAccounts(page: readonly BookedAccount[], log: Logger): Promise<PageTotals> {
  const tails = await loadTails(page.map((account) => account._id));
  const { findings, rows, changed } = await examine(page, tails);
  for (const accountId of new Set(findings.map((finding) => finding.accountId)))
    await raiseAlerts(await examineAccount(accountId), log);
  let [balanceMicros, differenceMicros, openHolds] = [0n, 0n, 0n];
  for (const account of page) {
    balanceMicros += account.availableMicros + account.heldMicros;
    openHolds += BigInt(Object.keys(account.holds).length);
  }
  for (const { kind, expected, found } of findings)
    if (kind === 'balance_differs') differenceMicros += BigInt(found) - BigInt(expected);
  return {
    accounts: BigInt(page.length),
    changed: BigInt(changed),
    rows: BigInt(rows),
    balanceMicros,
    booksMicros: balanceMicros - differenceMicros,
    openHolds,
    frozen: BigInt(page.filter(({ status }) => status === 'frozen').length),
    suspended: BigInt(page.filter(({ status }) => status === 'suspended').length),
  };
}
