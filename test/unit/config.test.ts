import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { ConfigError, type Environment, loadConfig, loadSandboxConfig } from '../../src/config.ts';

const secret = (seed: number) =>
  Buffer.from(Array.from({ length: 32 }, (_, i) => (i * 37 + seed) % 256)).toString('base64');
const GOOD: Environment = {
  MONGODB_URI: 'mongodb://127.0.0.1:27017',
  REDIS_URL: 'redis://127.0.0.1:6379',
  KEY_PEPPER: secret(1),
  MASTER_KEYS: `1:${secret(2)}`,
};

function problemsOf(changes: Environment): readonly string[] {
  try {
    loadConfig({ ...GOOD, ...changes });
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

test('four values are enough for production; everything else has a default', () => {
  const config = loadConfig(GOOD);
  expect(config.mode).toBe('production');
  expect(config.api).toMatchObject({ host: '127.0.0.1', port: 8080, publicUrl: 'http://127.0.0.1:8080' });
  expect(config.webhooks.allowLoopback).toBe(false);
  expect(config.secrets.masterKeys.get(1)?.length).toBe(32);
});

test('Redis may be named by the path of its socket', () => {
  expect(loadConfig({ ...GOOD, REDIS_URL: '/run/redis/redis.sock' }).redis.url).toBe('/run/redis/redis.sock');
});

test('every missing value is named at once', () => {
  const everything = problemsOf({
    MONGODB_URI: undefined,
    REDIS_URL: '',
    KEY_PEPPER: undefined,
    MASTER_KEYS: undefined,
  });
  expect(everything).toEqual(
    expect.arrayContaining(['MONGODB_URI: is missing', 'KEY_PEPPER: is missing', 'MASTER_KEYS: is missing']),
  );
  expect(everything).toHaveLength(4);
});

describe('a bad value is refused with its name', () => {
  test.each<[string, string]>([
    ['OCELOTIQ_MODE', 'prod'],
    ['LOG_LEVEL', 'loud'],
    ['MONGODB_URI', 'postgres://127.0.0.1'],
    ['MONGODB_DATABASE', 'a/b'],
    ['MONGODB_POOL_MAX', '0'],
    ['REDIS_URL', '127.0.0.1:6379'],
    ['REDIS_URL', '//127.0.0.1:6379'],
    ['REDIS_PREFIX', 'a:b'],
    ['API_PORT', '65536'],
    ['API_PORT', '80.5'],
    ['API_PORT', 'http'],
    ['API_PUBLIC_URL', 'api.example.com'],
    ['API_BODY_BYTES_MAX', '1000000000'],
    ['OPEN_REQUESTS_MAX', '501'],
    ['LEASE_MS', '-1'],
    ['LEASE_MS', 'NaN'],
    ['LEASE_MS', 'Infinity'],
    ['PROVIDER_BYTES_MAX', '1e12'],
    ['WEBHOOK_ALLOW_LOOPBACK', 'yes'],
    ['WEBHOOK_RETRY_SECONDS', '5;300'],
    ['WEBHOOK_RETRY_SECONDS', new Array(21).fill('5').join(',')],
    ['IDEMPOTENCY_RETENTION_HOURS', '23'],
    ['CRASH_POINT', 'anywhere'],
    ['KEY_PEPPER', Buffer.alloc(31, 7).toString('base64')],
    ['MASTER_KEYS', secret(2)],
    ['MASTER_KEYS', `1:${Buffer.from('too short').toString('base64')}`],
    ['MASTER_KEYS', `1:${Buffer.alloc(64, 'abcdefghijklmnopqrstuvwxyz').toString('base64')}`],
    ['MASTER_KEYS', `one:${secret(2)}`],
  ])('%s=%s', (name, value) => {
    const problems = problemsOf({ [name]: value });
    expect(problems.length).toBeGreaterThan(0);
    for (const problem of problems) expect(problem).toMatch(new RegExp(`^${name}\\b`));
  });
});

describe('timers that cannot work together are refused', () => {
  test.each<[string, Environment]>([
    ['LEASE_HEARTBEAT_MS x 3', { LEASE_HEARTBEAT_MS: '7000' }],
    ['QUEUE_LOCK_MS must be shorter', { QUEUE_LOCK_MS: '20000' }],
    ['LEASE_MS must not exceed QUEUE_LOCK_MS', { QUEUE_LOCK_MS: '9000' }],
    [
      'PROVIDER_CONNECT_MS',
      { PROVIDER_CONNECT_MS: '5000', REQUEST_DEADLINE_MS: '5000', PROVIDER_FIRST_BYTE_MS: '4000' },
    ],
    ['PROVIDER_FIRST_BYTE_MS', { PROVIDER_FIRST_BYTE_MS: '300001' }],
    ['PROVIDER_IDLE_MS', { PROVIDER_IDLE_MS: '45000', STREAM_DEADLINE_MS: '44000' }],
    ['HOLD_GRACE_MS', { HOLD_GRACE_MS: '19000' }],
    ['WORKER_DRAIN_MS', { WORKER_DRAIN_MS: '130000' }],
    ['API_DRAIN_MS', { API_DRAIN_MS: '126000' }],
    ['WEBHOOK_CONNECT_MS', { WEBHOOK_TOTAL_MS: '4000' }],
  ])('%s', (text, changes) => {
    expect(problemsOf(changes)).toEqual([expect.stringContaining(text)]);
  });
});

test('production refuses example secrets and what is for evaluation or tests only; evaluation allows them', () => {
  const unsafe: Environment = {
    KEY_PEPPER: Buffer.alloc(32).toString('base64'),
    MASTER_KEYS: `1:${Buffer.alloc(32, 'a').toString('base64')}`,
    WEBHOOK_ALLOW_LOOPBACK: 'true',
    CRASH_POINT: 'run.after_claim',
  };
  expect(problemsOf(unsafe)).toEqual([
    expect.stringMatching(/^KEY_PEPPER: is an example value/),
    expect.stringMatching(/^MASTER_KEYS: is an example value/),
    expect.stringMatching(/^WEBHOOK_ALLOW_LOOPBACK/),
    expect.stringMatching(/^CRASH_POINT/),
  ]);
  expect(problemsOf({ ...unsafe, OCELOTIQ_MODE: 'evaluation' })).toEqual([]);
});

test('no problem repeats a secret', () => {
  const planted = 'hunter2hunter2';
  const text = problemsOf({
    KEY_PEPPER: planted,
    MASTER_KEYS: `x:${planted}`,
    MONGODB_URI: `mongo://root:${planted}@db`,
    REDIS_URL: `tcp://:${planted}@cache`,
  }).join('\n');
  expect(text).not.toContain(planted);
});

test('a secret may be a file; one that cannot be read is named, and an empty value counts as none', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ocelotiq-config-'));
  try {
    writeFileSync(join(folder, 'pepper'), `${secret(9)}\n`);
    writeFileSync(join(folder, 'provider'), 'upstream-key\n');
    const config = loadConfig({
      ...GOOD,
      KEY_PEPPER: undefined,
      KEY_PEPPER_FILE: join(folder, 'pepper'),
      PROVIDER_KEY_OPENAI_FILE: join(folder, 'provider'),
      PROVIDER_KEY_OTHER: 'direct',
    });
    expect(config.secrets.pepper.toString('base64')).toBe(secret(9));
    expect([...config.providerKeys]).toEqual(
      expect.arrayContaining([
        ['openai', 'upstream-key'],
        ['other', 'direct'],
      ]),
    );
    const problems = problemsOf({ KEY_PEPPER: undefined, KEY_PEPPER_FILE: join(folder, 'none') });
    expect(problems).toEqual(expect.arrayContaining(['KEY_PEPPER_FILE: the file cannot be read']));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('the configuration cannot be changed afterwards', () => {
  const config = loadConfig(GOOD);
  for (const object of [config, config.api, config.rates.key, config.requests.deadlineMs, config.api.trustedProxies])
    expect(Object.isFrozen(object)).toBe(true);
});

test('old master keys stay usable beside the new one', () => {
  const { secrets } = loadConfig({ ...GOOD, MASTER_KEYS: `1:${secret(2)}, 2:${secret(3)}` });
  expect([...secrets.masterKeys.keys()]).toEqual([1, 2]);
});

test('the sandbox needs nothing and refuses a bad port', () => {
  expect(loadSandboxConfig({})).toEqual({ host: '127.0.0.1', port: 8090, apiKey: undefined });
  expect(() => loadSandboxConfig({ SANDBOX_PORT: 'x' })).toThrow(/SANDBOX_PORT/);
});
