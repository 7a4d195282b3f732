import { MongoNetworkError } from 'mongodb';
import { type Process, processes, type Scheduler } from './scheduler.ts';

/** What can go wrong, how often, and what of it happened. */

export type Shares = { notDone: number; doneButNotTold: number; doneLater: number };

/** Of the calls to a store. */
export const WEATHERS = {
  usual: { notDone: 0.012, doneButNotTold: 0.012, doneLater: 0.006 },
  /** Nearly every history has writes that land after others were made in their stead. */
  late: { notDone: 0.005, doneButNotTold: 0.05, doneLater: 0.08 },
} as const satisfies Record<string, Shares>;

export type Weather = keyof typeof WEATHERS;

const SHARES = {
  /** Of a store's calls that were on their way when their process died, the share that arrives all the same. */
  arrivesFromTheDead: 0.5,
} as const;

export const LATE_MS_MAX = 3_000;

export type Counts = {
  requests: number;
  kills: number;
  pauses: number;
  ambiguous: number;
  redisLosses: number;
  providerCalls: number;
};

export type Faults = { active: boolean; shares: Shares; counts: Counts };

export function createFaults(weather: Weather): Faults {
  return {
    active: true,
    shares: WEATHERS[weather],
    counts: { requests: 0, kills: 0, pauses: 0, ambiguous: 0, redisLosses: 0, providerCalls: 0 },
  };
}

const LATENCY_MS_MAX = 6;

export type StoreCall = <T>(label: string, apply: () => T) => Promise<T>;

/**
 * A call to a store: it arrives some time later, the answer takes time again, and either may get lost. What was sent is
 * applied at one moment, whole.
 * @param refusal makes the error that the driver would throw.
 */
export function createStoreCall(scheduler: Scheduler, faults: Faults): StoreCall {
  const { random } = scheduler;
  const lost = () => new MongoNetworkError('the connection broke');

  return <T>(label: string, apply: () => T) => {
    const owner = processes.getStore()?.process;
    return new Promise<T>((resolve, reject) => {
      const answer = (tell: () => void) =>
        scheduler.add({ owner, delayMs: random.between(0, LATENCY_MS_MAX), label: `answer ${label}`, run: tell });
      const applied = () => {
        try {
          const result = apply();
          return () => resolve(result);
        } catch (error) {
          return () => reject(error as Error);
        }
      };
      const arrive = () => {
        if (!isStillSent(owner, scheduler)) return;
        const { notDone, doneButNotTold, doneLater } = faults.shares;
        const draw = faults.active ? random.next() : 1;
        if (draw < notDone) answer(() => reject(lost()));
        else if (draw < notDone + doneButNotTold) {
          faults.counts.ambiguous++;
          applied();
          answer(() => reject(lost()));
        } else if (draw < notDone + doneButNotTold + doneLater) {
          faults.counts.ambiguous++;
          scheduler.add({ delayMs: random.between(1, LATE_MS_MAX), label: `late ${label}`, run: () => void applied() });
          answer(() => reject(lost()));
        } else answer(applied());
      };
      // Sent is sent: neither a pause nor a kill of the sender holds it back for certain.
      scheduler.add({ delayMs: random.between(0, LATENCY_MS_MAX), label, run: arrive });
    });
  };
}

function isStillSent(owner: Process | undefined, { random }: Scheduler): boolean {
  return owner?.alive !== false || random.chance(SHARES.arrivesFromTheDead);
}
