import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import OpenAI from 'openai';
import { eventually } from '../helpers/eventually.ts';
import { expectInvariants, requests, waitForQuiet } from '../helpers/invariants.ts';
import { useStores } from '../helpers/stores.ts';
import { type Customer, type System, startSystem } from '../helpers/system.ts';
import { upstreamCounts } from '../helpers/upstream.ts';

const stores = useStores();
let system: System;
let customer: Customer;
beforeAll(async () => {
  system = await startSystem(stores);
  customer = await system.customer();
});
afterAll(() => system.stop());

const ask = (content = 'x', model = 'test/echo') => ({ model, messages: [{ role: 'user' as const, content }] });

/** A stock client with its stock retries that notes when it sends. */
function counting(who: Customer = customer, options: { apiKey?: string; headers?: Record<string, string> } = {}) {
  const sentAtMs: number[] = [];
  const client = new OpenAI({
    baseURL: `${system.apis[0]?.url}/v1`,
    apiKey: options.apiKey ?? who.key,
    defaultHeaders: options.headers ?? {},
    fetch: (url, init) => {
      sentAtMs.push(performance.now());
      return fetch(url, init);
    },
  });
  return { client, sentAtMs };
}

async function failureOf(call: Promise<unknown>): Promise<InstanceType<typeof OpenAI.APIError>> {
  const error = await call.then(
    () => new Error('the call succeeded'),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof OpenAI.APIError)) throw error;
  return error;
}

/** All four members of OpenAI's error body, and our request id. */
function expectWhole(error: InstanceType<typeof OpenAI.APIError>): void {
  expect(error.error).toMatchObject({ message: expect.any(String), type: expect.any(String) });
  expect(error.error).toHaveProperty('param');
  expect(error.error).toHaveProperty('code');
  expect(error.requestID).toMatch(/^req_[0-9a-z]{26}$/);
}

describe('what the SDK throws', () => {
  test.each<[number, keyof typeof OpenAI, object, object]>([
    [
      400,
      'BadRequestError',
      { ...ask(), messages: [] },
      { code: 'invalid_request', type: 'invalid_request_error', param: 'messages' },
    ],
    [
      400,
      'BadRequestError',
      { ...ask(), temperature: 3 },
      { code: 'invalid_request', type: 'invalid_request_error', param: 'temperature' },
    ],
    [
      400,
      'BadRequestError',
      { ...ask(), messages: [{ content: 'x' }] },
      { code: 'invalid_request', param: 'messages.0.role' },
    ],
    [
      400,
      'BadRequestError',
      ask('[[sandbox fault=422]]'),
      { code: 'provider_rejected', type: 'invalid_request_error', param: null },
    ],
    [404, 'NotFoundError', ask('x', 'test/none'), { code: 'model_not_found', type: 'not_found_error', param: 'model' }],
  ])('%i %s for %j', async (status, name, body, expected) => {
    const { client, sentAtMs } = counting();
    const error = await failureOf(client.post('/chat/completions', { body }));
    expect(error).toBeInstanceOf(OpenAI[name]);
    expect(error).toMatchObject({ status, ...expected });
    expectWhole(error);
    expect(sentAtMs).toHaveLength(1);
  });

  test('401 AuthenticationError for a key that is malformed, unknown or missing', async () => {
    const wrong = `${customer.key.slice(0, -1)}${customer.key.endsWith('a') ? 'b' : 'a'}`;
    const other = await system.customer();
    for (const apiKey of ['sk-nonsense', wrong, `${other.key}x`]) {
      const { client, sentAtMs } = counting(customer, { apiKey });
      const error = await failureOf(client.chat.completions.create(ask()));
      expect(error).toBeInstanceOf(OpenAI.AuthenticationError);
      expect(error).toMatchObject({ status: 401, code: 'invalid_api_key', type: 'authentication_error', param: null });
      expectWhole(error);
      expect(sentAtMs).toHaveLength(1);
    }
    for (const authorization of ['', 'Basic abc', 'Bearer', 'Bearer   ']) {
      const response = await fetch(`${system.apis[0]?.url}/v1/models`, { headers: { authorization } });
      expect(response.status).toBe(401);
      expect(await response.json()).toMatchObject({ error: { code: 'missing_api_key' } });
    }
  });

  test('402 without money, of type insufficient_quota, and it is not repeated', async () => {
    const poor = await system.customer({ rub: 0 });
    const { client, sentAtMs } = counting(poor);
    const error = await failureOf(client.chat.completions.create(ask()));
    expect(error).toMatchObject({ status: 402, code: 'insufficient_balance', type: 'insufficient_quota', param: null });
    expect(error.headers?.get('x-should-retry')).toBe('false');
    expectWhole(error);
    expect(sentAtMs).toHaveLength(1);
  });

  test('403 PermissionDeniedError for an endpoint outside the scopes of the key', async () => {
    const scoped = await system.customer({ key: { scopes: { endpoints: ['chat.completions'] } } });
    const { client, sentAtMs } = counting(scoped);
    const error = await failureOf(client.models.list().then((page) => page.data));
    expect(error).toBeInstanceOf(OpenAI.PermissionDeniedError);
    expect(error).toMatchObject({ status: 403, code: 'scope_forbidden', type: 'permission_error' });
    expectWhole(error);
    expect(sentAtMs).toHaveLength(1);
  });

  test('413 for a body that is too large, received although the body was not read', async () => {
    const { client, sentAtMs } = counting();
    const error = await failureOf(client.chat.completions.create(ask('x'.repeat(9 * 1024 * 1024))));
    expect(error).toMatchObject({ status: 413, code: 'body_too_large', type: 'invalid_request_error' });
    expectWhole(error);
    expect(sentAtMs).toHaveLength(1);
  });

  test('422 UnprocessableEntityError for an Idempotency-Key that was used with another body', async () => {
    const { client, sentAtMs } = counting(customer, { headers: { 'idempotency-key': 'order-1' } });
    await client.chat.completions.create(ask('one'));
    const error = await failureOf(client.chat.completions.create(ask('two')));
    expect(error).toBeInstanceOf(OpenAI.UnprocessableEntityError);
    expect(error).toMatchObject({ status: 422, code: 'idempotency_mismatch' });
    expectWhole(error);
    expect(sentAtMs).toHaveLength(2);
  });

  test('409 ConflictError for a call that was cancelled elsewhere, and it is not repeated', async () => {
    const { client, sentAtMs } = counting();
    const failure = failureOf(client.chat.completions.create(ask('[[sandbox w=15000]] cancel me')));
    const running = await eventually(async () => {
      const row = await requests().findOne({ accountId: customer.accountId, state: 'running' });
      if (!row) throw new Error('not running yet');
      return row;
    });
    await customer.fetch(`/v1/requests/${running._id}/cancel`, { method: 'POST' });
    const error = await failure;
    expect(error).toBeInstanceOf(OpenAI.ConflictError);
    expect(error).toMatchObject({ status: 409, code: 'cancelled', requestID: running._id });
    expect(sentAtMs).toHaveLength(1);
  });

  test.each<[string, number, string]>([
    ['500', 502, 'provider_error'],
    ['cut-first', 502, 'provider_error'],
    ['504', 504, 'provider_timeout'],
    ['404', 503, 'provider_unavailable'],
    ['408', 504, 'provider_timeout'],
    ['429', 503, 'provider_rate_limited'],
    ['401', 503, 'provider_unavailable'],
  ])(
    'InternalServerError for the upstream fault %s: status %i, code %s, and none of its words',
    async (fault, status, code) => {
      const error = await failureOf(customer.client().chat.completions.create(ask(`[[sandbox fault=${fault}]]`)));
      expect(error).toBeInstanceOf(OpenAI.InternalServerError);
      expect(error).toMatchObject({ status, code, type: 'provider_error' });
      expect(error.message).not.toMatch(/server had an error|api key provided|rate limit reached for/i);
      expectWhole(error);
      await customer.client().chat.completions.create(ask('healthy again')); // keeps the breaker closed
    },
  );

  test('an error chunk in the middle of a stream as an APIError, after what was delivered', async () => {
    const stream = await customer
      .client()
      .chat.completions.create({ ...ask('[[sandbox text=lorem n=20 fault=cut]]'), stream: true });
    let text = '';
    const error = await failureOf(
      (async () => {
        for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
      })(),
    );
    expect(text).toBe(' lorem ipsum dolor');
    expect(error).toMatchObject({ code: 'interrupted', type: 'server_error' });
  });
});

describe('what the SDK repeats', () => {
  test('503 with Retry-After: three tries, each at least that second apart, each its own request, none charged', async () => {
    const busy = await system.customer();
    const { client, sentAtMs } = counting(busy);
    const error = await failureOf(client.chat.completions.create(ask('[[sandbox fault=503 retry=1]]')));
    expect(error).toMatchObject({ status: 503, code: 'provider_unavailable' });
    expect(error.headers?.get('retry-after')).toBe('1');
    expect(error.headers?.get('x-should-retry')).toBe('true');
    expect(sentAtMs).toHaveLength(3);
    for (const gap of [1, 2]) expect((sentAtMs[gap] ?? 0) - (sentAtMs[gap - 1] ?? 0)).toBeGreaterThanOrEqual(1_000);
    const rows = await requests().find({ accountId: busy.accountId }).toArray();
    expect(rows.map((row) => [row.state, row.costMicros])).toEqual(new Array(3).fill(['failed', 0n]));
    for (const row of rows) expect((await upstreamCounts(system.sandboxUrl, row._id)).count).toBe(1);
    await customer.client().chat.completions.create(ask('healthy again'));
  });

  test('429 of a busy key, until it is free: the caller sees only the answer', async () => {
    const single = await system.customer({ key: { limits: { concurrency: 1 } } });
    const { client, sentAtMs } = counting(single);
    const slow = client.chat.completions.create(ask('[[sandbox text=echo w=500]] first'));
    await eventually(async () => expect(await requests().countDocuments({ accountId: single.accountId })).toBe(1));
    const second = await client.chat.completions.create(ask('second'));
    expect(second.choices[0]?.message.content).toBe('second');
    await slow;
    expect(sentAtMs.length).toBeGreaterThanOrEqual(3);
    expect(await requests().countDocuments({ accountId: single.accountId })).toBe(2);
  });

  test('never what failed for good: an answer that broke off is not asked for again behind the back of its payer', async () => {
    const { client, sentAtMs } = counting();
    const error = await failureOf(client.chat.completions.create(ask('[[sandbox fault=cut]]')));
    expect(error).toMatchObject({ status: 502, code: 'provider_error' });
    expect(error.headers?.get('x-should-retry')).toBe('false');
    expect(sentAtMs).toHaveLength(1);
  });
});

test('after all of this the books are in order and no provider was called twice', async () => {
  await waitForQuiet();
  await expectInvariants(system.sandboxUrl);
});
