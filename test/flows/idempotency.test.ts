import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { creditAccount } from '../../src/billing/credit.ts';
import { newId } from '../../src/ids.ts';
import { eventually } from '../helpers/eventually.ts';
import { expectInvariants, ledger, requests, sandboxCalls, waitForQuiet } from '../helpers/invariants.ts';
import { useStores } from '../helpers/stores.ts';
import { type Customer, type System, startSystem } from '../helpers/system.ts';
import {
  type Call,
  errorOf,
  expectDelivered,
  PATIENT_TIMERS,
  type Reply,
  requestIdOf,
  send,
  sendUntilAnswered,
  withoutComments,
} from '../helpers/traffic.ts';
import { closeReceivers, startReceiver } from '../webhooks/receiver.ts';

/** An Idempotency-Key makes one request of any number of calls, at once or later, on any api process. */

jest.setTimeout(180_000);
const stores = useStores();
let system: System;
let customer: Customer;
beforeAll(async () => {
  system = await startSystem(stores, { apis: 2, workers: 2, env: PATIENT_TIMERS });
  customer = await system.customer({ rub: 1_000 });
}, 120_000);
afterAll(async () => {
  await closeReceivers();
  await system.stop();
});

let keys = 0;
const newKey = () => `order-${++keys}`;

async function settled(): Promise<void> {
  await waitForQuiet();
  await expectInvariants(system.sandboxUrl);
}

const atOnce = (count: number, call: Call) =>
  Promise.all(
    Array.from({ length: count }, (_, index) => sendUntilAnswered(customer, { ...call, api: system.apis[index % 2] })),
  );

const replayed = (replies: readonly Reply[]) =>
  replies.filter((reply) => reply.headers.get('idempotency-replayed') === 'true').length;

const rowsOf = (idemKey: string) => requests().find({ idemKey }).toArray();

/** One row, one call of the provider and at most one charge; all replies name it and carry the same bytes. */
async function expectOne(idempotencyKey: string, replies: readonly Reply[]): Promise<void> {
  expect(new Set(replies.map((reply) => withoutComments(reply.body))).size).toBe(1);
  expect(new Set(replies.map(requestIdOf)).size).toBe(1);
  await settled();
  const rows = await rowsOf(idempotencyKey);
  expect(rows.map(({ _id }) => _id)).toEqual([replies[0] && requestIdOf(replies[0])]);
  const calls = await fetch(`${system.sandboxUrl}/sandbox/calls?request_id=${rows[0]?._id}`);
  expect(await calls.json()).toMatchObject({ count: 1 });
  expect(await ledger().countDocuments({ requestId: rows[0]?._id ?? '' })).toBe(
    (rows[0]?.costMicros ?? 0n) > 0n ? 1 : 0,
  );
}

describe.each(['sync', 'stream'] as const)('a hundred calls at once under one key (%s)', (mode) => {
  test('are one provider call and one charge, with the same bytes for all', async () => {
    const idempotencyKey = newKey();
    const text = `one answer for a hundred: ${'привет '.repeat(10)}`;
    const replies = await atOnce(100, { mode, idempotencyKey, script: 'd=20,w=300', text });
    expect(replies.map(errorOf)).toEqual(Array(100).fill(undefined));
    expect(replayed(replies)).toBe(99);
    await expectOne(idempotencyKey, replies);
  });

  test('and once more after it has finished replay it from what is kept', async () => {
    const idempotencyKey = newKey();
    const call: Call = { mode, idempotencyKey, text: 'kept' };
    const first = await sendUntilAnswered(customer, call);
    await settled();
    const { calls } = await sandboxCalls(system.sandboxUrl);
    const later = await atOnce(6, call);
    expect(replayed(later)).toBe(6);
    expect((await sandboxCalls(system.sandboxUrl)).calls).toBe(calls);
    await expectOne(idempotencyKey, [first, ...later]);
  });

  test('that come while it runs wait for its answer instead of a 409', async () => {
    const idempotencyKey = newKey();
    const call: Call = { mode, idempotencyKey, script: 'd=100,w=2000', text: 'slowly '.repeat(20) };
    const first = send(customer, { ...call, api: system.apis[0] });
    await eventually(async () => expect((await rowsOf(idempotencyKey))[0]?.state).toBe('running'), {
      timeoutMs: 30_000,
    });
    const others = await atOnce(4, call);
    expect(others.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    await expectOne(idempotencyKey, [await first, ...others]);
  });
});

describe('the same key', () => {
  test('with a different body is refused with 422, while it runs and afterwards', async () => {
    const idempotencyKey = newKey();
    const first = send(customer, { mode: 'sync', idempotencyKey, text: 'one', script: 'w=800' });
    await eventually(async () => expect(await rowsOf(idempotencyKey)).toHaveLength(1), { timeoutMs: 30_000 });
    const other: Call = { mode: 'sync', idempotencyKey, text: 'two' };
    const during = await sendUntilAnswered(customer, other);
    expect([during.status, errorOf(during)]).toEqual([422, 'idempotency_mismatch']);
    expect(errorOf(await first)).toBeUndefined();
    const after = await sendUntilAnswered(customer, other);
    expect([after.status, errorOf(after)]).toEqual([422, 'idempotency_mismatch']);
    const asStream = await sendUntilAnswered(customer, { ...other, mode: 'stream', text: 'one' });
    expect(asStream.status).toBe(422);
    await settled();
  });

  test('of another account is another request', async () => {
    const idempotencyKey = newKey();
    const other = await system.customer();
    const call: Call = { mode: 'sync', idempotencyKey, text: 'mine' };
    const [mine, theirs] = [await sendUntilAnswered(customer, call), await sendUntilAnswered(other, call)];
    expect(requestIdOf(mine)).not.toBe(requestIdOf(theirs));
    expect([replayed([mine]), replayed([theirs])]).toEqual([0, 0]);
    expect((await rowsOf(idempotencyKey)).map(({ accountId }) => accountId).sort()).toEqual(
      [customer.accountId, other.accountId].sort(),
    );
    await settled();
  });

  test('whose request was refused with 402 works again after topping up', async () => {
    const idempotencyKey = newKey();
    const poor = await system.customer({ rub: 0 });
    const call: Call = { mode: 'sync', model: 'test/one-ruble', idempotencyKey };
    for (const reply of await Promise.all(Array.from({ length: 10 }, () => sendUntilAnswered(poor, call))))
      expect(errorOf(reply)).toBe('insufficient_balance');
    await creditAccount({
      accountId: poor.accountId,
      entryId: newId('pay'),
      amountMicros: 1_000_000n,
      kind: 'top_up',
    });
    const replies = await Promise.all(Array.from({ length: 10 }, () => sendUntilAnswered(poor, call)));
    expect(replies.map(errorOf)).toEqual(Array(10).fill(undefined));
    expect(new Set(replies.map(({ body }) => body)).size).toBe(1);
    await settled();
    expect(await requests().countDocuments({ accountId: poor.accountId, state: 'done' })).toBe(1);
  });

  test.each(['sync', 'stream'] as const)(
    'of a failed request replays the failure and calls nobody (%s)',
    async (mode) => {
      const idempotencyKey = newKey();
      const call: Call = { mode, idempotencyKey, script: mode === 'sync' ? 'fault=500' : 'fault=cut,after=2,n=6' };
      const first = await send(customer, call);
      expect(errorOf(first)).toBe(mode === 'sync' ? 'provider_error' : 'interrupted');
      const again = await atOnce(4, call);
      expect(replayed(again)).toBe(4);
      expect(again.map(({ status }) => status)).toEqual(Array(4).fill(first.status));
      await expectOne(idempotencyKey, [first, ...again]);
    },
  );
});

test('asynchronous calls under one key are one request, accepted alike and called back once', async () => {
  const receiver = await startReceiver();
  const idempotencyKey = newKey();
  const call: Call = { mode: 'async', idempotencyKey, text: 'later', callbackUrl: receiver.url };
  const replies = await atOnce(40, call);
  expect(replies.map(({ status }) => status)).toEqual(Array(40).fill(202));
  expect(replayed(replies)).toBe(39);
  await expectOne(idempotencyKey, replies);
  expect(await expectDelivered(customer, receiver.received)).toEqual([1]);
  const late = await sendUntilAnswered(customer, call);
  expect([late.status, late.body]).toEqual([202, replies[0]?.body]);
});

test.each(['sync', 'stream'] as const)(
  'without retention the answer is given once, and then said to be gone (%s)',
  async (mode) => {
    const idempotencyKey = newKey();
    const call: Call = { mode, idempotencyKey, headers: { 'x-zero-retention': 'true' }, text: 'unkept' };
    const first = await send(customer, call);
    expect(errorOf(first)).toBeUndefined();
    await settled();
    const again = await sendUntilAnswered(customer, call);
    expect([again.status, errorOf(again), replayed([again])]).toEqual([409, 'result_not_retained', 1]);
    const [row] = await rowsOf(idempotencyKey);
    expect([row?.input, row?.result]).toEqual([undefined, undefined]);
    expect(await ledger().countDocuments({ requestId: row?._id ?? '' })).toBe(1);
  },
);

test('calls without a key are requests of their own', async () => {
  const before = await requests().countDocuments({ accountId: customer.accountId });
  const replies = await atOnce(5, { mode: 'sync', text: 'the same' });
  expect(new Set(replies.map(requestIdOf)).size).toBe(5);
  expect(await requests().countDocuments({ accountId: customer.accountId })).toBeGreaterThanOrEqual(before + 5);
  await settled();
});
