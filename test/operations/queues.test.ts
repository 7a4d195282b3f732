import { afterAll, beforeAll, expect, it, test } from '@jest/globals';
import { createAuditLog } from '../../src/audit/append.ts';
import { createAccountWriter } from '../../src/billing/account.ts';
import { newId } from '../../src/ids.ts';
import { AuditEntry } from '../../src/models/audit-entry.ts';
import type { RequestDocument } from '../../src/models/request.ts';
import { createPerform } from '../../src/operations/perform.ts';
import { createProducer, type Producer } from '../../src/queue/enqueue.ts';
import { type FailedJobs, openFailedJobs } from '../../src/queue/failed-jobs.ts';
import { inspectQueues } from '../../src/queue/inspect.ts';
import { createRedis, redisReady } from '../../src/redis.ts';
import { sweepRequests } from '../../src/requests/sweep.ts';
import { createRequestWriter } from '../../src/requests/writer.ts';
import { seedFailedJobs } from '../admin/seed-jobs.ts';
import { accountNow, accountWith, holdOn, RUB } from '../billing/teller.ts';
import { requests } from '../helpers/invariants.ts';
import { useStores } from '../helpers/stores.ts';
import { log } from '../stream/redis.ts';
import { dependencies, person, reason } from './desk.ts';

const stores = useStores();
const redis = createRedis(process.env.TEST_REDIS_URL ?? '', 'commands', log);
const accounts = createAccountWriter();
let failedJobs: FailedJobs;
let producer: Producer;
let perform: ReturnType<typeof createPerform>;

beforeAll(async () => {
  await redisReady(redis);
  failedJobs = openFailedJobs(redis, stores.prefix);
  producer = createProducer(redis, stores.prefix);
  perform = createPerform(createAuditLog(Buffer.alloc(32, 7)), { ...dependencies, failedJobs });
});
afterAll(async () => {
  await failedJobs.close();
  await producer.close();
  redis.disconnect();
});

const counts = async (queue: string) =>
  (await inspectQueues(redis, stores.prefix, Date.now())).find((one) => one.queue === queue);

/** A request with its money held, whose job failed and is kept. */
async function heldAndFailed(): Promise<{ accountId: string; requestId: string }> {
  const accountId = await accountWith(10n);
  const hold = holdOn(accountId, { amountMicros: 4n * RUB });
  await accounts.hold(hold);
  const { requestId, keyId, amountMicros, at } = hold;
  const row: Partial<RequestDocument> & { _id: string } = {
    _id: requestId,
    accountId,
    keyId,
    mode: 'async',
    state: 'accepted',
    attempt: 0,
    settled: false,
    watchers: 0,
    zeroRetention: false,
    holdMicros: amountMicros,
    createdAt: at,
    deadlineAt: new Date(Date.now() + 3_600_000),
  };
  await requests().insertOne(row as RequestDocument & { _id: string });
  await seedFailedJobs(stores, [{ key: 'runBackgroundRequest', data: { requestId }, jobId: requestId }]);
  return { accountId, requestId };
}

const sweepLater = () =>
  sweepRequests(Date.now() + 600_000, {
    accounts,
    writer: createRequestWriter({ worker: newId('wrk'), leaseMs: 2_000 }),
    producer,
    notify: async () => undefined,
    isHeard: async () => true,
    log,
    settings: { acceptedMs: 1_000, settleMs: 1_000 },
  });

it('drains a failed request without its money: the sweeper enqueues it again', async () => {
  const { accountId, requestId } = await heldAndFailed();
  const held = { availableMicros: 6n * RUB, open: 1 };
  // A kept job holds the place of a new one: nothing waits.
  await sweepLater();
  expect(await counts('background')).toMatchObject({ waiting: 0, failed: 1 });
  const who = person('operator');
  const command = { name: 'queues.drain-failed', targetId: 'background', input: { reason } } as const;
  expect(await perform(who, command)).toEqual({ counts: { taken: 1, left: 0 } });
  expect(await accountNow(accountId)).toMatchObject(held);
  await sweepLater();
  expect(await counts('background')).toMatchObject({ waiting: 1, failed: 0 });
  expect(await redis.hget(`${stores.prefix}:q:background:${requestId}`, 'data')).toBe(JSON.stringify({ requestId }));
  expect(await accountNow(accountId)).toMatchObject(held);
  expect(await AuditEntry.find({ actorId: who.staffId }).sort({ _id: 1 }).lean()).toMatchObject([
    { action: 'queues.drain-failed', targetId: 'background', outcome: 'begun', reason },
    { action: 'queues.drain-failed', targetId: 'background', outcome: 'done', reason: 'taken: 1; left: 0' },
  ]);
});

it('retries one failed job, or all of a queue, and tells what cannot be', async () => {
  await seedFailedJobs(stores);
  const targetId = 'maintenance/purge-content-2026-11-25';
  const retry = { name: 'queues.retry-job', targetId, input: { reason } } as const;
  await perform(person('admin'), retry);
  expect(await counts('maintenance')).toMatchObject({ waiting: 1, failed: 0 });
  await expect(perform(person('operator'), retry)).rejects.toMatchObject({ code: 'state_conflict' });
  const none = { ...retry, targetId: 'maintenance/none' };
  await expect(perform(person('operator'), none)).rejects.toMatchObject({ code: 'not_found' });
  const all = { name: 'queues.retry-failed', targetId: 'webhooks', input: { reason } } as const;
  expect(await perform(person('operator'), all)).toEqual({ counts: { taken: 0, left: 0 } });
});

test.each(['', 'payments', 'maintenance/', 'maintenance/a:b', 'maintenance/a/b', '../webhooks/1'])(
  '%j is no job of a queue',
  async (targetId) => {
    const retry = { name: 'queues.retry-job', targetId, input: { reason } } as const;
    await expect(perform(person('admin'), retry)).rejects.toMatchObject({ code: 'not_found' });
  },
);
