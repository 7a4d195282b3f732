import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, jest, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { type RedisEngine, startThrowawayRedis } from '../../scripts/engines/redis.ts';
import { eventually } from '../helpers/eventually.ts';
import { accounts, expectInvariants, requests, waitForQuiet } from '../helpers/invariants.ts';
import { useStores } from '../helpers/stores.ts';
import { type Customer, type System, startSystem } from '../helpers/system.ts';
import { startTcpProxy, type TcpProxy } from '../helpers/tcp-proxy.ts';
import {
  errorOf,
  expectAnswerIsStored,
  expectDelivered,
  PATIENT_TIMERS,
  type Reply,
  send,
} from '../helpers/traffic.ts';
import { closeReceivers, type Receiver, startReceiver } from '../webhooks/receiver.ts';

/** Redis may lose everything, die or go away at any moment: what was accepted is finished, told and paid for exactly. */

jest.setTimeout(180_000);
const stores = useStores();
const folder = mkdtempSync(path.join(os.tmpdir(), 'ocelotiq-redis-'));
let redis: RedisEngine;
let proxy: TcpProxy;
let system: System;
let receiver: Receiver;
let customer: Customer;
const customers: Customer[] = [];

beforeAll(async () => {
  receiver = await startReceiver();
  redis = await startThrowawayRedis(folder, () => undefined);
  proxy = await startTcpProxy({ host: '127.0.0.1', port: Number(new URL(redis.url).port) });
  system = await startSystem(stores, {
    redisUrl: `redis://127.0.0.1:${proxy.port}`,
    // Few places, so that most of the load is still queued when the blow falls; locks that do not survive it.
    env: {
      ...PATIENT_TIMERS,
      QUEUE_LOCK_MS: '1500',
      LEASE_MS: '5000',
      LEASE_HEARTBEAT_MS: '1000',
      SWEEP_ACCEPTED_MS: '2000',
      WORKER_CONCURRENCY: '8',
      WORKER_BACKGROUND_CONCURRENCY: '4',
    },
  });
}, 120_000);
beforeEach(async () => {
  customer = await system.customer({ rub: 200 });
  customers.push(customer);
});
afterAll(async () => {
  await closeReceivers();
  await system.stop();
  await proxy.close();
  await redis.stop();
  rmSync(folder, { recursive: true, force: true });
});

const TEXT = 'said across the outage '.repeat(5);

/** Twelve of each mode, most of them longer than the outage; resolves when some run and some wait. */
async function load(): Promise<{ answers: Promise<Reply[]> }> {
  const calls = Array.from({ length: 12 }, () => [
    send(customer, { mode: 'sync', script: 'w=1200', text: TEXT }),
    send(customer, { mode: 'stream', script: 'd=80', text: TEXT }),
    send(customer, { mode: 'async', script: 'w=1200', text: TEXT, callbackUrl: receiver.url }),
  ]).flat();
  await eventually(
    async () => {
      const { accountId } = customer;
      const count = (state: 'running' | 'accepted') => requests().countDocuments({ accountId, state });
      expect(await requests().countDocuments({ accountId })).toBe(36);
      expect(await count('running')).toBeGreaterThan(0);
      expect(await count('accepted')).toBeGreaterThan(0);
    },
    { timeoutMs: 30_000, intervalMs: 20 },
  );
  return { answers: Promise.all(calls) };
}

/** Every client got a whole answer or a typed error, the same as is kept; every async request is done; money is exact. */
async function expectNothingLost(replies: Reply[]): Promise<void> {
  const { accountId } = customer;
  await waitForQuiet(90_000);
  await expectInvariants(system.sandboxUrl);
  for (const reply of replies) {
    errorOf(reply);
    await expectAnswerIsStored(customer, reply);
  }
  expect(replies.filter(({ call, status }) => call.mode === 'async' && status !== 202)).toEqual([]);
  const ended = await requests()
    .find({ accountId, mode: 'async' }, { projection: { state: 1 } })
    .toArray();
  expect(ended.map(({ state }) => state)).toEqual(Array(12).fill('done'));
  const account = await accounts().findOne({ _id: accountId });
  const rows = await requests().find({ accountId }).toArray();
  const spent = rows.reduce((sum, row) => sum + (row.costMicros ?? 0n), 0n);
  expect(account?.availableMicros).toBe(200_000_000n - spent);
}

const succeeded = (replies: Reply[]) => replies.filter((reply) => errorOf(reply) === undefined).length;

test('FLUSHALL with queued, running and streaming requests: nobody notices', async () => {
  const { answers } = await load();
  const client = new Redis(redis.url);
  await client.flushall();
  client.disconnect();
  const replies = await answers;
  await expectNothingLost(replies);
  expect(succeeded(replies)).toBe(36);
});

test('FLUSHALL again and again while requests come and go loses none', async () => {
  const { answers } = await load();
  const client = new Redis(redis.url);
  let over = false;
  const flushing = (async () => {
    while (!over) {
      await client.flushall();
      await new Promise((resolve) => setTimeout(resolve, 700));
    }
  })();
  const replies = await answers;
  await eventually(
    async () => expect(await requests().countDocuments({ state: { $in: ['accepted', 'running'] } })).toBe(0),
    { timeoutMs: 60_000 },
  );
  over = true;
  await flushing;
  client.disconnect();
  await expectNothingLost(replies);
});

test('Redis killed and started again: what was accepted is finished', async () => {
  const { answers } = await load();
  const { pid } = redis;
  if (pid === undefined) throw new Error('Redis has no process');
  process.kill(pid, 'SIGKILL');
  await expectNothingLost(await answers);
  expect(redis.pid).not.toBe(pid);
});

test.each(['cut', 'freeze'] as const)(
  'the line to Redis gone for two seconds (%s): what was accepted is finished',
  async (how) => {
    const { answers } = await load();
    proxy[how]();
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    proxy.mend();
    await expectNothingLost(await answers);
  },
);

test('while Redis is away an asynchronous request is still accepted, and done when it is back', async () => {
  proxy.cut();
  const accepted = await Promise.all(
    Array.from({ length: 12 }, () => send(customer, { mode: 'async', text: TEXT, callbackUrl: receiver.url })),
  );
  expect(accepted.map(({ status }) => status)).toEqual(Array(12).fill(202));
  proxy.mend();
  await expectNothingLost(accepted);
});

// Webhooks whose job was lost are missed a little later; all of them wait for that together.
test('after all of it every asynchronous request has been called back', async () => {
  for (const each of customers.slice(0, -1)) expect(await expectDelivered(each, receiver.received)).toHaveLength(12);
});
