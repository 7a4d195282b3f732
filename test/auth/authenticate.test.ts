import { randomUUID } from 'node:crypto';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { generateKey, keyDigest } from '../../src/auth/key-format.ts';
import { publishKeyChange, revokeKey } from '../../src/auth/keys.ts';
import { AppError, errorBody } from '../../src/errors.ts';
import { ApiKey } from '../../src/models/api-key.ts';
import { accountPrivacy, changeAccountPrivacy } from '../../src/privacy/account-privacy.ts';
import { createRedis, redisReady } from '../../src/redis.ts';
import { runs } from '../helpers/property-runs.ts';
import { useStores } from '../helpers/stores.ts';
import { bearer, cipher, commandsDuring, type Desk, issue, openDesk, pepper, silent } from './desk.ts';
import { openWire, until } from './wire.ts';

const stores = useStores();
const redis = createRedis(stores.redisUrl, 'commands', silent);
const publish = (keyId: string) => publishKeyChange(redis, stores.prefix, keyId);
const silence = async () => undefined;
let desk: Desk;

beforeAll(async () => {
  await redisReady(redis);
  desk = await openDesk(stores);
});

afterAll(async () => {
  await desk.leave();
  redis.disconnect();
});

const refusedBy = (from: Desk, key: string) =>
  from.authenticate(bearer(key)).then(
    () => undefined,
    (error: unknown) => (error instanceof AppError ? error.code : 'no AppError'),
  );

describe('authentication', () => {
  test('a key opens its account with everything that was decided about it', async () => {
    const expiresAt = new Date(Date.now() + 3_600_000);
    const { document, key, webhookSecret } = await issue({
      label: 'shop',
      scopes: { models: ['gpt-*'], endpoints: ['chat.completions'] },
      limits: {
        dailyMicros: 100_000_000n,
        lifetimeMicros: 9_007_199_254_740_993n,
        requestsPerMinute: 7,
        concurrency: 3,
      },
      expiresAt,
      onDisconnect: 'finish',
      zeroRetention: true,
      callbackUrl: 'https://shop.example/hook',
    });
    const principal = await desk.authenticate(bearer(key));
    expect(principal).toEqual({
      keyId: document._id,
      accountId: document.accountId,
      label: 'shop',
      scopes: { models: ['gpt-*'], endpoints: ['chat.completions'] },
      limits: {
        dailyMicros: 100_000_000n,
        lifetimeMicros: 9_007_199_254_740_993n,
        requestsPerMinute: 7,
        concurrency: 3,
      },
      expiresAt,
      onDisconnect: 'finish',
      zeroRetention: true,
      domesticOnly: false,
      webhook: { hasUrl: true, disabled: false, url: document.webhook.url, secrets: document.webhook.secrets },
      prefix: key.slice(0, 12),
      last4: key.slice(-4),
      createdAt: document.createdAt,
    });
    const open = (field: string, sealed: Uint8Array | undefined) =>
      cipher.open(document.accountId, `api_keys|${document._id}|webhook.${field}`, sealed ?? Buffer.of());
    expect((await open('url', principal.webhook.url)).toString()).toBe('https://shop.example/hook');
    expect((await open('secret', principal.webhook.secrets[0])).toString()).toBe(webhookSecret);
  });

  test('a principal is deeply frozen', async () => {
    const { key } = await issue({ limits: { dailyMicros: 1n }, callbackUrl: 'https://shop.example/hook' });
    const principal = await desk.authenticate(bearer(key));
    for (const part of [
      principal,
      principal.scopes,
      principal.scopes.models,
      principal.limits,
      principal.webhook,
      principal.webhook.secrets,
    ]) {
      expect(Object.isFrozen(part)).toBe(true);
    }
    expect(() => Object.assign(principal.limits, { dailyMicros: 2n })).toThrow(TypeError);
  });

  test('the scheme is Bearer in any case; everything else is a missing key', async () => {
    const { key } = await issue();
    await expect(desk.authenticate(`bEARER  ${key} `)).resolves.toHaveProperty('last4', key.slice(-4));
    for (const header of [undefined, '', 'Bearer', 'Bearer   ', `Basic ${key}`, key]) {
      await expect(desk.authenticate(header)).rejects.toHaveProperty('code', 'missing_api_key');
    }
  });

  test('a malformed or mistyped key costs no database read', async () => {
    const { key } = await issue();
    const commands = await commandsDuring(async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.nat(46),
          fc.constantFrom('0', '9', 'A', 'Z', 'a', 'z', '_', '$'),
          async (position, letter) => {
            fc.pre(key[position] !== letter);
            const changed = key.slice(0, position) + letter + key.slice(position + 1);
            expect(await refusedBy(desk, changed)).toBe('invalid_api_key');
          },
        ),
        runs(300),
      );
      for (const text of ['sk-something', '{"$ne":null}', 'a'.repeat(100_000)]) {
        expect(await refusedBy(desk, text)).toBe('invalid_api_key');
      }
    });
    expect(commands).toEqual([]);
  });

  test('unknown, revoked and malformed keys get one answer, which never holds the key', async () => {
    const revoked = await issue();
    await revokeKey(revoked.document._id, publish);
    const bodies: unknown[] = [];
    for (const key of [generateKey('live'), revoked.key, `${revoked.key.slice(0, -1)}!`]) {
      const error = await desk.authenticate(bearer(key)).catch((caught: unknown) => caught);
      if (!(error instanceof AppError)) throw new Error('an AppError was expected');
      expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(key.slice(9));
      bodies.push(errorBody(error));
    }
    expect(new Set(bodies.map((body) => JSON.stringify(body))).size).toBe(1);
  });

  test('an expired key is told so, from the very moment of its expiry', async () => {
    let nowMs = Date.now();
    const own = await openDesk(stores, { now: () => nowMs });
    const expiresAt = new Date(nowMs + 5_000);
    const { key } = await issue({ expiresAt });
    nowMs = expiresAt.getTime() - 1;
    expect(await refusedBy(own, key)).toBeUndefined();
    nowMs = expiresAt.getTime();
    expect(await refusedBy(own, key)).toBe('expired_api_key');
    await own.leave();
  });

  test('50 parallel authentications of a new key are one read of it and one of its account', async () => {
    const { key } = await issue();
    const commands = await commandsDuring(() =>
      Promise.all(Array.from({ length: 50 }, () => desk.authenticate(bearer(key)))),
    );
    // The key, and what its account has decided.
    expect(commands).toEqual(['find', 'find']);
  });

  test('what an account has decided about its data holds for its keys within a second', async () => {
    const { key, document } = await issue();
    const before = await desk.authenticate(bearer(key));
    expect([before.zeroRetention, before.domesticOnly]).toEqual([false, false]);
    await changeAccountPrivacy(document.accountId, { zeroRetention: true, domesticOnly: true }, document._id);
    await until(async () => {
      const { zeroRetention, domesticOnly } = await desk.authenticate(bearer(key));
      return zeroRetention && domesticOnly;
    });
    await changeAccountPrivacy(document.accountId, { zeroRetention: false }, document._id);
    await until(async () => !(await desk.authenticate(bearer(key))).zeroRetention);
    expect(await accountPrivacy(document.accountId)).toEqual({ zeroRetention: false, domesticOnly: true });
  });

  test('a key that keeps nothing does so whatever its account says', async () => {
    const { key, document } = await issue({ zeroRetention: true });
    await changeAccountPrivacy(document.accountId, { zeroRetention: false }, document._id);
    expect((await desk.authenticate(bearer(key))).zeroRetention).toBe(true);
  });

  test('keys that are new together share reads', async () => {
    const keys = await Promise.all(Array.from({ length: 40 }, () => issue()));
    const commands = await commandsDuring(() => Promise.all(keys.map(({ key }) => desk.authenticate(bearer(key)))));
    // Each is two: keys, and their accounts.
    expect(commands.length).toBeLessThan(20);
  });

  test('a busy key is read in the background and its users never wait for a read', async () => {
    let atMs = 0;
    const own = await openDesk(stores, { monotonic: () => atMs });
    const { key, document } = await issue({ label: 'before' });
    await own.authenticate(bearer(key));
    await ApiKey.updateOne({ _id: document._id }, { label: 'after' });
    atMs = 399;
    expect(await commandsDuring(async () => own.authenticate(bearer(key)))).toEqual([]);
    atMs = 400;
    expect((await own.authenticate(bearer(key))).label).toBe('before');
    await until(async () => (await own.authenticate(bearer(key))).label === 'after');
    await own.leave();
  });
});

describe('unknown keys', () => {
  test('are remembered for 30 s, so a repeated one costs no read', async () => {
    let atMs = 0;
    const own = await openDesk(stores, { monotonic: () => atMs });
    const key = generateKey('live');
    const ask = () => commandsDuring(() => refusedBy(own, key));
    expect(await ask()).toEqual(['find']);
    atMs = 29_999;
    expect(await ask()).toEqual([]);
    atMs = 30_001;
    expect(await ask()).toEqual(['find']);
    await own.leave();
  });

  test('are forgotten at once when any key changes', async () => {
    const key = generateKey('test');
    await refusedBy(desk, key);
    const { document } = await issue();
    await ApiKey.updateOne({ _id: document._id }, { digest: keyDigest(pepper, key) });
    expect(await refusedBy(desk, key)).toBe('invalid_api_key');
    await publish(document._id);
    await until(async () => (await refusedBy(desk, key)) === undefined);
  });
});

describe('revocation', () => {
  /** Nothing grows old by this clock, so only a message can make a process forget. */
  const stopped = { monotonic: () => 0 };

  test('is effective in every process as soon as the message arrives', async () => {
    const [one, two] = await Promise.all([openDesk(stores, stopped), openDesk(stores, stopped)]);
    const { key, document } = await issue();
    for (const process of [one, two]) expect(await refusedBy(process, key)).toBeUndefined();
    expect(await revokeKey(document._id, publish)).toHaveProperty('told', true);
    for (const process of [one, two]) await until(async () => (await refusedBy(process, key)) === 'invalid_api_key');
    await Promise.all([one.leave(), two.leave()]);
  });

  test('is effective within a second in every process when no message is sent at all', async () => {
    const other = await openDesk(stores);
    const { key, document } = await issue();
    for (const process of [desk, other]) expect(await refusedBy(process, key)).toBeUndefined();
    await revokeKey(document._id, silence);
    const elapsedMs = await Promise.all(
      [desk, other].map((process) => until(async () => (await refusedBy(process, key)) === 'invalid_api_key')),
    );
    for (const ms of elapsedMs) expect(ms).toBeLessThan(1_000);
    await other.leave();
  });

  test('is effective within a second where the line to Redis is cut, and by message again once it is mended', async () => {
    const { hostname: host, port } = new URL(stores.redisUrl);
    const wire = await openWire({ host, port: Number(port) });
    let clock = () => performance.now();
    const remote = await openDesk(stores, { redisUrl: `redis://127.0.0.1:${wire.port}`, monotonic: () => clock() });
    const first = await issue();
    expect(await refusedBy(remote, first.key)).toBeUndefined();
    wire.cut();
    await revokeKey(first.document._id, publish);
    expect(await until(async () => (await refusedBy(remote, first.key)) === 'invalid_api_key')).toBeLessThan(1_000);

    wire.mend();
    await until(async () => Number((await redis.pubsub('NUMSUB', `${stores.prefix}:keys`))[1]) === 2);
    const stoppedAtMs = performance.now();
    clock = () => stoppedAtMs;
    const second = await issue();
    expect(await refusedBy(remote, second.key)).toBeUndefined();
    await revokeKey(second.document._id, publish);
    await until(async () => (await refusedBy(remote, second.key)) === 'invalid_api_key');
    await remote.leave();
    await wire.close();
  });

  test('that falls between a read and its answer does not leave the key in the cache', async () => {
    let atMs = 0;
    const own = await openDesk(stores, { monotonic: () => atMs });
    const { key, document } = await issue();
    const reading = own.authenticate(bearer(key));
    await publish(document._id);
    await reading;
    atMs = 1;
    expect((await commandsDuring(() => own.authenticate(bearer(key)))).length).toBeLessThanOrEqual(2);
    await own.leave();
  });
});

describe('last use', () => {
  test('is written once for many uses, and unknown keys or a close do no harm', async () => {
    const own = await openDesk(stores, { now: () => Date.parse('2026-11-22T12:00:00Z') });
    const { document } = await issue();
    const commands = await commandsDuring(async () => {
      for (let i = 0; i < 1_000; i++) own.touch(document._id);
      own.touch(`key_${randomUUID()}`);
      await own.leave();
    });
    expect(commands).toEqual(['update']);
    const stored = await ApiKey.findById(document._id).lean();
    expect(stored?.lastUsedAt).toEqual(new Date('2026-11-22T12:00:00Z'));
  });
});
