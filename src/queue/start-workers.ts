import { DelayedError, type Job, UnrecoverableError, Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import type { Logger } from '../log.ts';
import { QUEUES, type QueueName } from './define-job.ts';
import { toJobFailure } from './job-failure.ts';
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
  /**
   * Stops fetching; resolves when running jobs ended. After `timeoutMs` their signals are aborted, and what does not end
   * within a moment is left to its lease.
   */
  drain(timeoutMs: number): Promise<void>;
  running(): number;
  /** Jobs started since the last call, by queue. */
  takeStarted(): Record<QueueName, number>;
  /** Milliseconds since any queue last started a job. */
  idleMs(): number;
};

const STARTS_MAX = 5;
/** Time to write how they ended, on a machine that is busy: what is not written is found out by the next worker, and told less well. */
const LAST_WORDS_MS = 3_000;

function noneStarted(): Record<QueueName, number> {
  return Object.fromEntries(QUEUES.map((queue) => [queue, 0])) as Record<QueueName, number>;
}

/** What is started is counted in requests, so what ends is too. */
function forEach(requests: number, observe: JobObserver): JobObserver {
  return (...seen) => {
    for (let count = 0; count < requests; count++) observe(...seen);
  };
}

/** Places that jobs take beside their own. */
type Places = {
  /** For a job that brings so many requests. */
  take(requests: number): PlacesOfJob;
};
type PlacesOfJob = {
  /** The last one goes with the job. */
  leaveOne(): void;
  leaveAll(): void;
};

/**
 * A job that brings several requests leaves room for fewer jobs; the last one that is fetched may bring more than there is room for.
 * Each place is free as soon as its request is over: those of a job at one time would let a crowd in that had been told to wait.
 */
function createPlaces(concurrency: number, leave: (jobsMax: number) => void): Places {
  let taken = 0;
  const change = (more: number) => {
    if (more === 0) return;
    taken += more;
    leave(Math.max(1, concurrency - taken));
  };
  return {
    take: (requests) => {
      let beside = requests - 1;
      const giveBack = (places: number) => {
        beside -= places;
        change(-places);
      };
      change(beside);
      return { leaveOne: () => giveBack(Math.min(1, beside)), leaveAll: () => giveBack(beside) };
    },
  };
}

/** How many requests a job brings: the speed of a queue is told in what clients wait for. */
function requestsIn({ requestIds }: { requestIds?: unknown }): number {
  return Array.isArray(requestIds) ? requestIds.length : 1;
}

/** Resolves when `work` has, or `timeoutMs` passed. */
async function within(timeoutMs: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, timeoutMs);
  });
  await Promise.race([work, timeout]);
  clearTimeout(timer);
}

/** Starts fetching from every queue. BullMQ is known to this folder only. */
export function startWorkers(options: WorkersOptions): Workers {
  const { connection, prefix, handlers, log, observe } = options;
  /** The queue's own signal would be a second controller for every job, and those are dear. */
  const running = new Set<AbortController>();
  let started = noneStarted();
  let lastStartMs = performance.now();

  async function process(queue: QueueName, places: Places, job: Job, token: string | undefined): Promise<void> {
    const stop = new AbortController();
    const requests = requestsIn(job.data);
    running.add(stop);
    const taken = places.take(requests);
    started[queue] += requests;
    lastStartMs = performance.now();
    try {
      const raw = {
        id: job.id ?? '',
        name: job.name,
        data: job.data,
        attempt: job.attemptsMade + 1,
        stop,
        requestOver: taken.leaveOne,
      };
      const outcome = await runJob(raw, handlers, log, forEach(requests, observe)).catch((error: unknown) => {
        throw toJobFailure(error);
      });
      if (outcome.kind === 'snooze') {
        await job.moveToDelayed(Date.now() + outcome.delayMs, token);
        throw new DelayedError();
      }
      if (outcome.kind === 'cancel') throw new UnrecoverableError(outcome.reason);
    } finally {
      taken.leaveAll();
      running.delete(stop);
    }
  }

  function startWorker(queue: QueueName, concurrency: number): Worker {
    const places = createPlaces(concurrency, (left) => {
      worker.concurrency = left;
    });
    const worker: Worker = new Worker(queue, (job, token) => process(queue, places, job, token), {
      connection,
      prefix: `${prefix}:q`,
      concurrency,
      lockDuration: options.lockMs,
      stalledInterval: options.stalledIntervalMs,
      maxStalledCount: STARTS_MAX,
      maxStartedAttempts: STARTS_MAX,
      skipVersionCheck: true,
    });
    // A lock that cannot be renewed is reported here and ends nothing: Redis may have lost everything, and who may go on
    // with a request is decided by its lease in the database.
    worker.on('error', (error) => log.warn({ queue, err: error }, 'queue worker error'));
    return worker;
  }

  const workers = (Object.entries(options.concurrency) as [QueueName, number][]).flatMap(([queue, concurrency]) => {
    const loops = queue === 'interactive' ? options.fetchLoops : 1;
    return Array.from({ length: loops }, () => startWorker(queue, Math.ceil(concurrency / loops)));
  });

  return {
    drain: async (timeoutMs) => {
      const closing = Promise.all(workers.map((worker) => worker.close()));
      await within(timeoutMs, closing);
      if (running.size === 0) return;
      for (const stop of running) stop.abort(new Error('shutdown'));
      await within(LAST_WORDS_MS, closing);
    },
    running: () => running.size,
    takeStarted: () => {
      const taken = started;
      started = noneStarted();
      return taken;
    },
    idleMs: () => performance.now() - lastStartMs,
  };
}
