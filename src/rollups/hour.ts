import { lowestIdAt } from '../ids.ts';

/** Hours of UTC, by which requests are counted. */

export const HOUR_MS = 3_600_000;

export function hourOf(timeMs: number): Date {
  return new Date(timeMs - (timeMs % HOUR_MS));
}

/** The identifiers of aggregates from an hour on, of so many hours. */
export function hourRange(fromMs: number, hours = 1): { $gte: string; $lt: string } {
  return { $gte: lowestIdAt('rol', fromMs), $lt: lowestIdAt('rol', fromMs + hours * HOUR_MS) };
}
