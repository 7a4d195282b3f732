import { DelayedError, type Job, UnrecoverableError, Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import type { Logger } from '../log.ts';
import type { QueueName } from './define-job.ts';
import { type Handlers, type JobObserver, runJob } from './run-job.ts';

export type WorkersOptions = {
  connection: Redis;
  prefix: string;
  handlers: Handlers;
  log: Logger;
  observe: JobObserver;
  /** Jobs run at once per queue; LLM calls last seconds, so this is large. */
  concurrency: Record<QueueName, number>;
  /** Worker instances per interactive queue: one fetches sequentially, a few keep up with a burst. */
  fetchLoops: number;
  lockMs: number;
  stalledIntervalMs: number;
};

export type Workers = {
  /** Stops fetching; resolves when running jobs ended or `timeoutMs` passed (then they are left to their leases). */
  drain(timeoutMs: number): Promise<void>;
  running(): number;
  /** Milliseconds since any queue last started a job. */
  idleMs(): number;
};

const STARTS_MAX = 5;

/** Starts fetching from every queue. BullMQ is known to this folder only. */
export function startWorkers(options: WorkersOptions): Workers {
  const { connection, prefix, handlers, log, observe } = options;
  let running = 0;
  let lastStartMs = performance.now();

  async function process(job: Job, token: string | undefined, signal: AbortSignal | undefined): Promise<void> {
    running++;
    lastStartMs = performance.now();
    try {
      const raw = { id: job.id ?? '', name: job.name, data: job.data, attempt: job.attemptsMade + 1 };
      const outcome = await runJob(signal ? { ...raw, signal } : raw, handlers, log, observe);
      if (outcome.kind === 'snooze') {
        await job.moveToDelayed(Date.now() + outcome.delayMs, token);
        throw new DelayedError();
      }
      if (outcome.kind === 'cancel') throw new UnrecoverableError(outcome.reason);
    } finally {
      running--;
    }
  }

  function startWorker(queue: QueueName, concurrency: number): Worker {
    const worker = new Worker(queue, process, {
      connection,
      prefix: `${prefix}:q`,
      concurrency,
      lockDuration: options.lockMs,
      stalledInterval: options.stalledIntervalMs,
      maxStalledCount: STARTS_MAX,
      maxStartedAttempts: STARTS_MAX,
      skipVersionCheck: true,
    });
    worker.on('error', (error) => log.warn({ queue, err: error }, 'queue worker error'));
    // A job whose lock is lost may be running elsewhere already: stop ours. The claim's fence keeps it harmless anyway.
    worker.on('lockRenewalFailed', (jobIds) => {
      for (const jobId of jobIds) worker.cancelJob(jobId, 'lock lost');
    });
    return worker;
  }

  const workers = (Object.entries(options.concurrency) as [QueueName, number][]).flatMap(([queue, concurrency]) => {
    const loops = queue === 'interactive' ? options.fetchLoops : 1;
    return Array.from({ length: loops }, () => startWorker(queue, Math.ceil(concurrency / loops)));
  });

  return {
    drain: async (timeoutMs) => {
      const closing = Promise.all(workers.map((worker) => worker.close()));
      let timer: NodeJS.Timeout | undefined;
      const timeout = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, timeoutMs);
      });
      await Promise.race([closing, timeout]);
      clearTimeout(timer);
      if (running > 0) await Promise.all(workers.map((worker) => worker.close(true)));
    },
    running: () => running,
    idleMs: () => performance.now() - lastStartMs,
  };
}
