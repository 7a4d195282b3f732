import { type Bench, type Measurement, measure } from './measure.ts';
import { type Effort, plainStep } from './steps.ts';
import type { Target } from './target.ts';

/** The highest open-loop rate a target holds. */
export type Sustained = { perSecond: number; measurement: Measurement };

export const SUSTAINED_P99_MS = 100;
/** Of what was sent, so much has to be answered. */
const ANSWERED_SHARE_MIN = 0.985;

function holds({ load }: Measurement): boolean {
  const failed = Object.values(load.failed).reduce((sum, count) => sum + count, 0);
  return load.latency.p99 < SUSTAINED_P99_MS && failed === 0 && load.answered >= ANSWERED_SHARE_MIN * load.sent;
}

/**
 * Tries shares of what a closed loop reached, highest first.
 * @returns undefined when the target holds none of them; `tried` are all measurements made.
 */
export async function findSustained(
  target: Target,
  closedPerSecond: number,
  accounts: number,
  effort: Effort,
  bench: Bench,
  tell: (measurement: Measurement) => void,
): Promise<Sustained | undefined> {
  for (const share of effort.sustainedShares) {
    const perSecond = Math.max(1, Math.round(closedPerSecond * share));
    const step = plainStep(`open ${perSecond}`, { kind: 'rate', perSecond }, accounts, effort);
    const measurement = await measure(step, target, bench);
    tell(measurement);
    if (holds(measurement)) return { perSecond, measurement };
  }
  return undefined;
}
