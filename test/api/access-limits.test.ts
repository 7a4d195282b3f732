import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { publishKeyChange, revokeKey } from '../../src/auth/keys.ts';
import { createLogger } from '../../src/log.ts';
import { createRedis, redisReady } from '../../src/redis.ts';
import { eventually } from '../helpers/eventually.ts';
import { accounts, expectInvariants, requests, waitForQuiet } from '../helpers/invariants.ts';
import { useStores } from '../helpers/stores.ts';
import { type Customer, type System, type SystemProcess, startSystem } from '../helpers/system.ts';

const stores = useStores();
let system: System;
beforeAll(async () => {
  system = await startSystem(stores);
});
afterAll(() => system.stop());

const CHAT = '/v1/chat/completions';

function post(customer: Customer, content = 'x', model = 'test/echo', api?: SystemProcess): Promise<Response> {
  const body = JSON.stringify({ model, messages: [{ role: 'user', content }] });
  return customer.fetch(CHAT, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
    ...(api ? { api } : {}),
  });
}

async function expectError(response: Response, status: number, code: string): Promise<Record<string, unknown>> {
  const { error } = (await response.json()) as { error: Record<string, unknown> };
  expect([response.status, error.code]).toEqual([status, code]);
  for (const name of ['message', 'type', 'param', 'code']) expect(error).toHaveProperty(name);
  return error;
}

describe('scopes of a key', () => {
  test('name the models it may call: others do not exist for it, in lists, by id and in calls', async () => {
    const customer = await system.customer({ key: { scopes: { models: ['test/ech*', 'test/one-ruble'] } } });
    const { data } = (await (await customer.fetch('/v1/models')).json()) as { data: { id: string }[] };
    expect(data.map(({ id }) => id).sort()).toEqual(['test/echo', 'test/one-ruble']);
    expect((await customer.fetch('/v1/models/test/echo')).status).toBe(200);
    expect((await post(customer)).status).toBe(200);
    const hidden = await expectError(await customer.fetch('/v1/models/test/lorem'), 404, 'model_not_found');
    const absent = await expectError(await customer.fetch('/v1/models/test/absent'), 404, 'model_not_found');
    expect(hidden).toEqual(absent);
    await expectError(await post(customer, 'x', 'test/lorem'), 404, 'model_not_found');
  });

  test('name the endpoints it may use: the others are 403, whatever the method or body', async () => {
    const chatOnly = await system.customer({ key: { scopes: { endpoints: ['chat.completions'] } } });
    expect((await post(chatOnly)).status).toBe(200);
    for (const path of [
      '/v1/models',
      '/v1/models/test/echo',
      '/v1/balance',
      '/v1/key',
      '/v1/requests/req_x',
      '/v1/requests/req_x/stream',
    ])
      await expectError(await chatOnly.fetch(path), 403, 'scope_forbidden');
    await expectError(await chatOnly.fetch('/v1/requests/req_x/cancel', { method: 'POST' }), 403, 'scope_forbidden');
    const readOnly = await system.customer({ key: { scopes: { endpoints: ['account', 'models'] } } });
    await expectError(await post(readOnly), 403, 'scope_forbidden');
    expect((await readOnly.fetch('/v1/balance')).status).toBe(200);
  });
});

describe('a key that ended', () => {
  test('by its date is 401 from that moment on, and not before', async () => {
    const expiresAt = new Date(Date.now() + 2_000);
    const customer = await system.customer({ key: { expiresAt } });
    expect((await customer.fetch('/v1/models')).status).toBe(200);
    await eventually(async () => {
      const answeredBefore = Date.now() < expiresAt.getTime();
      const { status } = await customer.fetch('/v1/models');
      if (status === 200 && !answeredBefore) throw new Error('still works');
      expect(status).toBe(401);
    });
    expect(Date.now()).toBeGreaterThanOrEqual(expiresAt.getTime());
    await expectError(await post(customer), 401, 'expired_api_key');
  });

  test.each([
    ['with the message to all processes', true],
    ['although nobody was told', false],
  ])('by revocation is refused within a second by every process, %s', async (_how, told) => {
    const second = system.apis[1] ?? (await system.startApi());
    const customer = await system.customer();
    const redis = createRedis(stores.redisUrl, 'commands', createLogger({ role: 'test', level: 'silent' }));
    await redisReady(redis);
    const processes = [system.apis[0], second].filter((api) => api !== undefined);
    for (const api of processes) expect((await customer.fetch('/v1/models', { api })).status).toBe(200);
    await revokeKey(customer.keyId, (keyId) =>
      told ? publishKeyChange(redis, stores.prefix, keyId) : Promise.resolve(),
    );
    const revokedAtMs = performance.now();
    for (const api of processes) {
      await eventually(
        async () => {
          const askedAtMs = performance.now();
          const { status } = await customer.fetch('/v1/models', { api });
          if (status === 200 && askedAtMs - revokedAtMs > 1_000) expect('accepted later than a second').toBe('refused');
          expect(status).toBe(401);
        },
        { intervalMs: 20, timeoutMs: 3_000 },
      );
    }
    redis.disconnect();
    await expectError(await post(customer), 401, 'invalid_api_key');
  });
});

test('a suspended account cannot spend, can look, and nothing is held or left open', async () => {
  const customer = await system.customer();
  await accounts().updateOne({ _id: customer.accountId }, { $set: { status: 'suspended' } });
  const error = await expectError(await post(customer), 403, 'account_suspended');
  expect(error.type).toBe('permission_error');
  expect((await customer.fetch('/v1/balance')).status).toBe(200);
  expect(await requests().findOne({ accountId: customer.accountId })).toMatchObject({
    state: 'aborted',
    settled: true,
  });
  expect(await accounts().findOne({ _id: customer.accountId })).toMatchObject({ open: 0, heldMicros: 0n });
});

describe('rate limits of a key', () => {
  test('requests per minute: the headers count down, then 429 with the time to wait, and nothing is stored or held', async () => {
    const customer = await system.customer({ key: { limits: { requestsPerMinute: 3 } } });
    for (const left of ['2', '1', '0']) {
      const { status, headers } = await post(customer);
      expect([
        status,
        headers.get('x-ratelimit-limit-requests'),
        headers.get('x-ratelimit-remaining-requests'),
      ]).toEqual([200, '3', left]);
      expect(headers.get('x-ratelimit-reset-requests')).toMatch(/^(\d+s|1m0s)$/);
    }
    const rows = await requests().countDocuments({ accountId: customer.accountId });
    const response = await post(customer);
    const error = await expectError(response, 429, 'rate_limit_exceeded');
    expect(error).toMatchObject({ type: 'rate_limit_error', limit: 'requests' });
    expect(response.headers.get('x-ratelimit-remaining-requests')).toBe('0');
    expect(response.headers.get('x-should-retry')).toBe('true');
    const seconds = Number(response.headers.get('retry-after'));
    expect(Number.isInteger(seconds) && seconds >= 1 && seconds <= 60).toBe(true);
    expect(Number(response.headers.get('retry-after-ms'))).toBeLessThanOrEqual(seconds * 1_000);
    expect(await requests().countDocuments({ accountId: customer.accountId })).toBe(rows);
  });

  test('tokens per minute: a request too large for the limit is not worth repeating', async () => {
    const customer = await system.customer({ key: { limits: { tokensPerMinute: 500 } } });
    const response = await post(customer);
    expect(await expectError(response, 429, 'rate_limit_exceeded')).toMatchObject({ limit: 'tokens' });
    expect(response.headers.get('x-should-retry')).toBe('false');
    expect(response.headers.get('x-ratelimit-remaining-tokens')).toBe('500');
  });

  test('concurrency: a slot is free again as soon as its answer is there, or its client gone', async () => {
    const customer = await system.customer({ key: { limits: { concurrency: 1 } } });
    const first = post(customer, '[[sandbox text=echo w=800]] x');
    await eventually(async () => expect(await requests().countDocuments({ accountId: customer.accountId })).toBe(1));
    expect(await expectError(await post(customer), 429, 'rate_limit_exceeded')).toMatchObject({ limit: 'concurrency' });
    expect((await first).status).toBe(200);
    await eventually(async () => expect((await post(customer)).status).toBe(200));
    const abort = new AbortController();
    const gone = customer
      .client()
      .chat.completions.create(
        { model: 'test/echo', messages: [{ role: 'user', content: '[[sandbox w=15000]] x' }] },
        { signal: abort.signal },
      );
    const thrown = expect(gone).rejects.toThrow(/abort/i);
    await eventually(async () =>
      expect(await requests().countDocuments({ accountId: customer.accountId, state: 'running' })).toBe(1),
    );
    abort.abort();
    await thrown;
    await eventually(async () => expect((await post(customer)).status).toBe(200));
  });
});

describe('limits before a key is known', () => {
  test('requests per minute of an address: 429 with Retry-After, for good and bad keys alike', async () => {
    const api = await system.startApi({ RATE_IP_PER_MINUTE: '5' });
    const customer = await system.customer();
    for (let call = 0; call < 5; call++) expect((await customer.fetch('/v1/models', { api })).status).toBe(200);
    for (const authorization of [`Bearer ${customer.key}`, 'Bearer nonsense', '']) {
      const response = await fetch(`${api.url}/v1/models`, { headers: { authorization } });
      await expectError(response, 429, 'rate_limit_exceeded');
      expect(Number(response.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    }
    expect((await fetch(`${api.url}/healthz`)).status).toBe(200);
    await api.kill();
    system.apis.pop();
  });

  test('bad keys of an address: guessing is cut off, missing keys do not count as guesses', async () => {
    const api = await system.startApi({ RATE_BAD_KEYS_PER_MINUTE: '4', REDIS_PREFIX: `${stores.prefix}-guesses` });
    const customer = await system.customer();
    for (let call = 0; call < 6; call++) await expectError(await fetch(`${api.url}/v1/models`), 401, 'missing_api_key');
    const guess = () => fetch(`${api.url}/v1/models`, { headers: { authorization: `Bearer guess` } });
    for (let call = 0; call < 4; call++) await expectError(await guess(), 401, 'invalid_api_key');
    await expectError(await guess(), 429, 'rate_limit_exceeded');
    await expectError(await customer.fetch('/v1/models', { api }), 429, 'rate_limit_exceeded');
    await api.kill();
    system.apis.pop();
  });
});

test('after all of this the books are in order and no provider was called twice', async () => {
  await waitForQuiet();
  await expectInvariants(system.sandboxUrl);
});
