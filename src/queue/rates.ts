import type { Redis } from 'ioredis';
import { QUEUES, type QueueName } from './define-job.ts';

/**
 * How fast the queues go, for people to look at: the workers add what they counted to a hash for each minute, and who looks
 * adds the last minutes up. Nothing is written for a single job.
 */

export const RATE_KINDS = ['started', 'finished', 'failed'] as const;
export type RateKind = (typeof RATE_KINDS)[number];

/** Jobs: `failed` counts attempts, also those that are tried again; a job that only waits on is in neither of both ends. */
export type JobCounts = Record<RateKind, number>;
export type CountsByQueue = Record<QueueName, JobCounts>;

const MINUTE_MS = 60_000;
/** The present minute and whole ones before it. */
const MINUTES = 5;
const TTL_SECONDS = 2 * MINUTES * 60;

export function noCounts(): CountsByQueue {
  const counts = QUEUES.map((queue) => [queue, { started: 0, finished: 0, failed: 0 }] as const);
  return Object.fromEntries(counts) as CountsByQueue;
}

const minuteOf = (atMs: number) => Math.floor(atMs / MINUTE_MS);
const keyOf = (prefix: string, minute: number) => `${prefix}:rates:${minute}`;
const fieldOf = (queue: QueueName, kind: RateKind) => `${queue}:${kind}`;

/** Adds what one process counted since it last did so. Rejects when Redis does not answer. */
export async function addCounts(redis: Redis, prefix: string, counts: CountsByQueue, nowMs: number): Promise<void> {
  const key = keyOf(prefix, minuteOf(nowMs));
  const added = QUEUES.flatMap((queue) => RATE_KINDS.map((kind) => [queue, kind, counts[queue][kind]] as const));
  const some = added.filter(([, , count]) => count > 0);
  if (some.length === 0) return;
  await Promise.all([
    ...some.map(([queue, kind, count]) => redis.hincrby(key, fieldOf(queue, kind), count)),
    redis.expire(key, TTL_SECONDS),
  ]);
}

/** Jobs per minute, to a tenth, over the last four to five minutes. Rejects when Redis does not answer. */
export async function readRates(redis: Redis, prefix: string, nowMs: number): Promise<CountsByQueue> {
  const oldest = minuteOf(nowMs) - MINUTES + 1;
  const minutes = Array.from({ length: MINUTES }, (_, index) => oldest + index);
  const told = await Promise.all(minutes.map((minute) => redis.hgetall(keyOf(prefix, minute))));
  const elapsedMinutes = nowMs / MINUTE_MS - oldest;
  const rates = noCounts();
  for (const queue of QUEUES)
    for (const kind of RATE_KINDS) {
      const total = told.reduce((sum, counts) => sum + Number(counts[fieldOf(queue, kind)] ?? 0), 0);
      rates[queue][kind] = Math.round((total * 10) / elapsedMinutes) / 10;
    }
  return rates;
}
