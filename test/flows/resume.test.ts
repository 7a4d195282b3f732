import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { streamKeys } from '../../src/stream/events.ts';
import { eventually } from '../helpers/eventually.ts';
import { expectInvariants, requests, waitForQuiet } from '../helpers/invariants.ts';
import { expectNoOpenStreams, type MeasuredApi, startMeasuredApi } from '../helpers/measured.ts';
import { closingError, isDone, openSse, type SseClient, spokenText, streamBody } from '../helpers/sse-client.ts';
import { useStores } from '../helpers/stores.ts';
import { type Customer, type System, startSystem } from '../helpers/system.ts';

const stores = useStores();
const TEXT = 'zero один two три four пять six семь';
const EVENTS = TEXT.split(' ').length + 3;

let system: System;
let apis: MeasuredApi[];
let customer: Customer;
let redis: Redis;
beforeAll(async () => {
  system = await startSystem(stores, { apis: 0 });
  apis = await Promise.all([startMeasuredApi(system), startMeasuredApi(system)]);
  customer = await system.customer();
  redis = new Redis(stores.redisUrl);
});
afterAll(async () => {
  redis.disconnect();
  await system.stop();
});

type From = { lastEventId: number } | { startingAfter: number | string };

function call(path: string, from?: From, api = apis[0], key = customer.key): SseClient {
  const query = from && 'startingAfter' in from ? `?starting_after=${from.startingAfter}` : '';
  const headers: Record<string, string> =
    from && 'lastEventId' in from ? { 'last-event-id': String(from.lastEventId) } : {};
  return openSse({ url: api?.url ?? '', key, path: `${path}${query}`, headers });
}
const resume = (requestId: string, from?: From, api = apis[0], key = customer.key) =>
  call(`/v1/requests/${requestId}/stream`, from, api, key);
const start = (script: string, headers: Record<string, string> = {}) =>
  openSse({ url: apis[0]?.url ?? '', key: customer.key, body: streamBody(`[[sandbox ${script}]]${TEXT}`), headers });

const idOf = (client: SseClient) => client.header('x-request-id') ?? '';
const logKey = (requestId: string) => streamKeys.log(stores.prefix, requestId);

/** The reference's bytes up to and after event `index`: what a client that stayed had by then, and what came later. */
function splitAfter(bytes: string, index: number): [string, string] {
  const blocks = bytes.split('\n\n').slice(0, -1);
  const part = (from: number, to?: number) =>
    blocks
      .slice(from, to)
      .map((block) => `${block}\n\n`)
      .join('');
  return [part(0, index), part(index)];
}

/** Every way to continue after event `index`: both processes, both spellings. */
const waysAfter = (requestId: string, index: number) =>
  apis.flatMap((api) => [
    resume(requestId, { lastEventId: index }, api),
    resume(requestId, { startingAfter: index }, api),
  ]);

async function expectRest(clients: readonly SseClient[], whole: string, index: number): Promise<void> {
  for (const client of clients) {
    expect(await client.closed).toBe('ended');
    expect([await client.status, client.header('content-type')]).toEqual([200, 'text/event-stream; charset=utf-8']);
    const [before] = splitAfter(whole, index);
    expect(before + client.bytes()).toBe(whole);
  }
}

async function errorOf(client: SseClient): Promise<{ status: number; code: string }> {
  await client.closed;
  return { status: await client.status, code: (JSON.parse(client.text()) as { error: { code: string } }).error.code };
}

async function settleDown(): Promise<void> {
  await waitForQuiet();
  await expectNoOpenStreams(apis);
  await expectInvariants(system.sandboxUrl);
}

describe('continuing a stream gives exactly the bytes an uninterrupted client got', () => {
  test('at every event while it runs, and at every event after its end', async () => {
    const reference = start('d=60');
    const running: Promise<SseClient[]>[] = [];
    for (let index = 0; index < EVENTS; index++) {
      if (index > 0) await reference.until(index);
      else await reference.until(1);
      running.push(Promise.resolve(waysAfter(idOf(reference), index)));
    }
    expect(await reference.closed).toBe('ended');
    const whole = reference.bytes();
    expect(spokenText(reference.events())).toBe(TEXT);
    expect(reference.events().map(({ id }) => id)).toEqual(Array.from({ length: EVENTS }, (_, i) => i + 1));
    for (const [index, clients] of running.entries()) await expectRest(await clients, whole, index);
    for (let index = 0; index <= EVENTS; index++) await expectRest(waysAfter(idOf(reference), index), whole, index);
    await settleDown();
  });

  test('from far ahead of what was said it waits for its turn', async () => {
    const reference = start('d=60');
    await reference.until(2);
    const ahead = resume(idOf(reference), { startingAfter: EVENTS - 2 }, apis[1]);
    await reference.closed;
    await expectRest([ahead], reference.bytes(), EVENTS - 2);
    await settleDown();
  });

  test('when its log is gone the kept result serves', async () => {
    const reference = start('d=1');
    await reference.closed;
    await waitForQuiet();
    expect(await redis.del(logKey(idOf(reference)))).toBe(1);
    for (const index of [0, 3, EVENTS]) await expectRest(waysAfter(idOf(reference), index), reference.bytes(), index);
    await settleDown();
  });

  test('when its log vanishes while it runs, live clients lose nothing and the others are served at the end', async () => {
    const reference = start('d=150');
    await reference.until(4);
    await redis.del(logKey(idOf(reference)));
    const late = waysAfter(idOf(reference), 1);
    await reference.closed;
    expect(spokenText(reference.events())).toBe(TEXT);
    await expectRest(late, reference.bytes(), 1);
    await settleDown();
  });
});

describe('what cannot be continued is refused', () => {
  test("another account's stream, running or finished, looks as if it did not exist", async () => {
    const stranger = await system.customer();
    const client = start('d=100');
    await client.until(2);
    const foreign = () => resume(idOf(client), { startingAfter: 0 }, apis[1], stranger.key);
    expect(await errorOf(foreign())).toEqual({ status: 404, code: 'not_found' });
    await client.closed;
    expect(await errorOf(foreign())).toEqual({ status: 404, code: 'not_found' });
    expect(await errorOf(resume('req_00000000000000000000000000'))).toEqual({ status: 404, code: 'not_found' });
    expect(await errorOf(resume('nonsense'))).toEqual({ status: 404, code: 'not_found' });
    await settleDown();
  });

  test.each(['-1', '1.5', 'abc', '', '1e3', '99999999999', '%00', '1&starting_after=2'])(
    'starting_after=%s is a 400',
    async (startingAfter) => {
      const path = '/v1/requests/req_00000000000000000000000000/stream';
      expect(await errorOf(call(path, { startingAfter }))).toEqual({ status: 400, code: 'invalid_request' });
    },
  );

  test('a plain request is a 400', async () => {
    const answer = await customer.fetch('/v1/chat/completions', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...streamBody('plain'), stream: false }),
    });
    await answer.text();
    const plain = resume(answer.headers.get('x-request-id') ?? '');
    expect(await errorOf(plain)).toEqual({ status: 400, code: 'invalid_request' });
    await settleDown();
  });
});

test('a stream whose worker was killed ends with the typed error, and continues from anywhere to that same end', async () => {
  const reference = start('d=20 fault=stall after=4');
  await reference.until(5);
  const requestId = idOf(reference);
  const follower = resume(requestId, { lastEventId: 2 }, apis[1]);
  await follower.until(3);
  const victim = system.workers.at(-1);
  await system.startWorker();
  await victim?.kill();
  expect(await reference.closed).toBe('ended');
  expect(closingError(reference.events())).toMatchObject({ code: 'interrupted' });
  expect(isDone(reference.events())).toBe(false);
  await expectRest([follower], reference.bytes(), 2);
  await waitForQuiet();
  for (let index = 1; index <= 6; index++) await expectRest(waysAfter(requestId, index), reference.bytes(), index);
  await redis.del(logKey(requestId));
  await expectRest(waysAfter(requestId, 3), reference.bytes(), 3);
  await settleDown();
});

test('a killed worker whose log is lost as well still ends with the typed error for who has heard it speak', async () => {
  const reference = start('d=20 fault=stall after=4');
  await reference.until(5);
  const requestId = idOf(reference);
  // The progress note of the lease is what is left; the log is gone before the successor looks for it.
  const victim = system.workers.at(-1);
  await system.startWorker();
  await victim?.kill();
  await redis.del(logKey(requestId));
  expect(await reference.closed).toBe('ended');
  expect(closingError(reference.events())).toMatchObject({ code: 'interrupted' });
  const after = resume(requestId, { lastEventId: 5 }, apis[1]);
  await after.closed;
  expect(closingError(after.events())).toMatchObject({ code: 'interrupted' });
  await settleDown();
});

test('with zero retention it continues while it runs, and says so when there is nothing kept any more', async () => {
  const reference = start('d=80', { 'x-zero-retention': 'true' });
  await reference.until(3);
  const requestId = idOf(reference);
  const during = waysAfter(requestId, 2);
  expect(await reference.closed).toBe('ended');
  expect(spokenText(reference.events())).toBe(TEXT);
  await expectRest(during, reference.bytes(), 2);
  await waitForQuiet();
  expect(await errorOf(resume(requestId, { startingAfter: 0 }, apis[1]))).toEqual({
    status: 409,
    code: 'result_not_retained',
  });
  const late = resume(requestId, { startingAfter: 4 });
  await late.closed;
  expect(closingError(late.events())).toMatchObject({ code: 'result_not_retained' });
  const kept = await requests().findOne({ _id: requestId });
  expect([kept?.input, kept?.result]).toEqual([undefined, undefined]);
  await eventually(async () => expect(await redis.exists(logKey(requestId))).toBe(0), { timeoutMs: 15_000 });
  await settleDown();
});
