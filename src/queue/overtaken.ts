import type { Job } from 'bullmq';
import type { Redis } from 'ioredis';
import { timeOfId } from '../ids.ts';
import { openQueues } from './open-queues.ts';

/**
 * An end to being overtaken. A job with a priority waits as long as jobs before it keep coming, so a request that was let in
 * by a wrong estimate, at the begin of an overload, would wait until the overload is over.
 */
export type Overtaken = {
  /**
   * Puts requests that have waited in the interactive queue since before `beforeMs` in the line of those without a priority,
   * behind those that are there, the oldest first: nobody comes before them any more.
   * Any number of processes may do so at once. Rejects when Redis does not answer.
   * @returns how many were moved.
   */
  bringForward(beforeMs: number): Promise<number>;
  close(): Promise<void>;
};

/** Admission keeps the queue shorter than this. */
const LOOKED_AT_MAX = 2_000;
const MOVED_MAX = 256;
const REQUEST_ID_LENGTH = 30;

/** Jobs are named after their request, or the first one they bring. */
const acceptedAtMs = (jobId: string) => timeOfId(jobId.slice(0, REQUEST_ID_LENGTH));

/** BullMQ's code for a job that is over. */
const GONE = -1;

/** Whether it was still there. */
async function putInLine(job: Job): Promise<boolean> {
  try {
    await job.changePriority({ priority: 0 });
    return true;
  } catch (error) {
    if (error instanceof Error && Reflect.get(error, 'code') === GONE) return false;
    throw error;
  }
}

/**
 * @param redis a connection for commands, which stays the caller's to close.
 * @param prefix key prefix shared by all processes.
 */
export function createOvertaken(redis: Redis, prefix: string): Overtaken {
  const queues = openQueues(redis, prefix);
  const key = `${prefix}:q:interactive:prioritized`;
  return {
    bringForward: async (beforeMs) => {
      const waiting = await redis.zrange(key, 0, String(LOOKED_AT_MAX - 1));
      const old = waiting
        .map((jobId) => ({ jobId, atMs: acceptedAtMs(jobId) }))
        .filter(({ atMs }) => atMs < beforeMs)
        .sort((a, b) => a.atMs - b.atMs)
        .slice(0, MOVED_MAX);
      const jobs = await Promise.all(old.map(({ jobId }) => queues.of('interactive').getJob(jobId)));
      const moved = await Promise.all(jobs.filter((job) => job !== undefined).map(putInLine));
      return moved.filter(Boolean).length;
    },
    close: queues.close,
  };
}
