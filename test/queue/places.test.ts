import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { newId } from '../../src/ids.ts';
import { createProducer } from '../../src/queue/enqueue.ts';
import { requestsPerJob } from '../../src/queue/jobs.ts';
import { done } from '../../src/queue/outcome.ts';
import type { Handlers, JobContext } from '../../src/queue/run-job.ts';
import { redisReady } from '../../src/redis.ts';
import { eventually } from '../helpers/eventually.ts';
import { useRedis } from '../stream/redis.ts';
import { workersWith } from './failing.ts';

/** How many requests a worker runs at once, when jobs bring more than one. */

const redis = useRedis();
const commands = redis.commands();
const producer = createProducer(commands, redis.prefix);
const PLACES = 5;
const TOGETHER = 3;
const SINGLE = 9;

beforeAll(() => redisReady(commands));
afterAll(() => producer.close());

const one = () => producer.enqueue('runRequest', { requestId: newId('req') });
const several = (count: number) =>
  producer.enqueue('runRequests', { requestIds: Array.from({ length: count }, () => newId('req')) });

test('a job takes a place for each request it brings, and gives all of them back', async () => {
  let [running, most, over] = [0, 0, 0];
  const open: (() => void)[] = [];
  const work = async (requests: number) => {
    running += requests;
    most = Math.max(most, running);
    await new Promise<void>((resolve) => open.push(resolve));
    running -= requests;
    over += requests;
    return done;
  };
  const handlers = {
    runRequest: () => work(1),
    runRequests: ({ requestIds }: { requestIds: string[] }) => work(requestIds.length),
  } as unknown as Handlers;
  let ended = 0;
  const workers = workersWith(handlers, redis.blocking(), redis.prefix, () => ended++);
  try {
    await several(TOGETHER);
    await eventually(async () => expect(running).toBe(TOGETHER));
    await Promise.all(Array.from({ length: SINGLE }, one));
    await eventually(async () => expect(running).toBe(PLACES));
    expect(workers.takeStarted().interactive).toBe(PLACES);
    // The job of several ends: its places are for as many single ones.
    open.shift()?.();
    await eventually(async () => expect([running, open.length]).toEqual([PLACES, PLACES]));
    await eventually(async () => {
      for (const end of open.splice(0)) end();
      expect(over).toBe(TOGETHER + SINGLE);
    });
    expect(most).toBe(PLACES);
    // Counted as what was started is.
    await eventually(async () => expect(ended).toBe(TOGETHER + SINGLE));
  } finally {
    for (const end of open) end();
    await workers.drain(1_000);
  }
});

test('a request that is over leaves its place to another, although its job goes on', async () => {
  const singles: (() => void)[] = [];
  const overs: (() => void)[] = [];
  let endJob: () => void = () => undefined;
  const handlers = {
    runRequest: async () => {
      await new Promise<void>((resolve) => singles.push(resolve));
      return done;
    },
    runRequests: async (_payload: unknown, { requestOver }: JobContext) => {
      overs.push(requestOver);
      await new Promise<void>((resolve) => {
        endJob = resolve;
      });
      return done;
    },
  } as unknown as Handlers;
  const workers = workersWith(handlers, redis.blocking(), redis.prefix);
  try {
    await several(TOGETHER);
    await eventually(async () => expect(overs).toHaveLength(1));
    await Promise.all(Array.from({ length: SINGLE }, one));
    await eventually(async () => expect(singles).toHaveLength(PLACES - TOGETHER));
    // The last place goes with the job, however often it is said.
    for (let count = 0; count < TOGETHER + 1; count++) overs[0]?.();
    singles.shift()?.();
    await eventually(async () => expect(singles).toHaveLength(PLACES - 1));
    expect(workers.takeStarted().interactive).toBe(TOGETHER + PLACES);
    endJob();
    await eventually(async () => expect(singles).toHaveLength(PLACES));
  } finally {
    endJob();
    await eventually(async () => {
      for (const end of singles.splice(0)) end();
      expect(workers.running()).toBe(0);
    });
    await workers.drain(1_000);
  }
});

test.each([
  [{ concurrency: 500, fetchLoops: 2 }, 16],
  [{ concurrency: 100, fetchLoops: 2 }, 6],
  [{ concurrency: 12, fetchLoops: 2 }, 1],
  [{ concurrency: 1, fetchLoops: 16 }, 1],
])('workers with %o are given jobs of at most %i requests', (places, most) => {
  expect(requestsPerJob(places)).toBe(most);
});
