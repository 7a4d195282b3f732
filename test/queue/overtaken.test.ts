import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { newId } from '../../src/ids.ts';
import { createProducer } from '../../src/queue/enqueue.ts';
import { done } from '../../src/queue/outcome.ts';
import { createOvertaken } from '../../src/queue/overtaken.ts';
import type { Handlers } from '../../src/queue/run-job.ts';
import { redisReady } from '../../src/redis.ts';
import { eventually } from '../helpers/eventually.ts';
import { useRedis } from '../stream/redis.ts';
import { workersWith } from './failing.ts';

/** Who waits for an answer is not overtaken without end. */

const NOW_MS = Date.parse('2026-03-01T10:00:00Z');
const ALLOWED_MS = 1_500;
const redis = useRedis();
const commands = redis.commands();
const producer = createProducer(commands, redis.prefix);
const overtaken = createOvertaken(commands, redis.prefix);

beforeAll(() => redisReady(commands));
afterAll(() => Promise.all([producer.close(), overtaken.close()]));

const waited = (ms: number) => newId('req', NOW_MS - ms);
const enqueue = (requestId: string, priority: number) =>
  producer.enqueue('runRequest', { requestId }, { jobId: requestId, priority });
const bringForward = () => overtaken.bringForward(NOW_MS - ALLOWED_MS);

/** The requests in the order in which a worker takes them. */
async function taken(count: number): Promise<string[]> {
  const order: string[] = [];
  const take = async (requestIds: readonly string[]) => {
    order.push(...requestIds);
    return done;
  };
  const handlers = {
    runRequest: ({ requestId }: { requestId: string }) => take([requestId]),
    runRequests: ({ requestIds }: { requestIds: string[] }) => take(requestIds),
  } as unknown as Handlers;
  const workers = workersWith(handlers, redis.blocking(), redis.prefix);
  await eventually(async () => expect(order).toHaveLength(count));
  await workers.drain(1_000);
  return order;
}

test('who was overtaken for long stands in the first line, the longest first; the others keep their order', async () => {
  const [first, flood, later] = [waited(200), waited(1_400), waited(1_000)];
  const [old, older, oldest, with_] = [waited(1_600), waited(9_000), waited(60_000), waited(60_000)];
  await enqueue(first, 0);
  await enqueue(flood, 40);
  await enqueue(later, 2);
  await enqueue(old, 1);
  await enqueue(older, 64);
  const together = { requestIds: [oldest, with_] };
  await producer.enqueue('runRequests', together, { jobId: `${oldest}-and-others`, priority: 2_000_000 });
  expect(await bringForward()).toBe(3);
  expect(await bringForward()).toBe(0);
  expect(await taken(7)).toEqual([first, oldest, with_, older, old, later, flood]);
});

test('a crowd of them is brought in parts, in the order of coming', async () => {
  const crowd = Array.from({ length: 260 }, (_, index) => waited(10_000 - index));
  for (const requestId of [...crowd].reverse()) await enqueue(requestId, 5);
  expect(await bringForward()).toBe(256);
  expect(await bringForward()).toBe(4);
  expect(await taken(260)).toEqual(crowd);
});

test('an empty queue has none', async () => {
  expect(await bringForward()).toBe(0);
});
