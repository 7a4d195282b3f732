import cron from 'node-cron';
import type { AccountWriter } from '../billing/account.ts';
import { sweepAdjustments } from '../billing/adjustments.ts';
import { flushOutboxes, flushPage } from '../billing/ledger.ts';
import { createReconciler, reconciliationFigures } from '../billing/reconciler.ts';
import type { Config } from '../config.ts';
import type { Lifecycle } from '../lifecycle.ts';
import type { Logger } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import { WALKS } from '../models/reconciliation-walk.ts';
import { runPeriodically } from '../periodic.ts';
import { proposeArchives } from '../privacy/archives.ts';
import type { DeletionJournal } from '../privacy/deletion-journal.ts';
import { executeDue } from '../privacy/erasure.ts';
import type { KeyStore } from '../privacy/key-store.ts';
import type { Breaker, RouteHealth } from '../providers/breaker.ts';
import { QUEUES } from '../queue/define-job.ts';
import type { Producer } from '../queue/enqueue.ts';
import type { Overtaken } from '../queue/overtaken.ts';
import type { RunningRequests } from '../requests/running.ts';
import { type SweepDependencies, sweepHolds, sweepRequests } from '../requests/sweep.ts';
import { rollUp } from '../rollups/roll-up.ts';
import type { Deliveries } from '../webhooks/deliver.ts';

/**
 * What every worker process does on its own timers, because it repairs what the queue may have lost. All of it is
 * compare-and-set, so it does not matter how many processes do it; only the nightly purge goes through the queue, which
 * runs it once per cluster.
 */
export type LoopDependencies = {
  config: Config;
  accounts: AccountWriter;
  sweep: SweepDependencies;
  deliveries: Pick<Deliveries, 'sweep'>;
  producer: Producer;
  overtaken: Pick<Overtaken, 'bringForward'>;
  running: Pick<RunningRequests, 'size'>;
  breaker: Pick<Breaker, 'openRoutes' | 'health'>;
  /** Tells the back-office how the routes stand. */
  tellHealth: (routes: RouteHealth[], nowMs: number) => Promise<void>;
  /** Tells the back-office how fast the queues go. */
  tellRates: (nowMs: number) => Promise<void>;
  keys: Pick<KeyStore, 'destroy'>;
  journal: DeletionJournal;
  metrics: Metrics;
  log: Logger;
};

const JITTER = 0.1;
const OVERTAKEN_INTERVAL_MS = 500;
const PAGE_SIZE = 500;
const METRICS_INTERVAL_MS = 5_000;
const HEALTH_INTERVAL_MS = 5_000;
const RATES_INTERVAL_MS = 5_000;
const RECONCILE_POLL_MS = 1_000;
const FULL_FLUSH_INTERVAL_MS = 10_000;
const ROLLUP_INTERVAL_MS = 10_000;
const ARCHIVES_INTERVAL_MS = 10_000;

/** Registers periodic work under a name, for its log lines and for its end at shutdown. */
function every(name: string, intervalMs: number, act: () => Promise<unknown>, lifecycle: Lifecycle, log: Logger): void {
  const work = runPeriodically({ intervalMs, jitter: JITTER }, act, (error) =>
    log.warn({ schedule: name, err: error }, 'periodic work failed'),
  );
  lifecycle.defer(name, work.stop);
}

export function startLoops(deps: LoopDependencies, lifecycle: Lifecycle): void {
  const { config, log } = deps;
  const { sweep } = config;
  every('sweep requests', sweep.intervalMs, () => sweepRequests(Date.now(), deps.sweep), lifecycle, log);
  every('bring the overtaken forward', OVERTAKEN_INTERVAL_MS, () => bringForward(deps), lifecycle, log);
  every('sweep holds', sweep.intervalMs, holdsWalk(deps), lifecycle, log);
  every('sweep webhooks', sweep.intervalMs, () => deps.deliveries.sweep(), lifecycle, log);
  every('flush outboxes', sweep.outboxFlushMs, () => flushOutboxes(deps.accounts.takeDirty(), log), lifecycle, log);
  every(
    'flush all outboxes',
    Math.min(FULL_FLUSH_INTERVAL_MS, sweep.reconcileIntervalMs),
    outboxWalk(deps),
    lifecycle,
    log,
  );
  startReconciler(deps, lifecycle);
  every('sweep adjustments', sweep.intervalMs, () => sweepAdjustments(Date.now(), log), lifecycle, log);
  startErasures(deps, lifecycle);
  every('propose archives', ARCHIVES_INTERVAL_MS, () => proposeWanted(deps), lifecycle, log);
  every('roll up', ROLLUP_INTERVAL_MS, () => rollUp(Date.now(), log), lifecycle, log);
  every('tell health', HEALTH_INTERVAL_MS, () => tellHealth(deps), lifecycle, log);
  every('tell rates', RATES_INTERVAL_MS, () => deps.tellRates(Date.now()), lifecycle, log);
  every('measure', METRICS_INTERVAL_MS, () => measure(deps), lifecycle, log);
  proposePurge(deps, lifecycle);
}

/** Half of the wait that admission allows is spent behind others, the rest in the line: however wrong it was, it is not much more. */
async function bringForward({ config, overtaken, metrics }: LoopDependencies): Promise<void> {
  const { sync, stream } = config.admission.waitMsMax;
  metrics.broughtForward.inc(await overtaken.bringForward(Date.now() - Math.max(sync, stream) / 2));
}

/** One whole walk over the accounts in pages; a long collection is read without holding more than a page. */
function holdsWalk({ sweep, metrics }: LoopDependencies) {
  return async () => {
    let afterId: string | undefined;
    let open = 0;
    let oldestMs = 0;
    do {
      const page = await sweepHolds(afterId, Date.now(), sweep);
      open += page.seen.open;
      oldestMs = Math.max(oldestMs, page.seen.oldestMs);
      afterId = page.nextId;
    } while (afterId !== undefined);
    metrics.holdsOpen.set(open);
    metrics.holdOldest.set(oldestMs / 1_000);
  };
}

function outboxWalk({ log, metrics }: LoopDependencies) {
  return async () => {
    let afterId: string | undefined;
    let oldestMs = 0;
    do {
      const page = await flushPage(afterId, PAGE_SIZE, Date.now(), log);
      oldestMs = Math.max(oldestMs, page.oldestMs);
      afterId = page.nextId;
    } while (afterId !== undefined);
    metrics.outboxOldest.set(oldestMs / 1_000);
  };
}

/** All processes share the walks; each looks about once a second whether there are pages to take. */
function startReconciler(deps: LoopDependencies, lifecycle: Lifecycle): void {
  const { config, log, metrics } = deps;
  const { reconcileIntervalMs: intervalMs, reconcileRowsPerSecond: rowsPerSecond } = config.sweep;
  const reconciler = createReconciler({ intervalMs, rowsPerSecond }, log);
  const pollMs = Math.min(RECONCILE_POLL_MS, intervalMs / 4);
  for (const name of WALKS) every(`reconcile ${name}`, pollMs, reconciler[name], lifecycle, log);
  every('reconcile figures', METRICS_INTERVAL_MS, () => showFigures(metrics), lifecycle, log);
}

async function showFigures(metrics: Metrics): Promise<void> {
  const figures = await reconciliationFigures(Date.now());
  metrics.reconcileDifference.set(Number(figures.differenceMicros));
  metrics.reconcileWrong.set(figures.wrongAccounts);
  metrics.reconcileBalance.set(Number(figures.balanceMicros));
  metrics.reconcileBooks.set(Number(figures.booksMicros));
  metrics.reconcileAccountsPass.set(figures.accountsPassMs / 1_000);
  metrics.reconcileRowsPass.set(figures.rowsPassMs / 1_000);
  metrics.reconcileRows.set(figures.rows);
  metrics.reconcileRowRate.set(figures.rowsPerSecond);
  metrics.unsettledOverdue.set(figures.unsettledOverdue);
  metrics.unsettled.set(figures.unsettled);
  metrics.chargesWrong.set(figures.chargesWrong);
  metrics.orphanRequests.set(figures.orphans);
}

function tellHealth({ breaker, tellHealth: tell }: LoopDependencies): Promise<void> {
  const nowMs = Date.now();
  return tell(breaker.health(nowMs), nowMs);
}

async function measure({ producer, running, breaker, metrics }: LoopDependencies): Promise<void> {
  metrics.running.set(running.size());
  metrics.breakerOpen.reset();
  for (const route of breaker.openRoutes(Date.now())) metrics.breakerOpen.set({ route }, 1);
  const counts = await producer.counts();
  for (const queue of QUEUES) {
    for (const [state, count] of Object.entries(counts[queue])) metrics.queueDepth.set({ queue, state }, count);
    metrics.queueAge.set({ queue }, (await producer.oldestWaitingMs(queue, Date.now())) / 1_000);
  }
}

/** Approved erasures whose cooling-off is over. Processes that meet at one do no harm. */
function startErasures({ config, keys, journal, log }: LoopDependencies, lifecycle: Lifecycle): void {
  const stop = new AbortController();
  lifecycle.defer('erasures', () => stop.abort());
  const step = () => executeDue({ keys, journal, now: Date.now, signal: stop.signal }, log);
  every('erase', config.erasure.intervalMs, step, lifecycle, log);
}

/** A job's id is its request's, so that one archive is built once at a time for the whole cluster. */
function proposeWanted({ producer, log }: LoopDependencies): Promise<void> {
  const build = (privacyRequestId: string) =>
    producer.enqueue('buildAccessArchive', { privacyRequestId }, { jobId: `archive-${privacyRequestId}` });
  return proposeArchives(build, log);
}

/** Every process proposes the nightly purge; the job id makes it one per day for the whole cluster. */
function proposePurge({ config, producer, log }: LoopDependencies, lifecycle: Lifecycle): void {
  const task = cron.schedule(
    config.retention.purgeCron,
    async () => {
      const day = new Date().toISOString().slice(0, 10);
      try {
        await producer.enqueue('purgeContent', { day }, { jobId: `purge-content-${day}` });
      } catch (error) {
        log.warn({ schedule: 'purge-content', err: error }, 'purge not proposed');
      }
    },
    { timezone: config.retention.timezone, noOverlap: true },
  );
  lifecycle.defer('purge schedule', () => task.destroy());
}
