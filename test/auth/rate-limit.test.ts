import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createRateLimits, formatDuration } from '../../src/auth/rate-limit.ts';
import { newId } from '../../src/ids.ts';
import type { KeyLimits } from '../../src/models/api-key.ts';
import { createRedis, redisReady } from '../../src/redis.ts';
import { useStores } from '../helpers/stores.ts';
import { silent } from './desk.ts';
import { openWire, until } from './wire.ts';

const stores = useStores();
const rates = {
  ipPerMinute: 5,
  badKeysPerMinute: 3,
  key: { requestsPerMinute: 100, tokensPerMinute: 1_000, concurrency: 50 },
};
const MINUTE_MS = 60_000;
const redis = createRedis(stores.redisUrl, 'commands', silent);
const otherRedis = createRedis(stores.redisUrl, 'commands', silent);
/** Its connection has ended. */
const noRedis = createRedis(stores.redisUrl, 'commands', silent);
const { prefix } = stores;

beforeAll(async () => {
  await Promise.all([redis, otherRedis, noRedis].map((connection) => redisReady(connection)));
  noRedis.disconnect();
  await until(() => noRedis.status === 'end');
});
afterAll(() => {
  for (const connection of [redis, otherRedis]) connection.disconnect();
});

const limitsOver = (connection: typeof redis, now?: () => number) =>
  createRateLimits({ redis: connection, prefix, rates, log: silent, ...(now ? { now } : {}) });
const limits = limitsOver(redis);
const elsewhere = limitsOver(otherRedis);

const someone = (own: KeyLimits = {}) => ({ keyId: newId('key'), limits: own });
const admit = async (
  from: typeof limits,
  principal: ReturnType<typeof someone>,
  tokens = 1,
  requestId = newId('req'),
) => ({
  requestId,
  ...(await from.admitKey(principal, tokens, requestId, MINUTE_MS)),
});

const refusal = (limit: string) =>
  expect.objectContaining({
    admitted: false,
    error: expect.objectContaining({ code: 'rate_limit_exceeded', details: { limit } }),
  });

describe('durations', () => {
  test.each([
    [0, '0s'], [0.2, '1ms'], [120, '120ms'], [999.5, '1s'], [1_000, '1s'], [1_001, '2s'], [59_000, '59s'],
    [59_001, '1m0s'], [60_000, '1m0s'], [360_000, '6m0s'], [-5, '0s'],
  ])('%d ms is %s', (ms, text) => expect(formatDuration(ms)).toBe(text)); // biome-ignore format: a table
});

describe('requests of a key per minute', () => {
  test('are counted over all processes, with the numbers in the headers', async () => {
    const principal = someone({ requestsPerMinute: 3 });
    const answers = [];
    for (const from of [limits, elsewhere, limits, elsewhere]) answers.push(await admit(from, principal, 10));
    expect(answers.map(({ admitted }) => admitted)).toEqual([true, true, true, false]);
    expect(answers.map(({ headers }) => headers['x-ratelimit-remaining-requests'])).toEqual(['2', '1', '0', '0']);
    expect(answers[0]?.headers).toEqual({
      'x-ratelimit-limit-requests': '3',
      'x-ratelimit-remaining-requests': '2',
      'x-ratelimit-reset-requests': '1m0s',
      'x-ratelimit-limit-tokens': '1000',
      'x-ratelimit-remaining-tokens': '990',
      'x-ratelimit-reset-tokens': '1m0s',
    });
    expect(answers[3]).toEqual(refusal('requests'));
    const error = answers[3]?.admitted === false ? answers[3].error : undefined;
    expect(error?.retryAfterMs).toBeGreaterThan(50_000);
    expect(error?.retryAfterMs).toBeLessThanOrEqual(MINUTE_MS);
  });

  test('of 200 sent at once by a key that may send 100, exactly 100 are admitted', async () => {
    const principal = someone({ concurrency: 1_000, tokensPerMinute: 1_000_000 });
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, i) => admit(i % 2 ? limits : elsewhere, principal)),
    );
    expect(answers.filter(({ admitted }) => admitted)).toHaveLength(100);
  });

  test('do not touch other keys', async () => {
    const [busy, quiet] = [someone({ requestsPerMinute: 1 }), someone({ requestsPerMinute: 1 })];
    await admit(limits, busy);
    expect(await admit(limits, busy)).toEqual(refusal('requests'));
    expect(await admit(limits, quiet)).toHaveProperty('admitted', true);
  });
});

describe('tokens of a key per minute', () => {
  test('are limited, and those of a refused request are not used up', async () => {
    const principal = someone();
    expect(await admit(limits, principal, 700)).toHaveProperty('admitted', true);
    const refused = await admit(elsewhere, principal, 400);
    expect(refused).toEqual(refusal('tokens'));
    expect(refused.headers['x-ratelimit-remaining-tokens']).toBe('300');
    await until(async () => (await redis.get(`${prefix}:rate:tokens:${principal.keyId}`)) === '700');
    const last = await admit(elsewhere, principal, 300);
    expect(last).toHaveProperty('admitted', true);
    expect(last.headers['x-ratelimit-remaining-tokens']).toBe('0');
  });

  test('a request that could never fit is refused with both numbers, without a time to wait for', async () => {
    const principal = someone();
    const refused = await admit(limits, principal, 1_001);
    if (refused.admitted) throw new Error('was admitted');
    expect(refused.error.message).toMatch(/1001 tokens.*1000 tokens per minute/);
    expect(refused.error.retryAfterMs).toBeUndefined();
    expect(refused.headers).toMatchObject({ 'x-should-retry': 'false', 'x-ratelimit-remaining-tokens': '1000' });
    expect(await admit(limits, principal, 1_000)).toHaveProperty('admitted', true);
  });

  test.each([-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY])(
    'an estimate of %d is a bug of the caller',
    async (tokens) => {
      await expect(admit(limits, someone(), tokens)).rejects.toThrow(TypeError);
    },
  );
});

describe('open requests of a key', () => {
  test('are limited over all processes, and a released slot is free at once', async () => {
    const principal = someone({ concurrency: 2 });
    const first = await admit(limits, principal);
    await admit(elsewhere, principal);
    const refused = await admit(elsewhere, principal);
    expect(refused).toEqual(refusal('concurrency'));
    await elsewhere.releaseKey(principal, first.requestId);
    expect(await admit(limits, principal)).toHaveProperty('admitted', true);
    expect(await admit(limits, principal)).toEqual(refusal('concurrency'));
  });

  test('of 50 sent at once with 10 slots exactly 10 are admitted, and a refused one holds nothing', async () => {
    const principal = someone({ concurrency: 10 });
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, i) => admit(i % 2 ? limits : elsewhere, principal)),
    );
    const admitted = answers.filter((answer) => answer.admitted);
    expect(admitted).toHaveLength(10);
    for (const { requestId } of admitted) await limits.releaseKey(principal, requestId);
    expect(await redis.exists(`${prefix}:rate:slots:${principal.keyId}`)).toBe(0);
  });

  test('a request refused for its rate gives its slot back', async () => {
    const principal = someone({ requestsPerMinute: 1, concurrency: 5 });
    const { requestId } = await admit(limits, principal);
    await admit(limits, principal);
    await until(async () => (await redis.zcard(`${prefix}:rate:slots:${principal.keyId}`)) === 1);
    expect(await redis.zrange(`${prefix}:rate:slots:${principal.keyId}`, '0', '-1')).toEqual([requestId]);
  });

  test('what a crashed process held comes back after the deadline of its requests, and nothing stays in Redis', async () => {
    const principal = someone({ concurrency: 1 });
    const deadlineMs = 400;
    await elsewhere.admitKey(principal, 1, newId('req'), deadlineMs);
    expect(await limits.admitKey(principal, 1, newId('req'), deadlineMs)).toEqual(refusal('concurrency'));
    await until(async () => (await limits.admitKey(principal, 1, newId('req'), deadlineMs)).admitted);
    await until(async () => (await redis.exists(`${prefix}:rate:slots:${principal.keyId}`)) === 0);
  });

  test('admitting one request twice takes one slot; releasing it twice, or a stranger, does no harm', async () => {
    const principal = someone({ concurrency: 1 });
    const { requestId } = await admit(limits, principal);
    expect(await admit(limits, principal, 1, requestId)).toHaveProperty('admitted', true);
    await limits.releaseKey(principal, newId('req'));
    expect(await admit(limits, principal)).toEqual(refusal('concurrency'));
    await limits.releaseKey(principal, requestId);
    await limits.releaseKey(principal, requestId);
    expect(await admit(limits, principal)).toHaveProperty('admitted', true);
  });
});

describe('without Redis', () => {
  test('requests are still admitted at once, within limits that this process counts', async () => {
    const alone = limitsOver(noRedis);
    const started = performance.now();
    const principal = someone({ requestsPerMinute: 3, tokensPerMinute: 100 });
    const answers = [];
    for (const tokens of [10, 95, 80, 1]) answers.push(await admit(alone, principal, tokens));
    expect(performance.now() - started).toBeLessThan(500);
    expect(answers.map(({ admitted }) => admitted)).toEqual([true, false, true, false]);
    expect(answers[0]?.headers).toMatchObject({
      'x-ratelimit-remaining-requests': '2',
      'x-ratelimit-remaining-tokens': '90',
    });
    expect(answers[1]).toEqual(refusal('tokens'));
    expect(answers[3]).toEqual(refusal('requests'));
  });

  test('slots are counted in this process and released without an error', async () => {
    const alone = limitsOver(noRedis);
    const principal = someone({ concurrency: 2 });
    const [first] = [await admit(alone, principal), await admit(alone, principal)];
    expect(await admit(alone, principal)).toEqual(refusal('concurrency'));
    await expect(alone.releaseKey(principal, first.requestId)).resolves.toBeUndefined();
    expect(await admit(alone, principal)).toHaveProperty('admitted', true);
  });

  test('a slot that could not be given back is given back with the next request of its key', async () => {
    const connection = createRedis(stores.redisUrl, 'commands', silent);
    await redisReady(connection);
    const unlucky = limitsOver(connection);
    const principal = someone({ concurrency: 1 });
    const { requestId } = await admit(unlucky, principal);
    connection.disconnect();
    await until(() => connection.status === 'end');
    await unlucky.releaseKey(principal, requestId);
    expect(await redis.zcard(`${prefix}:rate:slots:${principal.keyId}`)).toBe(1);
    await connection.connect();
    const next = await admit(unlucky, principal);
    expect(next).toHaveProperty('admitted', true);
    expect(await redis.zrange(`${prefix}:rate:slots:${principal.keyId}`, '0', '-1')).toEqual([next.requestId]);
    connection.disconnect();
  });

  test('a Redis that hangs delays a request by the time limit of a command, no more', async () => {
    const { hostname: host, port } = new URL(stores.redisUrl);
    const wire = await openWire({ host, port: Number(port) });
    const connection = createRedis(`redis://127.0.0.1:${wire.port}`, 'commands', silent);
    await redisReady(connection);
    const slow = limitsOver(connection);
    const principal = someone();
    await admit(slow, principal);
    wire.freeze();
    const started = performance.now();
    const answer = await admit(slow, principal);
    expect(answer).toHaveProperty('admitted', true);
    await slow.releaseKey(principal, answer.requestId);
    expect(performance.now() - started).toBeLessThan(6_000);
    connection.disconnect();
    await wire.close();
  });

  test('bad keys are counted in this process', () => {
    const alone = limitsOver(noRedis);
    for (let i = 0; i < 3; i++) alone.countBadKey('192.0.2.77');
    expect(alone.badKeysExceeded('192.0.2.77')).toBeGreaterThan(0);
  });
});

describe('requests of an address', () => {
  test('are limited before authentication and free again a minute after the first', () => {
    let nowMs = 1_000;
    const own = limitsOver(noRedis, () => nowMs);
    for (let i = 0; i < 5; i++) own.admitIp('192.0.2.1');
    nowMs += 20_000;
    expect(() => own.admitIp('192.0.2.1')).toThrow(
      expect.objectContaining({ code: 'rate_limit_exceeded', retryAfterMs: 40_000 }),
    );
    expect(() => own.admitIp('192.0.2.2')).not.toThrow();
    nowMs += 40_000;
    expect(() => own.admitIp('192.0.2.1')).not.toThrow();
  });

  test('an IPv6 subscriber cannot evade the limit inside a /64, nor IPv4 by writing it as IPv6', () => {
    const own = limitsOver(noRedis);
    for (let i = 0; i < 5; i++) own.admitIp(`2001:db8:0:1::${i + 1}`);
    expect(() => own.admitIp('2001:db8:0:1:ffff::')).toThrow();
    expect(() => own.admitIp('2001:db8:0:2::1')).not.toThrow();
    for (let i = 0; i < 5; i++) own.admitIp('192.0.2.9');
    expect(() => own.admitIp('::ffff:192.0.2.9')).toThrow();
  });
});

describe('bad keys of an address', () => {
  test('exceed at the limit, for every process after at most one more try, and do not touch others', async () => {
    const ip = '198.51.100.5';
    for (let i = 0; i < 3; i++) {
      expect(limits.badKeysExceeded(ip)).toBe(0);
      limits.countBadKey(ip);
    }
    expect(limits.badKeysExceeded(ip)).toBeGreaterThan(50_000);
    expect(limits.badKeysExceeded('198.51.100.6')).toBe(0);
    await until(async () => (await redis.get(`${prefix}:rate:bad-keys:${ip}`)) === '3');
    expect(elsewhere.badKeysExceeded(ip)).toBe(0);
    elsewhere.countBadKey(ip);
    await until(() => elsewhere.badKeysExceeded(ip) > 0);
  });
});
