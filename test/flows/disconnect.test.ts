import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';
import type { RequestDocument } from '../../src/models/request.ts';
import { eventually } from '../helpers/eventually.ts';
import { expectInvariants, requests, waitForQuiet } from '../helpers/invariants.ts';
import { expectNoOpenStreams, type MeasuredApi, PATIENT_TIMERS, startMeasuredApi } from '../helpers/measured.ts';
import { closingError, isDone, openSse, spokenText, streamBody } from '../helpers/sse-client.ts';
import { useStores } from '../helpers/stores.ts';
import { type Customer, type System, startSystem } from '../helpers/system.ts';

const stores = useStores();
const WORDS = ['alpha', ' beta', ' gamma', ' delta', ' omega', ' kappa'];
const TEXT = WORDS.join('');
const GRACE_MS = 1_000;

let system: System;
let apis: MeasuredApi[];
let customer: Customer;
beforeAll(async () => {
  system = await startSystem(stores, {
    apis: 0,
    workers: 0,
    env: { ...PATIENT_TIMERS, API_DISCONNECT_GRACE_MS: String(GRACE_MS) },
  });
  apis = await Promise.all([startMeasuredApi(system), startMeasuredApi(system)]);
  customer = await system.customer();
});
afterAll(() => system.stop());

const stream = (script: string, headers: Record<string, string> = {}, api = apis[0]) =>
  openSse({ url: api?.url ?? '', key: customer.key, body: streamBody(`[[sandbox ${script}]]${TEXT}`), headers });
const resume = (requestId: string, after: number, api = apis[1]) =>
  openSse({
    url: api?.url ?? '',
    key: customer.key,
    path: `/v1/requests/${requestId}/stream`,
    headers: { 'last-event-id': String(after) },
  });
const calls = async (requestId: string) =>
  (await fetch(`${system.sandboxUrl}/sandbox/calls?request_id=${requestId}`)).json();
const row = async (filter: object): Promise<RequestDocument> => {
  const found = await requests().findOne(filter);
  if (!found) throw new Error('no such request');
  return found;
};
const ended = (requestId: string, state: string) =>
  eventually(
    async () => {
      const found = await row({ _id: requestId });
      expect(found.state).toBe(state);
      return found;
    },
    { timeoutMs: 15_000 },
  );

/** The one request of this account that the provider is working on. */
async function runningRequest(): Promise<string> {
  return eventually(async () => {
    const { _id } = await row({ accountId: customer.accountId, state: 'running' });
    expect(await calls(_id)).toMatchObject({ count: 1 });
    return _id;
  });
}

async function settleDown(): Promise<void> {
  await waitForQuiet();
  await expectNoOpenStreams(apis);
  await expectInvariants(system.sandboxUrl);
}

test('a client that leaves while its request is queued pays nothing, and the provider is never called', async () => {
  const client = stream('d=1');
  await client.untilSeen((one) => one.comments() > 0);
  const requestId = client.header('x-request-id') ?? '';
  client.abort();
  const request = await ended(requestId, 'cancelled');
  expect(request.costMicros).toBe(0n);
  await system.startWorker();
  expect(await calls(requestId)).toMatchObject({ count: 0 });
  await settleDown();
});

describe('with the policy to cancel, which is the default', () => {
  test('leaving after any event stops the provider, and only what was delivered is charged, by estimate', async () => {
    await Promise.all(
      [...WORDS, 'all'].map(async (_, tokens) => {
        const client = stream(`fault=stall after=${tokens}`);
        await client.until(1 + tokens);
        const requestId = client.header('x-request-id') ?? '';
        expect(spokenText(client.events())).toBe(WORDS.slice(0, tokens).join(''));
        client.abort();
        const request = await ended(requestId, 'cancelled');
        await eventually(async () => expect(await calls(requestId)).toEqual({ count: 1, aborted: 1, completed: 0 }));
        expect(request).toMatchObject({
          usageSource: 'estimated',
          cancelReason: 'client_disconnected',
          usage: { completionTokens: countTokens(WORDS.slice(0, tokens).join('')) },
        });
        const { usage } = request;
        const cost = BigInt(usage?.promptTokens ?? 0) * 100n + BigInt(usage?.completionTokens ?? 0) * 400n;
        expect(request.costMicros).toBe(cost);
        const kept = resume(requestId, 0);
        await kept.closed;
        expect(kept.bytes().startsWith(client.bytes())).toBe(true);
        expect(kept.events()).toHaveLength(client.events().length + 1);
        expect(closingError(kept.events())).toMatchObject({ code: 'cancelled' });
      }),
    );
    await settleDown();
  });

  test('leaving before the first byte stops the provider and costs nothing', async () => {
    const client = stream('f=15000');
    const requestId = await runningRequest();
    client.abort();
    expect(await ended(requestId, 'cancelled')).toMatchObject({ costMicros: 0n, usageSource: 'none' });
    await eventually(async () => expect(await calls(requestId)).toEqual({ count: 1, aborted: 1, completed: 0 }));
    await settleDown();
  });

  test('leaving a plain request before its head stops the provider and costs nothing', async () => {
    const leaving = new AbortController();
    const answer = customer.fetch('/v1/chat/completions', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...streamBody('[[sandbox w=15000]]hello'), stream: false }),
      signal: leaving.signal,
    });
    const requestId = await runningRequest();
    leaving.abort();
    await expect(answer).rejects.toThrow();
    expect(await ended(requestId, 'cancelled')).toMatchObject({ costMicros: 0n });
    await eventually(async () => expect(await calls(requestId)).toEqual({ count: 1, aborted: 1, completed: 0 }));
    await settleDown();
  });

  test('leaving after the end changes nothing', async () => {
    const client = stream('d=1');
    await client.untilSeen((one) => isDone(one.events()));
    client.abort();
    const request = await ended(client.header('x-request-id') ?? '', 'done');
    expect(request).toMatchObject({ usageSource: 'provider' });
    await settleDown();
  });

  test('a client that comes back within the grace, even to another process, gets the rest as if it had stayed', async () => {
    const client = stream('d=500');
    await client.until(3);
    const requestId = client.header('x-request-id') ?? '';
    client.abort();
    const seen = client.events().length;
    const back = resume(requestId, seen);
    expect(await back.closed).toBe('ended');
    expect(isDone(back.events())).toBe(true);
    expect(back.events()[0]?.id).toBe(seen + 1);
    expect(spokenText([...client.events(), ...back.events()])).toBe(TEXT);
    expect(await row({ _id: requestId })).toMatchObject({ state: 'done', usageSource: 'provider' });
    await settleDown();
  });

  test('of several followers only the last one that leaves stops the provider', async () => {
    const first = stream('fault=stall after=2');
    await first.until(3);
    const requestId = first.header('x-request-id') ?? '';
    const [second, third] = [resume(requestId, 0), resume(requestId, 1, apis[0])];
    await Promise.all([second.until(3), third.until(2)]);
    for (const [client, left] of [
      [first, 2],
      [third, 1],
    ] as const) {
      client.abort();
      await eventually(async () =>
        expect(await row({ _id: requestId })).toMatchObject({ watchers: left, state: 'running' }),
      );
    }
    second.abort();
    await ended(requestId, 'cancelled');
    await eventually(async () => expect(await calls(requestId)).toEqual({ count: 1, aborted: 1, completed: 0 }));
    await settleDown();
  });
});

describe('with the policy to finish', () => {
  test('leaving after any event lets the answer be finished, kept whole and continued from there', async () => {
    await Promise.all(
      [...WORDS, 'finish', '[DONE]'].map(async (_, index) => {
        const client = stream('d=40', { 'x-on-disconnect': 'finish' });
        await client.until(1 + index);
        client.abort();
        const seen = client.events();
        const requestId = client.header('x-request-id') ?? '';
        expect(await ended(requestId, 'done')).toMatchObject({ usageSource: 'provider' });
        expect(await calls(requestId)).toEqual({ count: 1, aborted: 0, completed: 1 });
        const rest = resume(requestId, seen.length);
        expect(await rest.closed).toBe('ended');
        expect(spokenText([...seen, ...rest.events()])).toBe(TEXT);
        expect(isDone([...seen, ...rest.events()])).toBe(true);
      }),
    );
    await settleDown();
  });

  test('a plain answer nobody waited for can be fetched', async () => {
    const leaving = new AbortController();
    const answer = customer.fetch('/v1/chat/completions', {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-on-disconnect': 'finish' },
      body: JSON.stringify({ ...streamBody('[[sandbox w=1500]]hello'), stream: false }),
      signal: leaving.signal,
    });
    const requestId = await runningRequest();
    leaving.abort();
    await expect(answer).rejects.toThrow();
    await ended(requestId, 'done');
    const kept = (await (await customer.fetch(`/v1/requests/${requestId}`)).json()) as Record<string, unknown>;
    expect(kept).toMatchObject({ status: 'completed', response: { choices: [{ message: { content: 'hello' } }] } });
    await settleDown();
  });
});

test('clients that leave while their requests are being accepted leave nothing open behind', async () => {
  const clients = Array.from({ length: 40 }, (_, n) => stream('d=100', {}, apis[n % 2]));
  await Promise.all(
    clients.map(async (client, n) => {
      for (let turn = 0; turn < n * 10; turn++) await new Promise((resolve) => setImmediate(resolve));
      client.abort();
    }),
  );
  // Some are accepted only after their client has gone: quiet that is seen before them is none.
  await eventually(settleDown, { timeoutMs: 60_000 });
});
