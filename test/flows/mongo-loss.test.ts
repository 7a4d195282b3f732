import { afterAll, beforeAll, beforeEach, expect, jest, test } from '@jest/globals';
import { eventually } from '../helpers/eventually.ts';
import { expectInvariants, ledger, requests, waitForQuiet } from '../helpers/invariants.ts';
import { useStores } from '../helpers/stores.ts';
import { type Customer, type System, startSystem } from '../helpers/system.ts';
import { startTcpProxy, type TcpProxy } from '../helpers/tcp-proxy.ts';
import {
  errorOf,
  expectAnswerIsStored,
  expectDelivered,
  PATIENT_TIMERS,
  type Reply,
  requestIdOf,
  send,
  sendUntilAnswered,
} from '../helpers/traffic.ts';
import { closeReceivers, type Receiver, startReceiver } from '../webhooks/receiver.ts';

/** MongoDB goes away and comes back, in every way a line can fail: typed 503s meanwhile, nothing lost, nothing doubled. */

jest.setTimeout(180_000);
const stores = useStores();
let proxy: TcpProxy;
let system: System;
let receiver: Receiver;
let customer: Customer;
const accepted: { by: Customer; count: number }[] = [];

beforeAll(async () => {
  receiver = await startReceiver();
  const { hostname, port } = new URL(stores.mongoUri);
  proxy = await startTcpProxy({ host: hostname, port: Number(port) });
  // The driver would go around the proxy to the member's own address, were it not told to stay.
  const mongoUri = `mongodb://127.0.0.1:${proxy.port}/?directConnection=true`;
  system = await startSystem(stores, { mongoUri, apis: 2, workers: 2, env: PATIENT_TIMERS });
}, 120_000);
beforeEach(async () => {
  customer = await system.customer({ rub: 500 });
});
afterAll(async () => {
  await closeReceivers();
  await system.stop();
  await proxy.close();
});

const TEXT = 'said across the outage '.repeat(4);

/** As many clients as fit the account's bound on open requests, on a machine however slow. */
const WAITING_MAX = 150;

/** A few of each mode every 100 ms until told to stop, on both api processes; every second one has a key and is repeated. */
function load(): { stop(): Promise<Reply[]> } {
  const replies: Promise<Reply>[] = [];
  let sent = 0;
  let waiting = 0;
  const keep = (reply: Promise<Reply>) => {
    waiting++;
    replies.push(reply.finally(() => waiting--));
  };
  const timer = setInterval(() => {
    if (waiting >= WAITING_MAX) return;
    for (const mode of ['sync', 'stream', 'async'] as const) {
      const call = {
        mode,
        script: 'd=40,w=400',
        text: TEXT,
        api: system.apis[sent % 2],
        ...(mode === 'async' ? { callbackUrl: receiver.url } : {}),
      };
      keep(
        sent % 2 === 0
          ? send(customer, call)
          : sendUntilAnswered(customer, { ...call, idempotencyKey: `${customer.accountId}-${sent}` }),
      );
      sent++;
    }
  }, 100);
  return {
    stop: () => {
      clearInterval(timer);
      return Promise.all(replies);
    },
  };
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** A new call succeeds within this time. */
const recovered = (withinMs: number) =>
  eventually(async () => expect(errorOf(await send(customer, { mode: 'sync' }))).toBeUndefined(), {
    timeoutMs: withinMs,
  });

async function expectNothingLostOrDoubled(replies: Reply[]): Promise<void> {
  await waitForQuiet(90_000);
  await expectInvariants(system.sandboxUrl);
  for (const reply of replies) {
    const code = errorOf(reply);
    const unknown = reply.call.idempotencyKey === undefined ? ['outcome_unknown'] : [];
    if (code !== undefined) expect(['unavailable', 'interrupted', ...unknown]).toContain(code);
    await expectAnswerIsStored(customer, reply);
  }
  const keyed = replies.filter(({ call }) => call.idempotencyKey !== undefined);
  // A stream that had begun cannot become a 503 any more; its client comes back with the key as well.
  const broken = keyed.filter((reply) => errorOf(reply) !== undefined);
  const again = await Promise.all(broken.map(({ call }) => sendUntilAnswered(customer, call)));
  expect(again.map(errorOf).filter((code) => code !== undefined)).toEqual([]);
  for (const { call } of keyed) expect(await requests().countDocuments({ idemKey: call.idempotencyKey ?? '' })).toBe(1);
  accepted.push({ by: customer, count: replies.filter(({ status }) => status === 202).length });
  // Who was told to try again, and has no key to come back with, pays nothing for the first try.
  const refused = replies.filter((reply) => errorOf(reply) === 'unavailable').map(requestIdOf);
  expect(await ledger().countDocuments({ requestId: { $in: refused } })).toBe(0);
}

test.each(['cut', 'freeze', 'mute'] as const)(
  'the line to MongoDB gone for three seconds under load (%s)',
  async (how) => {
    const traffic = load();
    await pause(700);
    proxy[how]();
    await pause(3_000);
    proxy.mend();
    await recovered(10_000);
    await expectNothingLostOrDoubled(await traffic.stop());
  },
);

test('cut again and again, at any step of anything, nothing is lost or doubled', async () => {
  const traffic = load();
  for (let round = 0; round < 8; round++) {
    await pause(350);
    proxy.cut();
    await pause(60);
    proxy.mend();
  }
  await recovered(10_000);
  await expectNothingLostOrDoubled(await traffic.stop());
});

test('while MongoDB stays away calls are answered with a typed 503, and with answers within ten seconds of its return', async () => {
  const warm = await send(customer, { mode: 'sync' });
  expect(errorOf(warm)).toBeUndefined();
  proxy.cut();
  const startedMs = Date.now();
  const replies = await Promise.all(
    (['sync', 'stream', 'async'] as const).flatMap((mode) =>
      system.apis.map((api) => send(customer, { mode, api, idempotencyKey: `away-${mode}-${api.url}` })),
    ),
  );
  expect(replies.map((reply) => [reply.status, errorOf(reply)])).toEqual(Array(6).fill([503, 'unavailable']));
  expect(replies.map(({ headers }) => headers.get('x-should-retry'))).toEqual(Array(6).fill('true'));
  expect(Date.now() - startedMs).toBeLessThan(30_000);
  for (const api of system.apis) expect((await fetch(`${api.url}/readyz`)).status).toBe(503);
  for (const path of ['/v1/balance', '/v1/key', `/v1/requests/${requestIdOf(warm)}`]) {
    const answer = await customer.fetch(path);
    expect([path, answer.status, await answer.json()]).toMatchObject([path, 503, { error: { code: 'unavailable' } }]);
  }
  proxy.mend();
  await recovered(10_000);
  const again = await Promise.all(replies.map(({ call }) => sendUntilAnswered(customer, call)));
  expect(again.map(errorOf)).toEqual(Array(6).fill(undefined));
  await waitForQuiet(60_000);
  await expectInvariants(system.sandboxUrl);
});

// Webhooks whose job was lost are missed a little later; all of them wait for that together.
test('after all of it every accepted asynchronous request has been called back', async () => {
  expect(accepted.length).toBeGreaterThan(0);
  for (const { by, count } of accepted)
    expect((await expectDelivered(by, receiver.received)).length).toBeGreaterThanOrEqual(count);
});
