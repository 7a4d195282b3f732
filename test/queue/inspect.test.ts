import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { newId } from '../../src/ids.ts';
import { createProducer } from '../../src/queue/enqueue.ts';
import { inspectQueues } from '../../src/queue/inspect.ts';
import { addCounts, noCounts } from '../../src/queue/rates.ts';
import { redisReady } from '../../src/redis.ts';
import { useRedis } from '../stream/redis.ts';

const redis = useRedis();
const commands = redis.commands();
const producer = createProducer(commands, redis.prefix);
beforeAll(() => redisReady(commands));
afterAll(() => producer.close());

const stateOf = async (queue: string, nowMs = Date.now()) =>
  (await inspectQueues(commands, redis.prefix, nowMs)).find((one) => one.queue === queue);

it('counts what waits, with or without priority, and tells how old the oldest is', async () => {
  await producer.enqueue('runRequest', { requestId: newId('req') });
  await producer.enqueue('runRequest', { requestId: newId('req') }, { priority: 3 });
  await producer.enqueue('runRequest', { requestId: newId('req') }, { delayMs: 3_600_000 });
  const state = await stateOf('interactive', Date.now() + 60_000);
  expect(state).toMatchObject({ waiting: 2, delayed: 1, active: 0, failed: 0 });
  expect(state?.oldestWaitingMs).toBeGreaterThanOrEqual(59_000);
  expect(await stateOf('webhooks')).toMatchObject({ waiting: 0, oldestWaitingMs: 0 });
});

it('tells how many jobs a minute were started, done and failed of late, added up over all processes', async () => {
  const minute = 1_800_000_000_000;
  const webhooks = { started: 20, finished: 10, failed: 2 };
  const tell = (atMs: number, counts = webhooks) =>
    addCounts(commands, redis.prefix, { ...noCounts(), webhooks: counts }, atMs);
  expect(await stateOf('webhooks', minute)).toMatchObject({ startedPerMinute: 0, finishedPerMinute: 0 });
  await tell(minute - 600_000, { started: 1_000, finished: 1_000, failed: 1_000 });
  await tell(minute - 60_000);
  await tell(minute);
  const rates = { startedPerMinute: 8.9, finishedPerMinute: 4.4, failedPerMinute: 0.9 };
  expect(await stateOf('webhooks', minute + 30_000)).toMatchObject(rates);
  expect(await stateOf('background', minute + 30_000)).toMatchObject({ startedPerMinute: 0, failedPerMinute: 0 });
  expect(await commands.ttl(`${redis.prefix}:rates:${minute / 60_000}`)).toBeGreaterThan(0);
});
