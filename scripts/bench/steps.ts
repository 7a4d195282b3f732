import type { LoadPlan } from './load.ts';
import { WORKLOADS, type WorkloadName } from './seed.ts';

/** One step of the plan: a load that every target gets in turn. */
export type Step = {
  id: string;
  workload: WorkloadName;
  load: LoadPlan;
  /** How many client accounts send it. */
  accounts: number;
  warmupMs: number;
  windowMs: number;
  drainMs: number;
};

export type Effort = {
  rates: readonly number[];
  /** Clients of the closed loops. */
  clients: readonly number[];
  streams: readonly number[];
  longStreams: readonly number[];
  repetitions: number;
  /** Windows of closed loops in each repetition, of settle lag and webhooks in all: these decide by less than windows differ. */
  windows: number;
  /** The same for the fewest streams, whose windows differ most: one pause of a few milliseconds more or less decides. */
  streamWindows: number;
  warmupMs: number;
  windowMs: number;
  /** Closed load on each target before anything is measured, so that compilers have seen the code. */
  heatMs: number;
  /** Fractions of the closed loop's rate that are tried as open load, highest first. */
  sustainedShares: readonly number[];
};

export const FULL: Effort = {
  rates: [50, 100, 200, 400],
  clients: [32, 128, 512],
  streams: [50, 200, 500],
  longStreams: [500, 1_000],
  repetitions: 3,
  windows: 3,
  streamWindows: 6,
  warmupMs: 1_500,
  windowMs: 5_000,
  heatMs: 20_000,
  sustainedShares: [0.95, 0.85, 0.75, 0.6, 0.45, 0.3, 0.2, 0.15, 0.1],
};

export const QUICK: Effort = {
  rates: [100, 400],
  clients: [32, 128],
  streams: [50, 200],
  longStreams: [],
  repetitions: 1,
  windows: 1,
  streamWindows: 1,
  warmupMs: 1_000,
  windowMs: 2_500,
  heatMs: 6_000,
  sustainedShares: [0.75, 0.45],
};

/** An account may have 500 requests open; the end of one overlaps with the start of the next. */
const OPEN_PER_ACCOUNT = 250;
const DRAIN_MS = 3_000;
const SPREAD_MS = 600;

export const rateStep = (perSecond: number): string => `rate ${perSecond}`;
export const closedStep = (clients: number): string => `closed ${clients}`;
export const streamStep = (concurrent: number): string => `streams ${concurrent}`;
export const longStep = (concurrent: number): string => `long streams ${concurrent}`;

export function plainStep(id: string, load: LoadPlan, accounts: number, effort: Effort): Step {
  const { warmupMs, windowMs } = effort;
  return { id, workload: 'plain', load, accounts, warmupMs, windowMs, drainMs: DRAIN_MS };
}

function streamsStep(id: string, workload: WorkloadName, concurrent: number, accounts: number, effort: Effort): Step {
  const { streamMs } = WORKLOADS[workload];
  // Starts are spread over one life of a stream, so that the load is even from then on.
  const spreadMs = Math.max(SPREAD_MS, streamMs);
  return {
    id,
    workload,
    load: { kind: 'streams', concurrent, spreadMs },
    accounts: Math.max(accounts, Math.ceil(concurrent / OPEN_PER_ACCOUNT)),
    warmupMs: Math.max(effort.warmupMs, spreadMs + 500),
    windowMs: effort.windowMs,
    drainMs: DRAIN_MS + streamMs,
  };
}

/** Steps that are repeated, in order; each is run on every target before the next one. */
export function repeatedSteps(effort: Effort, accounts: number): Step[] {
  const closed = effort.clients.map((clients) => {
    const needed = Math.max(accounts, Math.ceil(clients / OPEN_PER_ACCOUNT));
    return plainStep(closedStep(clients), { kind: 'closed', clients }, needed, effort);
  });
  const [fewest, ...more] = effort.streams.map((count) =>
    streamsStep(streamStep(count), 'stream', count, accounts, effort),
  );
  const often = (steps: Step[], times: number) => Array.from({ length: times }, () => steps).flat();
  return [
    ...effort.rates.map((perSecond) => plainStep(rateStep(perSecond), { kind: 'rate', perSecond }, accounts, effort)),
    ...often(closed, effort.windows),
    ...often(fewest ? [fewest] : [], effort.streamWindows),
    ...more,
  ];
}

/** Steps that take long and are run once. */
export function singleSteps(effort: Effort, accounts: number): Step[] {
  return effort.longStreams.map((count) => streamsStep(longStep(count), 'long', count, accounts, effort));
}

/** Accounts the database needs for all of it. */
export function accountsNeeded(effort: Effort, accounts: number): number {
  return [...repeatedSteps(effort, accounts), ...singleSteps(effort, accounts)].reduce(
    (most, step) => Math.max(most, step.accounts),
    accounts,
  );
}
