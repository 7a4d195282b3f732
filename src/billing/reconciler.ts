import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from '../log.ts';
import type { WalkName, WalkTotals } from '../models/reconciliation-walk.ts';
import { checkCharges, countUnsettled, readCharges } from './cross-checks.ts';
import { createKnownPages } from './known-pages.ts';
import { readAccounts, reconcileAccounts } from './reconcile-accounts.ts';
import { readSegments, reconcileSegments } from './reconcile-segments.ts';
import { unresolvedAlerts } from './reconciliation-alerts.ts';
import { addTotals, lastPass, placeInWalk, takePage } from './shared-walk.ts';

/**
 * Continuous reconciliation: three walks that all worker processes share page by page. Accounts against their records,
 * old ledger rows against the hash chain, the last hour's requests and charges against each other.
 */

const ACCOUNTS_PER_PAGE = 500;
/** A run of a walk lasts no longer than this, so that a process that stops does not wait for a whole pass. */
const RUN_MS = 1_000;
/** What a walk has not used of its pace between two runs it makes up for. */
const CATCH_UP_MS = 1_500;
/** Share of the row rate that the cross checks may use; each of their items is a request and its charge. */
const CROSS_SHARE = 0.5;
/** So that a pass, which may take `PASS_INTERVALS` of them, is over in two of the others. */
const CROSS_INTERVALS = 4 / 3;
/** A pass may take so many intervals: what is changed is named within a minute, and clients do not wait behind haste. */
const PASS_INTERVALS = 1.5;
/** Of a walk's rate, for what has been added since the last pass. */
const PACE_SHARE_MIN = 0.2;

export type ReconcilerSettings = {
  /** From the beginning of one pass over accounts or segments to the beginning of the next. */
  intervalMs: number;
  /** Old ledger rows that this process reads again in a second. */
  rowsPerSecond: number;
};

type Page = { items: number; next: string | undefined; check: () => Promise<WalkTotals> };
type Walk = { name: WalkName; intervalMs: number; rowsPerSecond: number; read: (afterId: string) => Promise<Page> };
type Runner = (forMs: number) => Promise<void>;

export type Reconciler = Record<WalkName, () => Promise<void>> & {
  /** Every walk until its pass is over: for tests and benchmarks. */
  all(): Promise<void>;
};

/** Items per second: no more than lets a pass be over in time, nor than what is allowed. */
export function paceOf(walk: Pick<Walk, 'intervalMs' | 'rowsPerSecond'>, lastItems: number | undefined): number {
  if (lastItems === undefined || walk.intervalMs === 0) return walk.rowsPerSecond;
  const needed = lastItems / ((walk.intervalMs / 1_000) * PASS_INTERVALS);
  return Math.min(walk.rowsPerSecond, Math.max(PACE_SHARE_MIN * walk.rowsPerSecond, needed));
}

/** When a walk that was due at `dueMs` may go on after a page, begun at `startedAtMs`, that is `pageMs` of its pace. */
export function dueAfterPage(dueMs: number, startedAtMs: number, pageMs: number): number {
  return Math.max(dueMs, startedAtMs - CATCH_UP_MS) + pageMs;
}

/** Takes pages of a walk for as long as it is told, on average no faster than its pace. Ends early when the pass is over. */
function runnerOf(walk: Walk): Runner {
  /** When what has been taken so far would have been taken at the walk's pace. */
  let dueMs = performance.now();
  return async (forMs) => {
    const endsAtMs = performance.now() + forMs;
    do {
      const place = await placeInWalk(walk.name, walk.intervalMs, Date.now());
      if (!place) return;
      const startedAtMs = performance.now();
      const page = await walk.read(place.position);
      if (!(await takePage(place, page.next))) continue;
      const totals = await page.check();
      const busyMicroseconds = BigInt(Math.round((performance.now() - startedAtMs) * 1_000));
      await addTotals(place, { ...totals, items: BigInt(page.items), busyMicroseconds });
      if (page.next === undefined) return;
      const pageMs = (page.items / paceOf(walk, place.lastItems)) * 1_000;
      dueMs = dueAfterPage(dueMs, startedAtMs, pageMs);
      const restMs = dueMs - performance.now();
      if (restMs > 0) await pause(restMs);
    } while (performance.now() < endsAtMs);
  };
}

function walksOf({ intervalMs, rowsPerSecond }: ReconcilerSettings, log: Logger): Walk[] {
  const known = { segments: createKnownPages(), charges: createKnownPages() };
  return [
    {
      name: 'accounts',
      intervalMs,
      rowsPerSecond: Number.POSITIVE_INFINITY,
      read: async (afterId) => {
        const page = await readAccounts(afterId, ACCOUNTS_PER_PAGE);
        const next = page.length < ACCOUNTS_PER_PAGE ? undefined : page.at(-1)?._id;
        return { items: page.length, next, check: () => reconcileAccounts(page, log) };
      },
    },
    {
      name: 'segments',
      intervalMs,
      rowsPerSecond,
      read: async (afterId) => {
        const { page, isLast } = await readSegments(afterId);
        const items = page.reduce((rows, { start, end }) => rows + Number(end.seq - start.seq), 0);
        return {
          items,
          next: isLast ? undefined : page.at(-1)?._id,
          check: () => reconcileSegments(page, known.segments, log),
        };
      },
    },
    {
      name: 'charges',
      intervalMs: CROSS_INTERVALS * intervalMs,
      rowsPerSecond: rowsPerSecond * CROSS_SHARE,
      read: async (afterId) => {
        const nowMs = Date.now();
        const page = await readCharges(afterId, nowMs);
        const items = Math.max(page.requests.length, page.entries.length);
        return { items, next: page.next, check: () => checkCharges(page, nowMs, known.charges, log) };
      },
    },
  ];
}

/** The three walks of one process. Each call works for about a second or until its pass is over. */
export function createReconciler(settings: ReconcilerSettings, log: Logger): Reconciler {
  const runners = new Map(walksOf(settings, log).map((walk) => [walk.name, runnerOf(walk)]));
  const runner = (name: WalkName, forMs: number) => async () => runners.get(name)?.(forMs);
  return {
    accounts: runner('accounts', RUN_MS),
    segments: runner('segments', RUN_MS),
    charges: runner('charges', RUN_MS),
    all: async () => {
      for (const name of runners.keys()) await runner(name, Number.POSITIVE_INFINITY)();
    },
  };
}

export type ReconciliationFigures = {
  wrongAccounts: number;
  differenceMicros: bigint;
  /** Sum of all balances, and of what ledgers and outboxes say they are. */
  balanceMicros: bigint;
  booksMicros: bigint;
  accounts: number;
  accountsPassMs: number;
  rowsPassMs: number;
  rows: number;
  /** While at work, without pauses. */
  rowsPerSecond: number;
  accountsPerSecond: number;
  unsettledOverdue: number;
  unsettled: number;
  holdsOpen: number;
  chargesWrong: number;
  orphans: number;
};

function absolute(micros: bigint): bigint {
  return micros < 0n ? -micros : micros;
}

function perSecond(count: bigint | undefined, busyMicroseconds: bigint | undefined): number {
  return busyMicroseconds ? Number((count ?? 0n) * 1_000_000n) / Number(busyMicroseconds) : 0;
}

/** What the last passes of all processes together came to, for metrics. */
export async function reconciliationFigures(nowMs: number): Promise<ReconciliationFigures> {
  const [accounts, rows, charges] = await Promise.all([
    lastPass('accounts'),
    lastPass('segments'),
    lastPass('charges'),
  ]);
  const alerts = await unresolvedAlerts();
  const { overdue, open } = await countUnsettled(nowMs);
  const differenceMicros = alerts
    .filter(({ kind }) => kind === 'balance_differs')
    .reduce((sum, { expected, found }) => sum + absolute(BigInt(found) - BigInt(expected)), 0n);
  return {
    wrongAccounts: new Set(alerts.map(({ accountId }) => accountId)).size,
    differenceMicros,
    balanceMicros: accounts.totals.balanceMicros ?? 0n,
    booksMicros: accounts.totals.booksMicros ?? 0n,
    accounts: Number(accounts.totals.accounts ?? 0n),
    accountsPassMs: accounts.ms,
    rowsPassMs: rows.ms,
    rows: Number(rows.totals.rows ?? 0n),
    rowsPerSecond: perSecond(rows.totals.rows, rows.totals.busyMicroseconds),
    accountsPerSecond: perSecond(accounts.totals.accounts, accounts.totals.busyMicroseconds),
    unsettledOverdue: overdue,
    unsettled: open,
    holdsOpen: Number(accounts.totals.openHolds ?? 0n),
    chargesWrong: Number(charges.totals.wrong ?? 0n),
    orphans: Number(charges.totals.orphans ?? 0n),
  };
}
