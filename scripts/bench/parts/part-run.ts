import { setTimeout as delay } from 'node:timers/promises';
import { summarize } from '../statistics.ts';

/** The measured side of a part that runs alone in a process of its own, and what it tells its parent. */

/** One request's share of a part. */
export type PartCall = {
  /** Until the client could be answered. */
  path: Promise<void>;
  /** Until all of it is done. */
  whole: Promise<void>;
};

export type PartStep = { id: string; load: { perSecond: number } | { callers: number } };

export type PartFigures = { step: string; perSecond: number; pathP50Ms: number; pathP99Ms: number; count: number };

/** Between `begins` and `ends` the parent looks how much CPU everybody used. */
export type PartMessage = { begins: string } | { ends: PartFigures } | { failed: string };

export const PART_STEPS: readonly PartStep[] = [
  { id: 'rate 50', load: { perSecond: 50 } },
  { id: 'rate 200', load: { perSecond: 200 } },
  { id: 'rate 400', load: { perSecond: 400 } },
  { id: 'closed', load: { callers: 32 } },
];

const HEAT: PartStep = { id: 'heat', load: { callers: 32 } };
const DRAIN_MAX_MS = 20_000;

function tell(message: PartMessage): void {
  process.send?.(message);
}

type Recorder = { take: () => Promise<void>; drain: () => Promise<void>; pathsMs: number[] };

function recorder(call: () => PartCall): Recorder {
  const pathsMs: number[] = [];
  const open = new Set<Promise<void>>();
  return {
    pathsMs,
    take: async () => {
      const startedMs = performance.now();
      const { path, whole } = call();
      open.add(whole);
      void whole.finally(() => open.delete(whole)).catch(() => undefined);
      await path;
      pathsMs.push(performance.now() - startedMs);
    },
    drain: async () => {
      await Promise.race([Promise.all(open), delay(DRAIN_MAX_MS, undefined, { ref: false })]);
    },
  };
}

/** Calls at fixed times, whether earlier ones are done or not. */
async function openLoad(perSecond: number, windowMs: number, take: () => Promise<void>): Promise<void> {
  const startedMs = performance.now();
  const calls: Promise<void>[] = [];
  const count = Math.floor((perSecond * windowMs) / 1_000);
  for (let index = 0; index < count; index++) {
    const waitMs = startedMs + (index * 1_000) / perSecond - performance.now();
    if (waitMs > 0) await delay(waitMs);
    calls.push(take());
  }
  await Promise.all(calls);
}

async function closedLoad(callers: number, windowMs: number, take: () => Promise<void>): Promise<void> {
  const endsAtMs = performance.now() + windowMs;
  const caller = async () => {
    while (performance.now() < endsAtMs) await take();
  };
  await Promise.all(Array.from({ length: callers }, caller));
}

async function runStep({ load, id }: PartStep, windowMs: number, call: () => PartCall): Promise<PartFigures> {
  const { take, drain, pathsMs } = recorder(call);
  const startedMs = performance.now();
  if ('perSecond' in load) await openLoad(load.perSecond, windowMs, take);
  else await closedLoad(load.callers, windowMs, take);
  await drain();
  const { p50, p99, count } = summarize(pathsMs);
  return {
    step: id,
    perSecond: (count * 1_000) / (performance.now() - startedMs),
    pathP50Ms: p50,
    pathP99Ms: p99,
    count,
  };
}

/** Runs every step and tells the parent. Warm-up comes first and is not told. */
export async function runPart(windowMs: number, heatMs: number, call: () => PartCall): Promise<void> {
  await runStep(HEAT, heatMs, call);
  for (const step of PART_STEPS) {
    tell({ begins: step.id });
    tell({ ends: await runStep(step, windowMs, call) });
  }
}

/** The main of a part's process. */
export async function asPart(main: (windowMs: number, heatMs: number) => Promise<void>): Promise<void> {
  try {
    await main(Number(process.env.PART_WINDOW_MS), Number(process.env.PART_HEAT_MS));
  } catch (error) {
    tell({ failed: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
  process.disconnect?.();
}
