import type { Redis } from 'ioredis';
import { QUEUES, type QueueName } from './define-job.ts';
import { JOBS, type JobKey, type JobPayload } from './jobs.ts';
import { openQueues } from './open-queues.ts';

const PRIORITY_MAX = 2_000_000;

export type EnqueueOptions = {
  /** De-duplicates while the job exists. Must hold no `:` and not be all digits (both mean something to BullMQ). */
  jobId?: string;
  delayMs?: number;
  /** 0 is served first; larger numbers later. Grows with what the account has open, so a flood does not starve others. */
  priority?: number;
};

export type QueueCounts = Record<QueueName, { waiting: number; active: number; delayed: number; failed: number }>;

export type Producer = {
  enqueue<Key extends JobKey>(key: Key, payload: JobPayload<Key>, options?: EnqueueOptions): Promise<void>;
  counts(): Promise<QueueCounts>;
  /** Age of the oldest waiting job in milliseconds, 0 when none waits. */
  oldestWaitingMs(queue: QueueName, nowMs: number): Promise<number>;
  close(): Promise<void>;
};

/**
 * The producing side of all queues over one connection (which stays the caller's to close).
 * @param prefix key prefix shared by api and workers.
 */
export function createProducer(connection: Redis, prefix: string): Producer {
  const queues = openQueues(connection, prefix);
  return {
    enqueue: async (key, payload, options = {}) => {
      const job = JOBS[key];
      await queues.of(job.queue).add(job.name, payload, {
        attempts: job.attempts,
        backoff: { type: 'exponential', delay: job.backoffMs },
        removeOnComplete: job.keep === 0 ? true : { count: job.keep },
        removeOnFail: job.keep === 0 ? true : { count: job.keep },
        ...(options.jobId === undefined ? {} : { jobId: options.jobId }),
        ...(options.delayMs ? { delay: options.delayMs } : {}),
        ...(options.priority ? { priority: Math.min(options.priority, PRIORITY_MAX) } : {}),
      });
    },
    counts: async () => {
      const entries = await Promise.all(
        QUEUES.map(async (name) => {
          const c = await queues.of(name).getJobCounts('waiting', 'prioritized', 'active', 'delayed', 'failed');
          const count = (state: string) => c[state] ?? 0;
          return [
            name,
            {
              waiting: count('waiting') + count('prioritized'),
              active: count('active'),
              delayed: count('delayed'),
              failed: count('failed'),
            },
          ] as const;
        }),
      );
      return Object.fromEntries(entries) as QueueCounts;
    },
    oldestWaitingMs: async (name, nowMs) => {
      const jobs = await queues.of(name).getJobs(['waiting', 'prioritized'], 0, 0, true);
      const oldest = jobs.reduce((earliest, job) => Math.min(earliest, job?.timestamp ?? nowMs), nowMs);
      return Math.max(0, nowMs - oldest);
    },
    close: queues.close,
  };
}
