import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { parseRub } from '../../src/money.ts';
import { accounts, expectInvariants, ledger, requests, sandboxCalls, waitForQuiet } from '../helpers/invariants.ts';
import { useStores } from '../helpers/stores.ts';
import { type Customer, type System, startSystem } from '../helpers/system.ts';
import { errorOf, PATIENT_TIMERS, type Reply, requestIdOf, send, sendUntilAnswered } from '../helpers/traffic.ts';

/** Money as customers see it: never overspent, exact to the micro-ruble, the same on every api process. */

jest.setTimeout(180_000);
const stores = useStores();
let system: System;
beforeAll(async () => {
  // Hundreds at once: with a shorter deadline a slow machine's queue would be estimated as too long for some of them.
  const env = { ...PATIENT_TIMERS, REQUEST_DEADLINE_MS: '600000' };
  system = await startSystem(stores, { apis: 2, workers: 2, env });
}, 120_000);
afterAll(() => system.stop());

async function settled(): Promise<void> {
  await waitForQuiet();
  await expectInvariants(system.sandboxUrl);
}

async function balanceMicros({ accountId }: Customer): Promise<bigint> {
  return (await accounts().findOne({ _id: accountId }))?.availableMicros ?? -1n;
}

/** So many calls at once, in turn on the two api processes, each repeated while the answer is a 503, as SDKs do. */
function atOnce(customer: Customer, count: number, mode: 'sync' | 'stream' = 'sync'): Promise<Reply[]> {
  return Promise.all(
    Array.from({ length: count }, (_, index) =>
      sendUntilAnswered(customer, { mode, model: 'test/one-ruble', api: system.apis[index % 2] }),
    ),
  );
}

/** How many got which answer: `200`, `402 insufficient_balance`. */
function answersOf(replies: readonly Reply[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const reply of replies) {
    const name = reply.complete ? `${reply.status} ${errorOf(reply) ?? ''}`.trim() : 'broken';
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

type Receipt = { held: string; charged: string; released: string; usage_source: string; under_review: boolean };

async function receiptOf(customer: Customer, reply: Reply): Promise<Receipt> {
  const answer = await customer.fetch(`/v1/requests/${requestIdOf(reply)}`);
  return ((await answer.json()) as { receipt: Receipt }).receipt;
}

test('of 500 calls at once against money for 37, exactly 37 are admitted and 463 are told so', async () => {
  const customer = await system.customer({ rub: 37 });
  const replies = await atOnce(customer, 500);
  expect(answersOf(replies)).toEqual({ '200': 37, '402 insufficient_balance': 463 });
  await settled();
  expect(await balanceMicros(customer)).toBe(0n);
  expect(await ledger().countDocuments({ accountId: customer.accountId, kind: 'charge' })).toBe(37);
  expect(await requests().countDocuments({ accountId: customer.accountId, state: 'done' })).toBe(37);
});

test('a balance of zero pays for nothing: refused with the amounts, and no provider is called', async () => {
  const customer = await system.customer({ rub: 0 });
  const before = (await sandboxCalls(system.sandboxUrl)).calls;
  const replies = [...(await atOnce(customer, 10)), ...(await atOnce(customer, 10, 'stream'))];
  expect(answersOf(replies)).toEqual({ '402 insufficient_balance': 20 });
  expect(JSON.parse(replies[0]?.body ?? '')).toMatchObject({
    error: { code: 'insufficient_balance', available: '0', held_by_running: '0', needed: '1', currency: 'RUB' },
  });
  await settled();
  expect((await sandboxCalls(system.sandboxUrl)).calls).toBe(before);
});

test('one hot account with enough money, used by two api processes at once, is charged for every call exactly once', async () => {
  const customer = await system.customer({ rub: 400 });
  const replies = (await Promise.all([atOnce(customer, 150), atOnce(customer, 150, 'stream')])).flat();
  expect(answersOf(replies)).toEqual({ '200': 300 });
  await settled();
  expect(await balanceMicros(customer)).toBe(100_000_000n);
});

describe('what is charged is exact:', () => {
  // Of 1000 prompt tokens 400 were cached, of 500 completion tokens 200 were reasoning; rubles per million tokens.
  const script = 'prompt=1000,completion=500,cached=400,reasoning=200';
  const costMicros = 600n * 100n + 400n * 50n + 300n * 400n + 200n * 500n;
  const text = 'word '.repeat(1_200);

  test.each(['sync', 'stream'] as const)('cached and reasoning tokens at their own prices (%s)', async (mode) => {
    const customer = await system.customer({ rub: 10 });
    const reply = await send(customer, { mode, script, text, outputTokens: 500 });
    expect(errorOf(reply)).toBeUndefined();
    await settled();
    const receipt = await receiptOf(customer, reply);
    expect(parseRub(receipt.charged)).toBe(costMicros);
    expect((parseRub(receipt.held) ?? 0n) - costMicros).toBe(parseRub(receipt.released));
    expect(reply.headers.get('x-hold-rub')).toBe(receipt.held);
    expect(receipt).toMatchObject({ usage_source: 'provider', under_review: false });
    expect(await balanceMicros(customer)).toBe(10_000_000n - costMicros);
  });

  test('a call that fails gives the whole hold back', async () => {
    const customer = await system.customer({ rub: 10 });
    // A model of its own for each mode: three failures of one route do not open its breaker, in whichever worker they fall.
    const modes = { sync: 'test/echo', stream: 'test/lorem' } as const;
    for (const [mode, model] of Object.entries(modes) as ['sync' | 'stream', string][]) {
      for (const fault of ['500', 'reset', 'error-body']) {
        const reply = await send(customer, { mode, model, script: `fault=${fault}` });
        expect(errorOf(reply)).toBe('provider_error');
      }
    }
    await settled();
    expect(await balanceMicros(customer)).toBe(10_000_000n);
  });

  test('usage that is negative, absurd or not a number never adds money and never takes more than the hold', async () => {
    for (const fault of ['usage-negative', 'usage-huge', 'usage-infinite', 'usage-nan', 'usage-fraction']) {
      const customer = await system.customer({ rub: 10 });
      const reply = await send(customer, { mode: 'sync', script: `fault=${fault}` });
      expect(errorOf(reply)).toBeUndefined();
      await waitForQuiet();
      const receipt = await receiptOf(customer, reply);
      expect(receipt).toMatchObject({ usage_source: 'estimated', under_review: true });
      const left = await balanceMicros(customer);
      expect(left).toBeLessThanOrEqual(10_000_000n);
      expect(10_000_000n - left).toBeLessThanOrEqual(parseRub(receipt.held) ?? 0n);
    }
    await settled();
  });

  test('usage beyond the hold is charged up to the hold and put on review', async () => {
    const customer = await system.customer({ rub: 10 });
    const reply = await send(customer, { mode: 'sync', script: 'prompt=90000,completion=9000' });
    await settled();
    const receipt = await receiptOf(customer, reply);
    expect([receipt.charged, receipt.released, receipt.under_review]).toEqual([receipt.held, '0', true]);
  });
});

test('while holds are open, what is available and what is held add up to what was there', async () => {
  const customer = await system.customer({ rub: 10 });
  const running = Array.from({ length: 6 }, () =>
    send(customer, { mode: 'sync', model: 'test/one-ruble', script: 'w=1500' }),
  );
  const seen = [];
  const answered = Promise.all(running).then(() => true);
  while (!(await Promise.race([answered, new Promise((resolve) => setTimeout(() => resolve(false), 50))]))) {
    const account = await accounts().findOne({ _id: customer.accountId });
    const charged = BigInt((account?.outbox.filter(({ kind }) => kind === 'charge').length ?? 0) * 1_000_000);
    const flushed = await ledger().countDocuments({ accountId: customer.accountId, kind: 'charge' });
    seen.push(account?.open);
    if (charged === 0n && flushed === 0)
      expect((account?.availableMicros ?? 0n) + (account?.heldMicros ?? 0n)).toBe(10_000_000n);
  }
  expect(Math.max(...seen.map((open) => open ?? 0))).toBe(6);
  await settled();
  expect(await balanceMicros(customer)).toBe(4_000_000n);
});
