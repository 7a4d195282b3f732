import { writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, expect, jest, test } from '@jest/globals';
import { createAccountWriter, settlementOf } from '../../src/billing/account.ts';
import { creditAccount } from '../../src/billing/credit.ts';
import { flushOutboxes } from '../../src/billing/ledger.ts';
import { createLogger } from '../../src/log.ts';
import { createProducer } from '../../src/queue/enqueue.ts';
import { createRedis, redisReady } from '../../src/redis.ts';
import { storeRequest } from '../billing/books.ts';
import { accountNow, accountWith, expectSound, holdOn, RUB, settlementFor, silent } from '../billing/teller.ts';
import { eventually } from '../helpers/eventually.ts';
import { expectInvariants, ledger, requests, sandboxCalls, waitForQuiet } from '../helpers/invariants.ts';
import { seeded } from '../helpers/seeded.ts';
import { useStores } from '../helpers/stores.ts';
import { type Customer, type System, startSystem } from '../helpers/system.ts';
import { errorOf, PATIENT_TIMERS, type Reply, requestIdOf, send } from '../helpers/traffic.ts';
import { atOnce, type Order } from './teller-process.ts';

/**
 * The same thing told again and again, at once and one after another. 500 requests against money for 37 over HTTP, and 100
 * calls under one Idempotency-Key, are in money.test.ts and idempotency.test.ts. `npm run storms` raises larger ones.
 */

const FULL = process.env.STORMS === 'full';
const SIZES = FULL
  ? { payments: 200, timesPaid: 100, requests: 1_000, timesQueued: 100, processes: 10 }
  : { payments: 40, timesPaid: 10, requests: 40, timesQueued: 10, processes: 2 };
const AT_ONCE = 50;
const STORM_MS_MAX = FULL ? 3_600_000 : 120_000;

jest.setTimeout(STORM_MS_MAX);
const stores = useStores();
let system: System;
beforeAll(async () => {
  system = await startSystem(stores, { env: PATIENT_TIMERS });
}, 60_000);
afterAll(() => system.stop());

const storms: { name: string; seconds: number }[] = [];
let startedMs = 0;
beforeEach(() => {
  startedMs = Date.now();
});
afterEach(() => {
  const { currentTestName = '' } = expect.getState();
  storms.push({ name: currentTestName, seconds: (Date.now() - startedMs) / 1_000 });
  if (process.env.STORMS_REPORT) writeFileSync(process.env.STORMS_REPORT, JSON.stringify(storms));
});

const credit = (accountId: string, entryId: string, amountMicros = RUB) =>
  creditAccount({ accountId, entryId, amountMicros, kind: 'top_up' });

test('N1: one payment told a hundred times at once and a hundred times after that is one credit', async () => {
  const accountId = await accountWith(0n);
  const atOnce = await Promise.all(Array.from({ length: 100 }, () => credit(accountId, `pay:n1:${accountId}`)));
  expect(atOnce.filter(Boolean)).toHaveLength(1);
  await flushOutboxes([accountId], silent);
  for (let time = 0; time < 100; time++) expect(await credit(accountId, `pay:n1:${accountId}`)).toBe(false);
  expect((await accountNow(accountId)).availableMicros).toBe(RUB);
  await expectSound(accountId);
});

test(`N2: ${SIZES.payments} payments, each told ${SIZES.timesPaid} times in a shuffled order, are as many credits`, async () => {
  const accountId = await accountWith(0n);
  const { integer } = seeded(2);
  const told = Array.from({ length: SIZES.payments * SIZES.timesPaid }, (_, index) => ({
    id: `pay:n2:${accountId}:${index % SIZES.payments}`,
    order: integer(0, 1e9),
  }));
  told.sort((a, b) => a.order - b.order);
  let credited = 0;
  for (let start = 0; start < told.length; start += AT_ONCE) {
    const some = await Promise.all(told.slice(start, start + AT_ONCE).map(({ id }) => credit(accountId, id)));
    credited += some.filter(Boolean).length;
    // What is remembered of a credit moves from the account to the ledger meanwhile.
    if (start % (10 * AT_ONCE) === 0) await flushOutboxes([accountId], silent);
  }
  expect(credited).toBe(SIZES.payments);
  expect((await accountNow(accountId)).availableMicros).toBe(BigInt(SIZES.payments) * RUB);
  await expectSound(accountId);
});

/** So many answers. A machine that is busy with other work may refuse some requests at once; others come in their stead. */
async function answered(customer: Customer, count: number): Promise<Reply[]> {
  const replies: Reply[] = [];
  while (replies.length < count) {
    const some = await Promise.all(Array.from({ length: 40 }, () => send(customer, { mode: 'sync' })));
    expect(some.map(errorOf).filter((code) => code !== undefined && code !== 'overloaded')).toEqual([]);
    replies.push(...some.filter((reply) => errorOf(reply) === undefined));
  }
  return replies;
}

test(`N3: jobs of ${SIZES.requests} finished requests that come ${SIZES.timesQueued} times more call nobody and charge nobody`, async () => {
  const customer = await system.customer({ rub: 100 });
  const replies = await answered(customer, SIZES.requests);
  await waitForQuiet();
  const before = await sandboxCalls(system.sandboxUrl);
  const redis = createRedis(stores.redisUrl, 'commands', createLogger({ role: 'test', level: 'silent' }));
  await redisReady(redis);
  const producer = createProducer(redis, stores.prefix);
  const ids = replies.map(requestIdOf);
  try {
    for (let time = 0; time < SIZES.timesQueued; time++)
      await Promise.all(
        ids.map((requestId) => producer.enqueue('runRequest', { requestId }, { jobId: `${requestId}-${time}` })),
      );
    await eventually(
      async () => {
        const { interactive } = await producer.counts();
        expect(interactive.waiting + interactive.active).toBe(0);
      },
      { timeoutMs: STORM_MS_MAX - 30_000 },
    );
  } finally {
    await producer.close();
    redis.disconnect();
  }
  expect((await sandboxCalls(system.sandboxUrl)).calls).toBe(before.calls);
  expect(await ledger().countDocuments({ accountId: customer.accountId, kind: 'charge' })).toBe(replies.length);
  await expectInvariants(system.sandboxUrl);
});

const orderOf = (order: Partial<Order>): Order => ({
  mongoUri: stores.mongoUri,
  database: stores.database,
  holds: [],
  settlements: [],
  ...order,
});

test(`N4: of 500 holds at once by ${SIZES.processes} processes, on an account with money for 37, exactly 37 succeed`, async () => {
  const accountId = await accountWith(37n);
  const orders = Array.from({ length: SIZES.processes }, () =>
    orderOf({ holds: Array.from({ length: 500 / SIZES.processes }, () => holdOn(accountId)) }),
  );
  const held = await atOnce(orders);
  expect(held.reduce((sum, own) => sum + own, 0)).toBe(37);
  const { availableMicros, heldMicros, open, holds } = await accountNow(accountId);
  expect([availableMicros, heldMicros, open, Object.keys(holds).length]).toEqual([0n, 37n * RUB, 37, 37]);
  await expectSound(accountId);
});

test(`N5: one hold settled and released by fifty writers of ${SIZES.processes} processes at once is closed once, in one way`, async () => {
  const accountId = await accountWith(10n);
  const [hold, ...others] = Array.from({ length: 5 }, () => holdOn(accountId));
  if (!hold) throw new Error('no hold');
  for (const one of [hold, ...others]) await createAccountWriter().hold(one);
  await storeRequest(hold, 300_000n);
  const settled = settlementFor(hold, 300_000n);
  const writers = Math.ceil(50 / SIZES.processes);
  const orders = Array.from({ length: SIZES.processes }, () =>
    orderOf({
      settlements: Array.from({ length: writers }, (_, index) =>
        index % 2 === 0 ? settled : { ...settled, costMicros: 0n },
      ),
      // The account is busy with others meanwhile.
      holds: [holdOn(accountId, { amountMicros: 1n })],
    }),
  );
  await atOnce(orders);
  await flushOutboxes([accountId], silent);
  const charges = await ledger().find({ accountId, kind: 'charge' }).toArray();
  expect(charges.length).toBeLessThanOrEqual(1);
  const { availableMicros, heldMicros, open } = await accountNow(accountId);
  expect([heldMicros, open]).toEqual([4n * RUB + BigInt(SIZES.processes), 4 + SIZES.processes]);
  expect(availableMicros + heldMicros).toBe(10n * RUB - (charges.length === 1 ? 300_000n : 0n));
  await expectSound(accountId);
});

test('N5: one request settled by fifty writers of one process at once is charged once', async () => {
  const accountId = await accountWith(10n);
  const hold = holdOn(accountId);
  await createAccountWriter().hold(hold);
  const row = { _id: hold.requestId, accountId, keyId: hold.keyId, holdMicros: hold.amountMicros, createdAt: hold.at };
  const settlement = settlementOf({ ...row, costMicros: 300_000n });
  await Promise.all(Array.from({ length: 50 }, () => createAccountWriter().settle(settlement)));
  await flushOutboxes([accountId], silent);
  await createAccountWriter().settle(settlement);
  expect(await ledger().countDocuments({ accountId, kind: 'charge' })).toBe(1);
  expect((await accountNow(accountId)).availableMicros).toBe(9_700_000n);
  await expectSound(accountId);
  expect(await requests().countDocuments({ _id: hold.requestId })).toBe(0);
});
