import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { newId } from '../../src/ids.ts';
import { createLogger } from '../../src/log.ts';
import { nativeCollection } from '../../src/models/connect.ts';
import { Delivery, type DeliveryDocument } from '../../src/models/delivery.ts';
import type { RequestDocument } from '../../src/models/request.ts';
import { RetentionClass } from '../../src/models/retention-class.ts';
import { NO_JOURNAL } from '../../src/privacy/deletion-journal.ts';
import { runRetention } from '../../src/privacy/retention.ts';
import { createProducer } from '../../src/queue/enqueue.ts';
import { inspectQueues } from '../../src/queue/inspect.ts';
import { createRedis, redisReady } from '../../src/redis.ts';
import { eventually } from '../helpers/eventually.ts';
import { expectInvariants, requests, waitForQuiet } from '../helpers/invariants.ts';
import { useStores } from '../helpers/stores.ts';
import { type System, startSystem } from '../helpers/system.ts';
import { errorOf, send } from '../helpers/traffic.ts';

/** Content goes when its time is over, and not before everything that needs it has happened. */

jest.setTimeout(180_000);
const stores = useStores();
const DAY_MS = 86_400_000;
const running = new AbortController().signal;
const log = createLogger({ role: 'test', level: 'silent' });
const deliveries = () => nativeCollection<DeliveryDocument>(Delivery);

type Row = Partial<RequestDocument>;

/** A request of so many days ago with input, answer, callback and key; settled and done unless told otherwise. */
async function request(daysAgo: number, row: Row = {}): Promise<string> {
  const _id = newId('req', Date.now() - daysAgo * DAY_MS);
  await requests().insertOne({
    _id,
    accountId: 'acc_of_nobody',
    keyId: 'key_of_nobody',
    mode: 'async',
    state: 'done',
    settled: true,
    attempt: 1,
    holdMicros: 1n,
    costMicros: 0n,
    idemKey: _id,
    fingerprint: 'f',
    input: Buffer.from('the input'),
    result: Buffer.from('the answer'),
    callbackUrl: Buffer.from('the address'),
    ...row,
  } as RequestDocument);
  return _id;
}

/** One run; what it removed of the two classes that requests hold. */
async function purge(signal = running) {
  const run = await runRetention({
    nowMs: Date.now(),
    trigger: 'manual',
    by: 'test',
    defaults: {},
    signal,
    journal: NO_JOURNAL,
    log,
  });
  const removed = (id: string) => run.classes.find(({ classId }) => classId === id)?.removed;
  return { purged: removed('request.content'), idempotencyKeysFreed: removed('request.idempotency') };
}

async function contentOf(_id: string): Promise<string[]> {
  const row = await requests().findOne({ _id });
  return (['input', 'result', 'callbackUrl', 'idemKey'] as const).filter((field) => row?.[field] !== undefined);
}

const ALL = ['input', 'result', 'callbackUrl', 'idemKey'];

beforeEach(async () => {
  await requests().deleteMany({ accountId: 'acc_of_nobody' });
  // These tests put rows where earlier ones have purged all; in life no old row appears anew.
  await nativeCollection(RetentionClass).deleteMany({});
});

describe('the purge', () => {
  test('removes input, answer and callback address past their days, and nothing before', async () => {
    const [old, young] = [await request(31), await request(29)];
    expect(await purge()).toMatchObject({ purged: 1 });
    expect([await contentOf(old), await contentOf(young)]).toEqual([[], ['input', 'result', 'callbackUrl']]);
    expect(await requests().findOne({ _id: old })).toMatchObject({
      state: 'done',
      costMicros: 0n,
      contentPurgedAt: expect.any(Date),
    });
    expect(await purge()).toEqual({ purged: 0, idempotencyKeysFreed: 0 });
  });

  test.each<[string, Row]>([
    ['is accepted', { state: 'accepted', settled: false }],
    ['is running', { state: 'running', settled: false }],
    ['is not settled', { settled: false }],
    ['will owe a webhook', { state: 'running', settled: false, webhook: 'wanted' }],
    ['owes its webhook', { webhook: 'pending' }],
  ])('never touches a request that %s', async (_, row) => {
    const id = await request(400, row);
    expect(await purge()).toEqual({ purged: 0, idempotencyKeysFreed: 0 });
    expect(await contentOf(id)).toEqual(ALL);
  });

  test('waits for a webhook that is still being delivered, and goes on when it has come or was given up', async () => {
    const ids = await Promise.all([1, 2, 3].map(() => request(31, { webhook: 'created' })));
    const states = ['pending', 'delivered', 'failed'] as const;
    await deliveries().insertMany(
      ids.map((requestId, index) => ({
        _id: `evt_${requestId.slice(4)}`,
        requestId,
        accountId: 'acc_of_nobody',
        keyId: 'key_of_nobody',
        type: 'request.completed',
        url: Buffer.from('sealed'),
        fromKey: false,
        state: states[index] ?? 'pending',
        attempt: 1,
        nextAttemptAt: new Date(Date.now() + DAY_MS),
        attempts: [],
        createdAt: new Date(),
      })),
    );
    await purge();
    expect(await Promise.all(ids.map(contentOf))).toEqual([['input', 'result', 'callbackUrl'], [], []]);
    await deliveries().updateMany({ requestId: ids[0] ?? '' }, { $set: { state: 'delivered' } });
    await purge();
    expect(await contentOf(ids[0] ?? '')).toEqual([]);
  });

  test('forgets the callback address of a request whose content went early', async () => {
    const id = await request(31, { contentPurgedAt: new Date(), zeroRetention: true });
    await requests().updateOne({ _id: id }, { $unset: { input: '', result: '' } });
    await purge();
    expect(await contentOf(id)).toEqual([]);
    expect((await purge()).purged).toBe(0);
  });

  test('frees an Idempotency-Key a day after its request, together with its fingerprint', async () => {
    const [old, young] = [await request(1.01), await request(0.99)];
    expect(await purge()).toMatchObject({ purged: 0, idempotencyKeysFreed: 1 });
    expect(await contentOf(old)).toEqual(['input', 'result', 'callbackUrl']);
    expect(await contentOf(young)).toEqual(ALL);
    expect((await requests().findOne({ _id: old }))?.fingerprint).toBeUndefined();
  });

  test('goes through more than a batch, stops between batches when told, and finishes next time', async () => {
    const rows = Array.from({ length: 1_100 }, (_, index) => ({
      _id: newId('req', Date.now() - 40 * DAY_MS + index),
      accountId: 'acc_of_nobody',
      keyId: 'key_of_nobody',
      state: 'done' as const,
      settled: true,
      attempt: 1,
      holdMicros: 1n,
      costMicros: 0n,
      input: Buffer.from('the input'),
    }));
    await requests().insertMany(rows as RequestDocument[]);
    const stopped = AbortSignal.abort();
    expect(await purge(stopped)).toMatchObject({ purged: 0 });
    expect(await purge()).toMatchObject({ purged: 1_100 });
    expect(await requests().countDocuments({ accountId: 'acc_of_nobody', input: { $exists: true } })).toBe(0);
  });

  test('done by three processes at once does no harm', async () => {
    const ids = await Promise.all(Array.from({ length: 30 }, () => request(31)));
    const reports = await Promise.all([purge(), purge(), purge()]);
    // A row may be counted by each that met it unpurged; what counts is that none is left.
    expect(reports.reduce((sum, { purged = 0 }) => sum + purged, 0)).toBeGreaterThanOrEqual(30);
    expect(await Promise.all(ids.map(contentOf))).toEqual(Array(30).fill([]));
  });
});

describe('every night', () => {
  let system: System;
  beforeAll(async () => {
    // Node-cron takes seconds: both workers propose the same day's purge every second.
    system = await startSystem(stores, { workers: 2, env: { PURGE_CRON: '* * * * * *', LOG_LEVEL: 'info' } });
  }, 120_000);
  afterAll(() => system.stop());

  const runs = () => system.workers.map(({ process }) => (process.output().match(/counters purged/g) ?? []).length);

  test('the purge proposed by two workers again and again runs once for the day', async () => {
    await eventually(() => expect(runs().reduce((sum, one) => sum + one, 0)).toBe(1), { timeoutMs: 30_000 });
    const redis = createRedis(stores.redisUrl, 'commands', createLogger({ role: 'test', level: 'silent' }));
    await redisReady(redis);
    const producer = createProducer(redis, stores.prefix);
    const day = new Date().toISOString().slice(0, 10);
    for (let repeat = 0; repeat < 20; repeat++)
      await producer.enqueue('purgeContent', { day }, { jobId: `purge-content-${day}` });
    await producer.enqueue('purgeContent', { day: '2000-01-01' }, { jobId: 'purge-content-2000-01-01' });
    // The other day's purge comes after all those repeats: when it has run, they would have.
    await eventually(() => expect(runs().reduce((sum, one) => sum + one, 0)).toBe(2), { timeoutMs: 30_000 });
    await producer.close();
    // What both workers did is told to those who look after the queues.
    await eventually(async () => {
      const states = await inspectQueues(redis, stores.prefix, Date.now());
      const { startedPerMinute = 0, finishedPerMinute = 0 } = states.find(({ queue }) => queue === 'maintenance') ?? {};
      expect(startedPerMinute).toBeGreaterThan(0);
      expect(finishedPerMinute).toBeGreaterThan(0);
    });
    redis.disconnect();
  });

  test('requests that are young or at work are not disturbed', async () => {
    const customer = await system.customer({ rub: 10 });
    const reply = await send(customer, { mode: 'stream', script: 'd=100', text: 'word '.repeat(20) });
    expect(errorOf(reply)).toBeUndefined();
    await waitForQuiet();
    await expectInvariants(system.sandboxUrl);
    expect(await requests().countDocuments({ accountId: customer.accountId, result: { $exists: true } })).toBe(1);
  });
});
