import { type Bench, type Measurement, measure } from './measure.ts';
import { median } from './statistics.ts';
import { type Effort, plainStep } from './steps.ts';
import type { Target } from './target.ts';

/** The highest open-loop rate a target holds; 0 when it holds none of those tried. */
export type Sustained = {
  perSecond: number;
  /** Windows at `LOAD_SHARE` of the highest rate of which everything was answered, however late. Empty when there is none, or nothing is settled. */
  atLoad: readonly Measurement[];
};

/** Of the windows at that load; NaN when there are none. */
export function settleLagAtLoad(sustained: Sustained | undefined) {
  const windows = sustained?.atLoad ?? [];
  const lags = windows.flatMap(({ settleLag }) => settleLag ?? []);
  const middle = (of: (lag: (typeof lags)[number]) => number) => median(lags.map(of));
  return { p50Ms: middle(({ p50Ms }) => p50Ms), p99Ms: middle(({ p99Ms }) => p99Ms), step: windows[0]?.step };
}

export const SUSTAINED_P99_MS = 100;
/** Where settlement is looked at: a load under which nothing may pile up. */
const LOAD_SHARE = 0.8;
/** Of what was sent, so much has to be answered. */
const ANSWERED_SHARE_MIN = 0.985;

function isComplete({ load }: Measurement): boolean {
  const failed = Object.values(load.failed).reduce((sum, count) => sum + count, 0);
  return failed === 0 && load.answered >= ANSWERED_SHARE_MIN * load.sent;
}

/** Tries shares of what a closed loop reached, highest first, until one is held; then a part of the highest that was answered in full. */
export async function findSustained(
  target: Target,
  closedPerSecond: number,
  accounts: number,
  effort: Effort,
  bench: Bench,
  tell: (measurement: Measurement) => void,
): Promise<Sustained> {
  let held = 0;
  let complete: number | undefined;
  const at = async (perSecond: number) => {
    const step = plainStep(`open ${perSecond}`, { kind: 'rate', perSecond }, accounts, effort);
    const measurement = await measure(step, target, bench);
    tell(measurement);
    return measurement;
  };
  for (const share of effort.sustainedShares) {
    const perSecond = Math.max(1, Math.round(closedPerSecond * share));
    const measurement = await at(perSecond);
    if (!isComplete(measurement)) continue;
    complete ??= perSecond;
    if (measurement.load.latency.p99 >= SUSTAINED_P99_MS) continue;
    held = perSecond;
    break;
  }
  const atLoad: Measurement[] = [];
  // Of a target that settles nothing there is nothing to look at.
  while (target.metricsUrls && complete !== undefined && atLoad.length < effort.windows)
    atLoad.push(await at(Math.round(complete * LOAD_SHARE)));
  return { perSecond: held, atLoad };
}
