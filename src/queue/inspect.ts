import type { Redis } from 'ioredis';
import { QUEUES, type QueueName } from './define-job.ts';
import { shownReason } from './job-failure.ts';
import { jobKeyOf } from './jobs.ts';
import { type JobCounts, readRates } from './rates.ts';

/**
 * How the queues stand, for people to look at. Plain reads of BullMQ's keys instead of its own scripts: the back-office
 * has an account on Redis that may only read.
 */

/** Of each queue so many failed jobs are told, the newest. */
export const FAILED_TOLD_MAX = 200;

export type FailedJob = {
  queue: QueueName;
  id: string;
  name: string;
  /** How often it was tried. */
  attempts: number;
  /** A short code; never the text of an error. */
  reason: string;
  failedAt: Date;
};
export type QueueState = {
  queue: QueueName;
  waiting: number;
  active: number;
  delayed: number;
  failed: number;
  /** Age of the oldest waiting job, 0 when none waits. */
  oldestWaitingMs: number;
  /** Jobs per minute over the last minutes, as the workers tell. */
  startedPerMinute: number;
  finishedPerMinute: number;
  failedPerMinute: number;
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

async function failedJobsOf(redis: Redis, prefix: string, queue: QueueName): Promise<FailedJob[]> {
  const key = `${prefix}:q:${queue}`;
  const ids = await redis.zrevrange(`${key}:failed`, 0, FAILED_TOLD_MAX - 1);
  return Promise.all(
    ids.map(async (id) => {
      const [name, reason, at, attempts] = await redis.hmget(
        `${key}:${id}`,
        'name',
        'failedReason',
        'finishedOn',
        'atm',
      );
      return {
        queue,
        id,
        name: jobKeyOf(name ?? '') ? (name ?? '') : '',
        attempts: Number(attempts ?? 0),
        reason: shownReason(reason ?? ''),
        failedAt: new Date(Number(at ?? 0)),
      };
    }),
  );
}

async function stateOf(
  redis: Redis,
  prefix: string,
  queue: QueueName,
  rates: JobCounts,
  nowMs: number,
): Promise<QueueState> {
  const key = `${prefix}:q:${queue}`;
  const [waiting, prioritized, active, delayed, failed, oldestWaitingMs] = await Promise.all([
    redis.llen(`${key}:wait`),
    redis.zcard(`${key}:prioritized`),
    redis.llen(`${key}:active`),
    redis.zcard(`${key}:delayed`),
    redis.zcard(`${key}:failed`),
    oldestWaiting(redis, key, nowMs),
  ]);
  return {
    queue,
    waiting: waiting + prioritized,
    active,
    delayed,
    failed,
    oldestWaitingMs,
    startedPerMinute: rates.started,
    finishedPerMinute: rates.finished,
    failedPerMinute: rates.failed,
  };
}

/** Every queue. Rejects when Redis does not answer. */
export async function inspectQueues(redis: Redis, prefix: string, nowMs: number): Promise<QueueState[]> {
  const rates = await readRates(redis, prefix, nowMs);
  return Promise.all(QUEUES.map((queue) => stateOf(redis, prefix, queue, rates[queue], nowMs)));
}

/** What failed and is kept, the newest of all queues first. Rejects when Redis does not answer. */
export async function listFailedJobs(redis: Redis, prefix: string): Promise<FailedJob[]> {
  const jobs = await Promise.all(QUEUES.map((queue) => failedJobsOf(redis, prefix, queue)));
  return jobs.flat().sort((a, b) => b.failedAt.getTime() - a.failedAt.getTime());
}
