import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { eventually } from '../helpers/eventually.ts';
import { expectInvariants, requests, waitForQuiet } from '../helpers/invariants.ts';
import { expectNoOpenStreams, type MeasuredApi, startMeasuredApi } from '../helpers/measured.ts';
import { closingError, isDone, openSse, spokenText, streamBody } from '../helpers/sse-client.ts';
import { useStores } from '../helpers/stores.ts';
import { type Customer, type System, startSystem } from '../helpers/system.ts';

const stores = useStores();
const TEXT = 'one two three four';
/** A lease of two seconds, its sweep, a queue that may have to notice the stall first, and a busy machine. */
const LEASE_AND_MORE_MS = 20_000;

let system: System;
let api: MeasuredApi;
let customer: Customer;
beforeAll(async () => {
  system = await startSystem(stores, { apis: 0, workers: 0, env: { PROVIDER_IDLE_MS: '18000' } });
  api = await startMeasuredApi(system, { API_HEARTBEAT_MS: '250' });
  customer = await system.customer();
});
afterAll(() => system.stop());

const stream = (script: string, at = api, rest: Record<string, unknown> = {}, model = 'test/echo') =>
  openSse({ url: at.url, key: customer.key, body: streamBody(`[[sandbox ${script}]]${TEXT}`, model, rest) });

async function settleDown(): Promise<void> {
  await waitForQuiet();
  await expectNoOpenStreams([api]);
  await expectInvariants(system.sandboxUrl);
}

test('a queued client hears that it is not forgotten, then its answer when a worker starts', async () => {
  const client = stream('d=1');
  await client.untilSeen((one) => one.comments() >= 3);
  expect(await client.status).toBe(200);
  expect(client.header('content-type')).toBe('text/event-stream; charset=utf-8');
  expect(client.events()).toEqual([]);
  await system.startWorker();
  expect(await client.closed).toBe('ended');
  expect(spokenText(client.events())).toBe(TEXT);
  expect(isDone(client.events())).toBe(true);
  await settleDown();
});

describe('a provider that fails', () => {
  // A process of its own, which sends its first heartbeat late: the failure must come first.
  let calm: MeasuredApi;
  beforeAll(async () => {
    calm = await startMeasuredApi(system, { API_HEARTBEAT_MS: '20000' });
  });

  test.each([
    ['400', 400, 'provider_rejected', 'false'],
    ['503', 503, 'provider_unavailable', 'true'],
    ['429', 503, 'provider_rate_limited', 'true'],
    ['500', 502, 'provider_error', 'false'],
    ['cut-first', 502, 'provider_error', 'false'],
  ])(
    'before the first byte (%s) is an HTTP error with its status, not a stream',
    async (fault, status, code, retry) => {
      const client = stream(`fault=${fault}`, calm, {}, 'test/lorem');
      expect(await client.closed).toBe('ended');
      expect(await client.status).toBe(status);
      expect(client.header('content-type')).toBe('application/json; charset=utf-8');
      expect(client.header('x-should-retry')).toBe(retry);
      expect(JSON.parse(client.text())).toMatchObject({ error: { code, message: expect.any(String) } });
      // Success closes the breaker again, which counts failures in a row.
      await stream('d=0', api, {}, 'test/lorem').closed;
      await settleDown();
    },
  );

  test('before the first byte but after a heartbeat is a typed error chunk, because the head is gone', async () => {
    const late = stream('f=1500 fault=cut after=0');
    expect(await late.closed).toBe('ended');
    expect(late.comments()).toBeGreaterThan(0);
    expect(await late.status).toBe(200);
    expect(closingError(late.events())).toMatchObject({
      code: expect.stringMatching(/^(provider_error|interrupted)$/),
    });
    expect(isDone(late.events())).toBe(false);
    await settleDown();
  });

  test.each([
    ['cut', 'interrupted'],
    ['reset-mid', 'interrupted'],
    ['error-chunk', 'provider_error'],
    ['error-event', 'provider_error'],
    ['garbage', 'interrupted'],
    ['no-finish+no-done', 'interrupted'],
  ])('after the first byte (%s) is a typed error chunk and no [DONE]', async (fault, code) => {
    const client = stream(`fault=${fault} after=2 d=5`);
    expect(await client.closed).toBe('ended');
    expect(await client.status).toBe(200);
    const events = client.events();
    expect(closingError(events)).toMatchObject({ code });
    expect(client.text()).not.toContain('[DONE]');
    expect(events.at(-1)?.data).toContain('"finish_reason":"error"');
    expect(events.map(({ id }) => id)).toEqual(events.map((_, index) => index + 1));
    await stream('d=0').closed;
    await settleDown();
  });
});

test('a worker that is killed in the middle does not leave its clients without an end', async () => {
  const clients = Array.from({ length: 5 }, (_, n) => stream(`d=1 fault=stall after=${n}`));
  await Promise.all(clients.map((client, n) => client.until(1 + n)));
  const victim = system.workers.at(-1);
  await system.startWorker();
  const killedMs = performance.now();
  await victim?.kill();
  for (const client of clients) {
    expect(await client.closed).toBe('ended');
    expect(closingError(client.events())).toMatchObject({ code: 'interrupted' });
    expect(isDone(client.events())).toBe(false);
  }
  expect(performance.now() - killedMs).toBeLessThan(LEASE_AND_MORE_MS);
  await settleDown();
});

describe('an api process that is told to stop', () => {
  test('says where to continue, and another one continues byte for byte', async () => {
    const leaving = await startMeasuredApi(system, { API_DRAIN_MS: '500', API_HEARTBEAT_MS: '60000' });
    const reference = stream('d=400', leaving);
    const waiting = stream('f=4000', leaving);
    await reference.until(2);
    await eventually(async () =>
      expect(await requests().countDocuments({ accountId: customer.accountId, state: 'running' })).toBe(2),
    );
    const exit = leaving.terminate();
    for (const client of [reference, waiting]) {
      expect(await client.closed).toBe('ended');
      const seen = client.events().filter(({ id }) => id !== undefined);
      const last = client.events().at(-1);
      expect(last?.event).toBe('error');
      const error = closingError(client.events());
      expect(error).toMatchObject({ code: 'unavailable', last_event_id: seen.length });
      const requestId = client.header('x-request-id') ?? '';
      const rest = openSse({
        url: api.url,
        key: customer.key,
        path: `/v1/requests/${requestId}/stream?starting_after=${error?.last_event_id}`,
      });
      expect(await rest.closed).toBe('ended');
      expect(spokenText([...seen, ...rest.events()])).toBe(TEXT);
      expect(isDone(rest.events())).toBe(true);
      const whole = openSse({ url: api.url, key: customer.key, path: `/v1/requests/${requestId}/stream` });
      await whole.closed;
      const before = client.bytes().slice(0, client.bytes().indexOf('event: error'));
      expect(before + rest.bytes()).toBe(whole.bytes());
    }
    expect(await exit).toBe(0);
    await settleDown();
  });

  test('lets answers that end in time end as if nothing were', async () => {
    const leaving = await startMeasuredApi(system, { API_DRAIN_MS: '8000' });
    const client = stream('d=150', leaving);
    await client.until(2);
    const exit = leaving.terminate();
    expect(await client.closed).toBe('ended');
    expect(isDone(client.events())).toBe(true);
    expect(spokenText(client.events())).toBe(TEXT);
    expect(await exit).toBe(0);
    await settleDown();
  });
});
