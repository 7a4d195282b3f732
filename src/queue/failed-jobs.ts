import type { Job } from 'bullmq';
import type { Redis } from 'ioredis';
import type { QueueName } from './define-job.ts';
import { openQueues } from './open-queues.ts';

/**
 * What people may do about failed jobs. A job is ids only: what it is about stands in the database, so a job that is
 * started again finds there whether there is still something to do, and one that is removed takes nothing with it.
 */

/** So many jobs of a queue by one command. */
export const FAILED_BATCH_MAX = 500;
const AT_ONCE = 50;

/** What became of failed jobs: so many were taken, so many are left. */
export type FailedTaken = { taken: number; left: number };

export type FailedJobs = {
  /** Lets a failed job wait again, with all its attempts. */
  retry(queue: QueueName, id: string): Promise<'waiting' | 'not_found' | 'not_failed'>;
  /** The same for the oldest failed jobs of a queue, up to `FAILED_BATCH_MAX`. */
  retryAll(queue: QueueName): Promise<FailedTaken>;
  /** Removes the oldest failed jobs of a queue, up to `FAILED_BATCH_MAX`. */
  drain(queue: QueueName): Promise<FailedTaken>;
  close(): Promise<void>;
};

/** BullMQ's codes for a job that is not there any more, or is in another state than the command is about. */
const GONE: ReadonlySet<unknown> = new Set([-1, -3]);

async function retry(job: Job): Promise<'waiting' | 'not_failed'> {
  try {
    await job.retry('failed', { resetAttemptsMade: true, resetAttemptsStarted: true });
    return 'waiting';
  } catch (error) {
    if (error instanceof Error && GONE.has(Reflect.get(error, 'code'))) return 'not_failed';
    throw error;
  }
}

/**
 * Every change is one step of Redis that asks whether the job is still failed, so two people at it do no harm.
 * @param connection for commands; the caller's to close.
 */
export function openFailedJobs(connection: Redis, prefix: string): FailedJobs {
  const queues = openQueues(connection, prefix);
  const left = async (queue: QueueName) => (await queues.of(queue).getJobCounts('failed')).failed ?? 0;
  return {
    retry: async (queue, id) => {
      const job = await queues.of(queue).getJob(id);
      return job ? retry(job) : 'not_found';
    },
    retryAll: async (name) => {
      // Taken once: what fails again meanwhile is for the next command.
      const jobs = await queues.of(name).getJobs(['failed'], 0, FAILED_BATCH_MAX - 1, true);
      const found = jobs.filter((job: Job | undefined) => job !== undefined);
      let taken = 0;
      for (let at = 0; at < found.length; at += AT_ONCE) {
        const results = await Promise.all(found.slice(at, at + AT_ONCE).map(retry));
        taken += results.filter((result) => result === 'waiting').length;
      }
      return { taken, left: await left(name) };
    },
    drain: async (name) => {
      const removed = await queues.of(name).clean(0, FAILED_BATCH_MAX, 'failed');
      return { taken: removed.length, left: await left(name) };
    },
    close: queues.close,
  };
}
