import type { Books } from './books.ts';
import type { HotAccount } from './hot-account.ts';
import type { Measurement } from './measure.ts';
import type { PartResult } from './parts.ts';
import type { Use } from './process-use.ts';
import type { LoadResult } from './recording.ts';
import { median, medianSummary } from './statistics.ts';
import type { Sustained } from './sustained.ts';
import type { Webhooks } from './webhooks.ts';

/** Everything a run has found out, and the medians over its repetitions. */

export type Machine = {
  cpu: string;
  cores: number;
  memoryGb: number;
  system: string;
  node: string;
  redis: string;
  mongo: string;
};

export type BenchResults = {
  startedAt: Date;
  machine: Machine;
  /** How the run was set up, for people. */
  settings: readonly string[];
  measurements: readonly Measurement[];
  /** Per target. */
  sustained: ReadonlyMap<string, Sustained>;
  hotAccount?: HotAccount;
  /** Parts of the way of a request, the way of a stream's chunks, and all of these together. */
  alone?: { parts: readonly PartResult[]; relay: ServedPart; together: ServedPart };
  webhooks?: Webhooks;
  books?: Books;
  startUpMs?: Readonly<Record<string, number>>;
};

/** A part that answers as the whole does: its steps, under a target name of its own; without plain answers no rate. */
export type ServedPart = { measurements: readonly Measurement[]; sustained: Sustained | undefined };

type Measured = Pick<BenchResults, 'measurements'>;

/** Names of the steps that begin so, in the order in which they were run. */
export function stepsOf(results: Measured, prefix: string): string[] {
  return [...new Set(results.measurements.map(({ step }) => step))].filter((step) => step.startsWith(prefix));
}

/** The closed loop in which a target answers most requests: how many clients that takes is its own affair. */
export function saturated(results: Measured, target: string): (StepResult & { step: string }) | undefined {
  const loops = stepsOf(results, 'closed ').flatMap((step) => {
    const result = stepResult(results, step, target);
    return result ? [{ ...result, step }] : [];
  });
  return loops.sort((a, b) => b.load.answeredPerSecond - a.load.answeredPerSecond)[0];
}

/** Medians of the repetitions of one step on one target. */
export type StepResult = {
  load: LoadResult;
  use: Use;
  settleP50Ms: number;
  settleP99Ms: number;
  repetitions: number;
  /** Of them, those that others disturbed. */
  polluted: number;
};

/** Undefined when the step was not run on this target. */
export function stepResult(results: Measured, step: string, target: string): StepResult | undefined {
  const runs = results.measurements.filter((one) => one.step === step && one.target === target);
  if (runs.length === 0) return undefined;
  const settle = runs.flatMap(({ settleLag }) => settleLag ?? []);
  return {
    load: medianLoad(runs.map(({ load }) => load)),
    use: medianUse(runs.map(({ use }) => use)),
    settleP50Ms: median(settle.map(({ p50Ms }) => p50Ms)),
    settleP99Ms: median(settle.map(({ p99Ms }) => p99Ms)),
    repetitions: runs.length,
    polluted: runs.filter(({ polluted }) => polluted).length,
  };
}

/** What must not happen at all is summed up, not averaged. */
function medianLoad(loads: readonly LoadResult[]): LoadResult {
  const middle = (of: (load: LoadResult) => number) => median(loads.map(of));
  const sum = (of: (load: LoadResult) => number) => loads.reduce((total, load) => total + of(load), 0);
  const failed: Record<string, number> = {};
  for (const load of loads) {
    for (const [reason, count] of Object.entries(load.failed)) failed[reason] = (failed[reason] ?? 0) + count;
  }
  return {
    sent: middle(({ sent }) => sent),
    answered: middle(({ answered }) => answered),
    failed,
    unfinished: sum(({ unfinished }) => unfinished),
    answeredPerSecond: middle(({ answeredPerSecond }) => answeredPerSecond),
    latency: medianSummary(loads.map(({ latency }) => latency)),
    scheduleLag: medianSummary(loads.map(({ scheduleLag }) => scheduleLag)),
    firstChunk: medianSummary(loads.map(({ firstChunk }) => firstChunk)),
    oneWay: medianSummary(loads.map(({ oneWay }) => oneWay)),
    gapJitter: medianSummary(loads.map(({ gapJitter }) => gapJitter)),
    chunksPerSecond: middle(({ chunksPerSecond }) => chunksPerSecond),
    lostChunks: sum(({ lostChunks }) => lostChunks),
    missingDone: sum(({ missingDone }) => missingDone),
    missingUsage: sum(({ missingUsage }) => missingUsage),
  };
}

function medianUse(uses: readonly Use[]): Use {
  const [first] = uses;
  const roles = Object.keys(first?.cpuSeconds ?? {});
  const each = (of: (use: Use, role: string) => number) =>
    Object.fromEntries(roles.map((role) => [role, median(uses.map((use) => of(use, role)))]));
  return {
    seconds: median(uses.map(({ seconds }) => seconds)),
    cpuSeconds: each((use, role) => use.cpuSeconds[role] ?? 0),
    residentMb: each((use, role) => use.residentMb[role] ?? 0),
    busyCores: median(uses.map(({ busyCores }) => busyCores)),
    foreignCores: median(uses.map(({ foreignCores }) => foreignCores)),
  };
}

/** CPU seconds of some roles for a thousand answered requests. NaN when none was answered. */
export function cpuPerThousand({ load, use }: Pick<StepResult, 'load' | 'use'>, roles: readonly string[]): number {
  const seconds = roles.reduce((sum, role) => sum + (use.cpuSeconds[role] ?? 0), 0);
  const answered = load.answeredPerSecond * use.seconds;
  return answered === 0 ? Number.NaN : (seconds / answered) * 1_000;
}
