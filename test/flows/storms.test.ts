import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { createAccountWriter, creditAccount, settlementOf } from '../../src/billing/account.ts';
import { flushOutboxes } from '../../src/billing/ledger.ts';
import { createLogger } from '../../src/log.ts';
import { createProducer } from '../../src/queue/enqueue.ts';
import { createRedis, redisReady } from '../../src/redis.ts';
import { accountNow, accountWith, expectSound, holdOn, RUB, silent } from '../billing/teller.ts';
import { eventually } from '../helpers/eventually.ts';
import { expectInvariants, ledger, requests, sandboxCalls, waitForQuiet } from '../helpers/invariants.ts';
import { useStores } from '../helpers/stores.ts';
import { type System, startSystem } from '../helpers/system.ts';
import { errorOf, requestIdOf, send } from '../helpers/traffic.ts';

/**
 * The same thing told again and again, at once and one after another. 500 requests against money for 37, and 100 calls under
 * one Idempotency-Key, are in money.test.ts and idempotency.test.ts.
 */

jest.setTimeout(120_000);
const stores = useStores();
let system: System;
beforeAll(async () => {
  system = await startSystem(stores);
}, 60_000);
afterAll(() => system.stop());

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

test('N2: forty payments, each told ten times in a shuffled order, are forty credits', async () => {
  const accountId = await accountWith(0n);
  const told = Array.from({ length: 400 }, (_, index) => ({
    id: `pay:n2:${accountId}:${index % 40}`,
    order: Math.random(),
  }));
  told.sort((a, b) => a.order - b.order);
  for (let start = 0; start < told.length; start += 50)
    await Promise.all(told.slice(start, start + 50).map(({ id }) => credit(accountId, id)));
  expect((await accountNow(accountId)).availableMicros).toBe(40n * RUB);
  await expectSound(accountId);
});

test('N3: jobs of finished requests that come again and again call nobody and charge nobody', async () => {
  const customer = await system.customer({ rub: 100 });
  const replies = await Promise.all(Array.from({ length: 40 }, () => send(customer, { mode: 'sync' })));
  expect(replies.map(errorOf).filter(Boolean)).toEqual([]);
  await waitForQuiet();
  const before = await sandboxCalls(system.sandboxUrl);
  const redis = createRedis(stores.redisUrl, 'commands', createLogger({ role: 'test', level: 'silent' }));
  await redisReady(redis);
  const producer = createProducer(redis, stores.prefix);
  const ids = replies.map(requestIdOf);
  for (let time = 0; time < 10; time++)
    await Promise.all(
      ids.map((requestId) => producer.enqueue('runRequest', { requestId }, { jobId: `${requestId}-${time}` })),
    );
  await eventually(async () => {
    const { interactive } = await producer.counts();
    expect(interactive.waiting + interactive.active).toBe(0);
  });
  await producer.close();
  redis.disconnect();
  expect((await sandboxCalls(system.sandboxUrl)).calls).toBe(before.calls);
  expect(await ledger().countDocuments({ accountId: customer.accountId, kind: 'charge' })).toBe(40);
  await expectInvariants(system.sandboxUrl);
});

test('N5: one request settled by fifty writers at once is charged once', async () => {
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
