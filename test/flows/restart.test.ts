import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { eventually } from '../helpers/eventually.ts';
import { accounts, expectInvariants, ledger, requests, waitForQuiet } from '../helpers/invariants.ts';
import { useStores } from '../helpers/stores.ts';
import { type Customer, type System, type SystemProcess, startSystem } from '../helpers/system.ts';
import {
  errorOf,
  expectAnswerIsStored,
  expectDelivered,
  PATIENT_TIMERS,
  type Reply,
  requestIdOf,
  send,
  sendUntilAnswered,
  withoutComments,
} from '../helpers/traffic.ts';
import { closeReceivers, type Receiver, startReceiver } from '../webhooks/receiver.ts';

/** Everything may be stopped at any moment, in order or not: money stays, and orderly stops interrupt nobody. */

jest.setTimeout(180_000);
const stores = useStores();
const TEXT = 'said across the restart '.repeat(5);
let system: System;
let receiver: Receiver;
let customer: Customer;
let keys = 0;

beforeEach(async () => {
  receiver = await startReceiver();
  customer = await system.customer({ rub: 300 });
});
afterEach(closeReceivers);

/** So many calls of each mode in turn, started at once. */
function load(rounds: number, api?: SystemProcess): Promise<Reply>[] {
  return Array.from({ length: rounds }, () => [
    send(customer, { mode: 'sync', script: 'w=700', text: TEXT, api }),
    send(customer, {
      mode: 'stream',
      script: 'd=40',
      text: TEXT,
      api,
      idempotencyKey: `order-${++keys}`,
    }),
    send(customer, { mode: 'async', script: 'w=700', text: TEXT, api, callbackUrl: receiver.url }),
  ]).flat();
}

const count = (filter: object) => requests().countDocuments({ accountId: customer.accountId, ...filter });

const someRun = (min: number) =>
  eventually(async () => expect(await count({ state: 'running' })).toBeGreaterThanOrEqual(min), {
    timeoutMs: 30_000,
    intervalMs: 10,
  });

/** I1-I8 of everything stored, and for this customer the sum of what was charged against the balance. */
async function expectBooks(): Promise<void> {
  await waitForQuiet(90_000);
  await expectInvariants(system.sandboxUrl);
  const charges = await ledger().find({ accountId: customer.accountId, kind: 'charge' }).toArray();
  const spent = charges.reduce((sum, { amountMicros }) => sum - amountMicros, 0n);
  expect((await accounts().findOne({ _id: customer.accountId }))?.availableMicros).toBe(300_000_000n - spent);
}

describe('killed all at once under load,', () => {
  beforeAll(async () => {
    // Few places, so that requests are killed in every state: accepted, queued, running, finished.
    const env = { WORKER_CONCURRENCY: '12', WORKER_BACKGROUND_CONCURRENCY: '4' };
    system = await startSystem(stores, { apis: 2, workers: 2, env });
  }, 120_000);
  afterAll(() => system.stop());

  test.each([1, 2])('and started again, money is exact and what was accepted is told (%i)', async (round) => {
    const calls = [...load(8, system.apis.at(-1)), ...load(8, system.apis.at(-2))];
    await someRun(round * 3);
    await Promise.all([...system.apis.splice(0), ...system.workers.splice(0)].map((one) => one.kill()));
    const replies = await Promise.all(calls);
    await Promise.all([system.startApi(), system.startApi(), system.startWorker(), system.startWorker()]);
    await expectBooks();
    for (const reply of replies.filter(({ complete }) => complete)) await expectAnswerIsStored(customer, reply);
    await expectDelivered(customer, receiver.received, 90_000);
    // Clients with a key come back: to the answer, or to the one failure of their one request.
    for (const { call } of replies.filter(({ call, complete }) => call.idempotencyKey !== undefined && !complete)) {
      const again = await sendUntilAnswered(customer, { ...call, api: system.apis.at(-1) });
      expect([undefined, 'interrupted', 'unavailable', 'cancelled']).toContain(errorOf(again));
    }
    await expectBooks();
  });
});

describe('stopped in order,', () => {
  beforeAll(async () => {
    system = await startSystem(stores, { apis: 2, workers: 1, env: PATIENT_TIMERS });
  }, 120_000);
  afterAll(() => system.stop());

  test('a worker finishes what it runs and leaves the rest to another: nobody is interrupted', async () => {
    const leaving = system.workers.at(-1);
    const calls = load(10);
    await someRun(10);
    await system.startWorker();
    calls.push(...load(5));
    expect(await leaving?.terminate()).toBe(0);
    const replies = await Promise.all(calls);
    expect(replies.map(errorOf).filter((code) => code !== undefined)).toEqual([]);
    await expectBooks();
    expect(await count({ state: 'done' })).toBe(45);
    expect(await expectDelivered(customer, receiver.received)).toHaveLength(15);
  });

  test('an api process finishes its open answers, then ends with 0', async () => {
    const leaving = await system.startApi();
    const calls = load(6, leaving);
    await someRun(12);
    expect(await leaving.terminate()).toBe(0);
    system.apis.pop();
    const replies = await Promise.all(calls);
    expect(replies.map(errorOf).filter((code) => code !== undefined)).toEqual([]);
    for (const reply of replies) await expectAnswerIsStored(customer, reply);
    await expectBooks();
  });

  test('a stream longer than the grace is told where to go on, and goes on there without a gap', async () => {
    const leaving = await system.startApi({ API_DRAIN_MS: '700', STOP_GRACE_MS: '12000' });
    const call = { mode: 'stream', script: 'd=150', text: TEXT, api: leaving } as const;
    const streaming = send(customer, { ...call, headers: { 'x-on-disconnect': 'finish' } });
    await someRun(1);
    expect(await leaving.terminate()).toBe(0);
    system.apis.pop();
    const cut = await streaming;
    expect(errorOf(cut)).toBe('unavailable');
    const { error } = JSON.parse(/^data: (.*"resume".*)$/m.exec(cut.body)?.[1] ?? '{}') as {
      error?: { resume: string };
    };
    const rest = await (await customer.fetch(error?.resume ?? '')).text();
    const events = (text: string) => withoutComments(text).match(/^id: \d+\ndata: .*$/gm) ?? [];
    const whole = await (await customer.fetch(`/v1/requests/${requestIdOf(cut)}/stream`)).text();
    expect([...events(cut.body), ...events(rest)]).toEqual(events(whole));
    expect(whole).toContain('[DONE]');
    await expectBooks();
    expect(await count({ state: 'done' })).toBe(1);
  });

  test('a worker whose request outlasts the grace ends with 0 in time and tells the client at once', async () => {
    await Promise.all(system.workers.splice(0).map((worker) => worker.terminate()));
    const leaving = await system.startWorker({ WORKER_DRAIN_MS: '1000', STOP_GRACE_MS: '8000' });
    const calls = [
      send(customer, { mode: 'stream', script: 'd=300', text: TEXT }),
      send(customer, { mode: 'sync', script: 'w=15000', text: TEXT }),
    ];
    await someRun(2);
    const startedMs = Date.now();
    expect(await leaving.terminate()).toBe(0);
    expect(Date.now() - startedMs).toBeLessThan(8_000);
    const replies = await Promise.all(calls);
    expect(replies.map(errorOf)).toEqual(['interrupted', 'interrupted']);
    await system.startWorker();
    await expectBooks();
    expect(await count({ state: 'failed' })).toBe(2);
  });

  test('all of it, in order, ends with 0 everywhere and leaves nothing open', async () => {
    const calls = load(4);
    await someRun(8);
    const codes = await Promise.all(
      [...system.apis.splice(0), ...system.workers.splice(0)].map((one) => one.terminate()),
    );
    expect(codes.filter((code) => code !== 0)).toEqual([]);
    await Promise.all(calls);
    await Promise.all([system.startApi(), system.startWorker()]);
    await expectBooks();
    expect(await expectDelivered(customer, receiver.received)).toHaveLength(4);
  });
});
