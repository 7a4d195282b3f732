import { createGroupCommit } from '../group-commit.ts';
import type { Producer } from '../queue/enqueue.ts';

/**
 * Holds of an account are made in groups, so requests come to the queue in groups too. What comes in one turn of the event loop,
 * or while the queue is being told of others, goes in one job: a job costs the queue as much for one request as for many.
 * Only while hardly anything waits there. Else each request has a job of its own, for it is jobs that are counted, ordered
 * and shared out among workers.
 */

const GROUP_MAX = 256;
const FLIGHTS_MAX = 2;

type Waiting = { requestId: string; priority: number };

/**
 * @param options.isQueueing whether jobs wait in the queue.
 * @param options.requestsPerJobMax small beside what a worker runs at once, for it takes whole jobs.
 */
export function createTogetherProducer(
  producer: Pick<Producer, 'enqueue'>,
  options: { isQueueing: () => boolean; requestsPerJobMax: number },
): Pick<Producer, 'enqueue'> {
  const { isQueueing, requestsPerJobMax } = options;
  const gathered = createGroupCommit<Waiting, true>({
    itemsMax: GROUP_MAX,
    flightsMax: FLIGHTS_MAX,
    flush: async (waiting) => {
      const jobs = jobsOf(waiting, isQueueing() ? 1 : requestsPerJobMax);
      const outcomes = await Promise.all(jobs.map((job) => enqueueJob(producer, job).catch((error: Error) => error)));
      const byRequest = new Map(
        jobs.flatMap((job, index) => job.map(({ requestId }) => [requestId, outcomes[index]] as const)),
      );
      return waiting.map(({ requestId }) => byRequest.get(requestId) ?? true);
    },
  });
  return {
    enqueue: async (key, payload, options = {}) => {
      if (key !== 'runRequest' || options.delayMs) return producer.enqueue(key, payload, options);
      const { requestId } = payload as { requestId: string };
      await gathered.submit({ requestId, priority: options.priority ?? 0 });
    },
  };
}

/** Requests of one priority, in the order of coming. */
function jobsOf(waiting: readonly Waiting[], requestsMax: number): Waiting[][] {
  const jobs: Waiting[][] = [];
  const open = new Map<number, Waiting[]>();
  for (const one of waiting) {
    let job = open.get(one.priority);
    if (!job || job.length >= requestsMax) {
      job = [];
      jobs.push(job);
      open.set(one.priority, job);
    }
    job.push(one);
  }
  return jobs;
}

async function enqueueJob(producer: Pick<Producer, 'enqueue'>, job: readonly Waiting[]): Promise<true> {
  const [first] = job;
  if (!first) return true;
  const { requestId, priority } = first;
  if (job.length === 1) await producer.enqueue('runRequest', { requestId }, { jobId: requestId, priority });
  else {
    const requestIds = job.map((one) => one.requestId);
    await producer.enqueue('runRequests', { requestIds }, { jobId: `${requestId}-and-others`, priority });
  }
  return true;
}
