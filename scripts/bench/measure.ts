import { setTimeout as delay } from 'node:timers/promises';
import { runLoad } from './load.ts';
import { type Roles, takeSnapshot, type Use, useBetween } from './process-use.ts';
import type { LoadResult } from './recording.ts';
import { WORKLOADS } from './seed.ts';
import { lagBetween, readBuckets, type SettleLag } from './settle-lag.ts';
import type { Step } from './steps.ts';
import type { Target } from './target.ts';

/** One step on one target. */
export type Measurement = {
  step: string;
  target: string;
  load: LoadResult;
  use: Use;
  settleLag?: SettleLag;
  /** Others used so much of the machine meanwhile that the figures say little. */
  polluted: boolean;
};

export type Bench = {
  targets: readonly Target[];
  /** Every process that is ours, of all targets, so that the rest of the machine's load is known. */
  roles: Roles;
  /** Cores that others may use before a step counts as polluted. */
  foreignCoresMax: number;
  /** A polluted step is repeated only before this time (`performance.now()`). */
  repeatUntilMs: number;
  signal: AbortSignal;
};

/** Bookings of the last answers are still on their way when the last answer is there. */
const IDLE_CHECK_MS = 300;
/** A target that uses less of a core than this has nothing left to do. */
const IDLE_CORES = 0.1;
/** After an overload it may have much left; the next step must not begin in the middle of that. */
const IDLE_WAIT_MAX_MS = 20_000;

/** Waits until a target has worked off what the last step left. */
async function untilIdle(target: Target, signal: AbortSignal): Promise<void> {
  const giveUpAtMs = performance.now() + IDLE_WAIT_MAX_MS;
  for (let before = takeSnapshot(target.pids); performance.now() < giveUpAtMs; ) {
    await delay(IDLE_CHECK_MS, undefined, { signal });
    const after = takeSnapshot(target.pids);
    const { cpuSeconds, seconds } = useBetween(before, after);
    const cores = Object.values(cpuSeconds).reduce((sum, one) => sum + one, 0) / seconds;
    if (cores < IDLE_CORES) return;
    before = after;
  }
}

async function measureOnce(step: Step, target: Target, bench: Bench): Promise<Measurement> {
  const { stream, chunks } = WORKLOADS[step.workload];
  const lagBefore = target.metricsUrls && (await readBuckets(target.metricsUrls));
  let before = takeSnapshot(bench.roles);
  let after = before;
  const load = await runLoad({
    baseUrl: target.baseUrl,
    headers: target.headers.slice(0, step.accounts),
    model: target.models[step.workload],
    stream,
    chunksExpected: chunks,
    plan: step.load,
    warmupMs: step.warmupMs,
    windowMs: step.windowMs,
    drainMs: step.drainMs,
    onWindow: (edge) => {
      if (edge === 'start') before = takeSnapshot(bench.roles);
      else after = takeSnapshot(bench.roles);
    },
    signal: bench.signal,
  });
  await untilIdle(target, bench.signal);
  const use = useBetween(before, after);
  const polluted = use.foreignCores > bench.foreignCoresMax;
  const measurement: Measurement = { step: step.id, target: target.name, load, use, polluted };
  if (target.metricsUrls && lagBefore)
    measurement.settleLag = lagBetween(lagBefore, await readBuckets(target.metricsUrls));
  return measurement;
}

/** Measures, and once more when others disturbed it; the less disturbed of the two counts. */
export async function measure(step: Step, target: Target, bench: Bench): Promise<Measurement> {
  const first = await measureOnce(step, target, bench);
  if (!first.polluted || performance.now() > bench.repeatUntilMs) return first;
  const second = await measureOnce(step, target, bench);
  return second.use.foreignCores < first.use.foreignCores ? second : first;
}
