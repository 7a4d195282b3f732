import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { newId } from '../../src/ids.ts';
import { createProducer } from '../../src/queue/enqueue.ts';
import { inspectQueues } from '../../src/queue/inspect.ts';
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
