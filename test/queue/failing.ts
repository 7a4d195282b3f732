import { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import type { QueueName } from '../../src/queue/define-job.ts';
import { listFailedJobs } from '../../src/queue/inspect.ts';
import { JOBS, type JobKey } from '../../src/queue/jobs.ts';
import type { Handlers, JobObserver } from '../../src/queue/run-job.ts';
import { startWorkers } from '../../src/queue/start-workers.ts';
import { eventually } from '../helpers/eventually.ts';
import { log } from '../stream/redis.ts';

/** Jobs that really fail: enqueued, fetched by the product's own workers, and ended by a handler that throws. */

const CONCURRENCY: Record<QueueName, number> = { interactive: 5, background: 5, webhooks: 5, maintenance: 5 };

/** @param error what the handlers throw. */
export function failingHandlers(error: unknown): Handlers {
  const fail = () => Promise.reject(error);
  return Object.fromEntries(Object.keys(JOBS).map((key) => [key, fail])) as unknown as Handlers;
}

/** The product's own workers with other handlers. */
export function workersWith(
  handlers: Handlers,
  connection: Redis,
  prefix: string,
  observe: JobObserver = () => undefined,
) {
  return startWorkers({
    connection,
    prefix,
    handlers,
    log,
    observe,
    concurrency: CONCURRENCY,
    fetchLoops: 1,
    lockMs: 60_000,
    stalledIntervalMs: 30_000,
  });
}

export type Failing = { key: JobKey; data: object; jobId: string; priority?: number };

/**
 * Lets jobs fail at their first attempt and be kept, as no release of ours lets requests' jobs, and waits until they have.
 * @param connections one for commands and a blocking one; the caller's to close.
 */
export async function failJobs(
  jobs: readonly Failing[],
  error: unknown,
  { commands, blocking, prefix }: { commands: Redis; blocking: Redis; prefix: string },
): Promise<void> {
  const queues = new Map<QueueName, Queue>();
  for (const { key, data, jobId, priority = 0 } of jobs) {
    const { queue: name, name: jobName } = JOBS[key];
    const queue = queues.get(name) ?? new Queue(name, { connection: commands, prefix: `${prefix}:q` });
    queues.set(name, queue);
    await queue.add(jobName, data, { attempts: 1, jobId, priority });
  }
  const workers = workersWith(failingHandlers(error), blocking, prefix);
  await eventually(async () => {
    const failed = new Set((await listFailedJobs(commands, prefix)).map(({ id }) => id));
    for (const { jobId } of jobs) if (!failed.has(jobId)) throw new Error(`${jobId} has not failed yet`);
  });
  await workers.drain(10_000);
  for (const queue of queues.values()) await queue.close();
}
