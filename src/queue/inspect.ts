import type { Redis } from 'ioredis';
import { QUEUES, type QueueName } from './define-job.ts';

/**
 * How the queues stand, for people to look at. Plain reads of BullMQ's keys instead of its own scripts: the back-office
 * has an account on Redis that may only read.
 */

const FAILED_MAX = 10;
const REASON_CHARACTERS_MAX = 200;

export type FailedJob = { id: string; name: string; reason: string; failedAt: Date };
export type QueueState = {
  queue: QueueName;
  waiting: number;
  active: number;
  delayed: number;
  /** Of these the newest are in `failedJobs`. */
  failed: number;
  /** Age of the oldest waiting job, 0 when none waits. */
  oldestWaitingMs: number;
  failedJobs: FailedJob[];
};

async function oldestWaiting(redis: Redis, key: string, nowMs: number): Promise<number> {
  const [first, [prioritized]] = await Promise.all([
    redis.lindex(`${key}:wait`, -1),
    redis.zrange(`${key}:prioritized`, '0', '0'),
  ]);
  const ids = [first, prioritized].filter((id) => typeof id === 'string');
  const stamps = await Promise.all(ids.map((id) => redis.hget(`${key}:${id}`, 'timestamp')));
  const ages = stamps.map((stamp) => (stamp === null ? 0 : nowMs - Number(stamp)));
  return Math.max(0, ...ages);
}

async function failedJobs(redis: Redis, key: string): Promise<FailedJob[]> {
  const ids = await redis.zrevrange(`${key}:failed`, 0, FAILED_MAX - 1);
  return Promise.all(
    ids.map(async (id) => {
      const [name, reason, at] = await redis.hmget(`${key}:${id}`, 'name', 'failedReason', 'finishedOn');
      return {
        id,
        name: name ?? '',
        reason: (reason ?? '').slice(0, REASON_CHARACTERS_MAX),
        failedAt: new Date(Number(at ?? 0)),
      };
    }),
  );
}

async function stateOf(redis: Redis, prefix: string, queue: QueueName, nowMs: number): Promise<QueueState> {
  const key = `${prefix}:q:${queue}`;
  const [waiting, prioritized, active, delayed, failed, oldestWaitingMs, jobs] = await Promise.all([
    redis.llen(`${key}:wait`),
    redis.zcard(`${key}:prioritized`),
    redis.llen(`${key}:active`),
    redis.zcard(`${key}:delayed`),
    redis.zcard(`${key}:failed`),
    oldestWaiting(redis, key, nowMs),
    failedJobs(redis, key),
  ]);
  return { queue, waiting: waiting + prioritized, active, delayed, failed, oldestWaitingMs, failedJobs: jobs };
}

/** Every queue. Rejects when Redis does not answer. */
export function inspectQueues(redis: Redis, prefix: string, nowMs: number): Promise<QueueState[]> {
  return Promise.all(QUEUES.map((queue) => stateOf(redis, prefix, queue, nowMs)));
}
