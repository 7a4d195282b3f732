import { runLoad } from '../bench/load.ts';
import { choosePinning, pin } from '../bench/pinning.ts';
import { type Roles, takeSnapshot, useBetween } from '../bench/process-use.ts';
import type { AnswerEnd, LoadResult } from '../bench/recording.ts';
import { WORKLOADS } from '../bench/seed.ts';
import { summarize } from '../bench/statistics.ts';
import { startSystem, withDatabase } from '../bench/system.ts';
import type { Target } from '../bench/target.ts';
import type { MeasurementContext } from '../run-measurement.ts';
import type { OverloadFigures, Recovery, StepFigures } from './expectations.ts';
import { moneyProblems } from './money-check.ts';
import { startProbe } from './money-probe.ts';
import type { OverloadOptions } from './options.ts';

/** The run: start, find the capacity, offer shares of it, look at the recovery and at the money. */

export const SHARES = [0.5, 1, 1.5, 2, 4] as const;

const ACCOUNTS = 64;
/** Of different length, as answers of models are: places that were taken together must not become free together. */
const CALL_MS = { shortest: 1_000, longest: 3_000 };
const SLOW_CALLS = Array.from({ length: ACCOUNTS }, (_, index) => {
  const share = index / (ACCOUNTS - 1);
  return `w=${Math.round(CALL_MS.shortest + share * (CALL_MS.longest - CALL_MS.shortest))}`;
});
/** As long as the longest call, so that answers come as fast as requests when the window opens. */
const WARMUP_MS = 3_000;
const DRAIN_MS = 10_000;
const CAPACITY_WARMUP_MS = 4_000;
const CAPACITY_WINDOW_MS = 8_000;
const HEAT_MS = 4_000;
/** Clients of the closed loop beyond the places, so that no place is ever empty, yet the queue stays short. */
const CLIENTS_PER_SLOT = 1.25;
const CPU_CLIENTS = 48;
const RECOVERY_SHARE = 0.5;
const RECOVERY_WINDOW_MS = 12_000;
const QUIET_MS = 30_000;
const WARMUP_CLIENTS = 8;

export type OverloadRun = OverloadFigures & { startedAt: Date; engines: string };

export async function runOverload(options: OverloadOptions, context: MeasurementContext): Promise<OverloadRun> {
  const { note, signal } = context;
  const startedAt = new Date();
  // Where the processor is not the bound, processes need not be kept apart.
  const pinning = options.bound === 'cpu' ? choosePinning() : undefined;
  const env = options.bound === 'slots' ? { WORKER_CONCURRENCY: String(options.slots) } : {};
  const system = await startSystem({
    ...context,
    accounts: ACCOUNTS,
    workers: 1,
    mongoUri: options.mongoUri,
    pinning,
    env,
  });
  if (pinning) await pin(process.pid, pinning.harness);
  const offering = new Offering(system.product, { ...system.product.pids, ...system.auxiliary }, options, signal);
  note('warming up');
  await offering.closed(WARMUP_CLIENTS, HEAT_MS, HEAT_MS);
  const clients = options.bound === 'slots' ? Math.ceil(options.slots * CLIENTS_PER_SLOT) : CPU_CLIENTS;
  const capacity = await offering.closed(clients, CAPACITY_WARMUP_MS, CAPACITY_WINDOW_MS);
  note(`capacity: ${capacity.toFixed(1)} requests/s`);
  const steps: StepFigures[] = [];
  let recovery: Recovery | undefined;
  for (const share of SHARES) {
    // The last step is the spike: what comes after it starts when it ends, not when its answers are all there.
    const isSpike = share === SHARES.at(-1);
    let recovering: Promise<Recovery> | undefined;
    const afterwards = () => {
      if (isSpike) recovering = offering.recovery(capacity * RECOVERY_SHARE);
    };
    const figures = await offering.step(share, capacity, afterwards);
    steps.push(figures);
    note(describe(figures));
    recovery = await recovering;
  }
  if (!recovery) throw new Error('no recovery was measured');
  const problems = await withDatabase(system.mongo, () => moneyProblems(QUIET_MS, signal));
  return {
    startedAt,
    engines: `${system.redisVersion}; ${system.mongo.version}`,
    capacityPerSecond: capacity,
    steps,
    recovery,
    moneyProblems: problems,
  };
}

class Offering {
  private readonly target: Target;
  private readonly roles: Roles;
  private readonly scripts: readonly string[];
  private readonly windowMs: number;
  private readonly signal: AbortSignal;

  constructor(target: Target, roles: Roles, options: OverloadOptions, signal: AbortSignal) {
    this.target = target;
    this.roles = roles;
    this.scripts = options.bound === 'slots' ? SLOW_CALLS : [];
    this.windowMs = options.windowMs;
    this.signal = signal;
  }

  /** Answers per second with so many requests always open. */
  async closed(clients: number, warmupMs: number, windowMs: number): Promise<number> {
    const goodput = new Goodput();
    await this.load({ kind: 'closed', clients }, { warmupMs, windowMs, goodput });
    return goodput.perSecond();
  }

  async step(share: number, capacity: number, afterwards: () => void): Promise<StepFigures> {
    const { baseUrl, headers } = this.target;
    const probe = startProbe(
      baseUrl,
      headers.map((one, index) => ({ path: index % 2 === 0 ? '/balance' : '/key', headers: { ...one } })),
    );
    const goodput = new Goodput(afterwards);
    const before = takeSnapshot(this.roles);
    const load = await this.load(
      { kind: 'rate', perSecond: capacity * share },
      { warmupMs: WARMUP_MS, windowMs: this.windowMs, goodput },
    );
    const { foreignCores } = useBetween(before, takeSnapshot(this.roles));
    const reads = await probe.stop();
    const { http_503: busy = 0, http_429: limited = 0, ...otherFailures } = load.failed;
    if (load.unfinished > 0) otherFailures.unfinished = load.unfinished;
    const refusals = goodput.refusals.filter(({ measured }) => measured);
    return {
      share,
      offeredPerSecond: (load.sent * 1_000) / this.windowMs,
      goodputPerSecond: goodput.perSecond(),
      accepted: { count: load.answered, p50Ms: load.latency.p50, p99Ms: load.latency.p99 },
      refused: {
        count: busy + limited,
        p99Ms: summarize(refusals.map(({ latencyMs }) => latencyMs)).p99,
        withoutRetryAfter: refusals.filter(({ hasRetryAfter }) => !hasRetryAfter).length,
      },
      otherFailures,
      reads,
      generatorLagMs: load.scheduleLag.p99,
      foreignCores,
    };
  }

  async recovery(perSecond: number): Promise<Recovery> {
    const startedMs = performance.now();
    let lastRefusalMs = 0;
    const goodput = new Goodput(undefined, () => {
      lastRefusalMs = performance.now() - startedMs;
    });
    const windowMs = RECOVERY_WINDOW_MS;
    const load = await this.load({ kind: 'rate', perSecond }, { warmupMs: 0, windowMs, goodput });
    return { lastRefusalMs, answered: load.answered, p99Ms: load.latency.p99 };
  }

  private load(
    plan: Parameters<typeof runLoad>[0]['plan'],
    { warmupMs, windowMs, goodput }: { warmupMs: number; windowMs: number; goodput: Goodput },
  ): Promise<LoadResult> {
    const { stream, chunks } = WORKLOADS.plain;
    const { baseUrl, headers, models } = this.target;
    return runLoad({
      baseUrl,
      headers,
      model: models.plain,
      scripts: this.scripts,
      stream,
      chunksExpected: chunks,
      plan,
      warmupMs,
      windowMs,
      drainMs: DRAIN_MS,
      onEnd: (end) => goodput.end(end),
      onWindow: (edge) => goodput.edge(edge),
      signal: this.signal,
    });
  }
}

/** Counts answers by when they arrive, and keeps the refusals. */
class Goodput {
  readonly refusals: AnswerEnd[] = [];
  private answered = 0;
  private isOpen = false;
  private openedMs = 0;
  private elapsedMs = 0;
  private readonly onClosed: (() => void) | undefined;
  private readonly onRefusal: (() => void) | undefined;

  constructor(onClosed?: () => void, onRefusal?: () => void) {
    this.onClosed = onClosed;
    this.onRefusal = onRefusal;
  }

  end(end: AnswerEnd): void {
    if (end.status === 200) {
      if (this.isOpen) this.answered++;
      return;
    }
    this.refusals.push(end);
    this.onRefusal?.();
  }

  edge(edge: 'start' | 'end'): void {
    this.isOpen = edge === 'start';
    if (this.isOpen) this.openedMs = performance.now();
    else {
      this.elapsedMs = performance.now() - this.openedMs;
      this.onClosed?.();
    }
  }

  perSecond(): number {
    return (this.answered * 1_000) / this.elapsedMs;
  }
}

function describe({
  share,
  offeredPerSecond,
  goodputPerSecond,
  accepted,
  refused,
  reads,
  foreignCores,
}: StepFigures): string {
  return (
    `${share}x: offered ${offeredPerSecond.toFixed(0)}/s, answered ${goodputPerSecond.toFixed(0)}/s, ` +
    `p50 ${accepted.p50Ms.toFixed(0)} p99 ${accepted.p99Ms.toFixed(0)} ms; refused ${refused.count}, p99 ${refused.p99Ms.toFixed(1)} ms; ` +
    `reads p99 ${reads.latency.p99.toFixed(1)} ms; others used ${foreignCores.toFixed(2)} cores`
  );
}
