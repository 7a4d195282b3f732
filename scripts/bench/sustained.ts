import { type Bench, type Measurement, measure } from './measure.ts';
import { type Effort, plainStep } from './steps.ts';
import type { Target } from './target.ts';

/** The highest open-loop rate a target holds; 0 when it holds none of those tried. */
export type Sustained = {
  perSecond: number;
  /** At the highest rate of which everything was answered, however late. */
  complete: Measurement | undefined;
};

export const SUSTAINED_P99_MS = 100;
/** Of what was sent, so much has to be answered. */
const ANSWERED_SHARE_MIN = 0.985;

function isComplete({ load }: Measurement): boolean {
  const failed = Object.values(load.failed).reduce((sum, count) => sum + count, 0);
  return failed === 0 && load.answered >= ANSWERED_SHARE_MIN * load.sent;
}

/** Tries shares of what a closed loop reached, highest first, until one is held. */
export async function findSustained(
  target: Target,
  closedPerSecond: number,
  accounts: number,
  effort: Effort,
  bench: Bench,
  tell: (measurement: Measurement) => void,
): Promise<Sustained> {
  let complete: Measurement | undefined;
  for (const share of effort.sustainedShares) {
    const perSecond = Math.max(1, Math.round(closedPerSecond * share));
    const step = plainStep(`open ${perSecond}`, { kind: 'rate', perSecond }, accounts, effort);
    const measurement = await measure(step, target, bench);
    tell(measurement);
    if (!isComplete(measurement)) continue;
    complete ??= measurement;
    if (measurement.load.latency.p99 < SUSTAINED_P99_MS) return { perSecond, complete };
  }
  return { perSecond: 0, complete };
}
