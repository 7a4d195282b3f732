import { describe, expect, test } from '@jest/globals';
import { issueKey, listKeys, revokeKey } from '../../src/auth/keys.ts';
import { newId } from '../../src/ids.ts';
import { ApiKey } from '../../src/models/api-key.ts';
import { useStores } from '../helpers/stores.ts';
import { issue, makeAccount, pepper, seal } from './desk.ts';

useStores();
const silence = async () => undefined;

describe('issuing', () => {
  test('neither the key nor the secret nor the callback URL can be read in the database', async () => {
    const { key, webhookSecret, document } = await issue({ callbackUrl: 'https://hooks.example/secret-path' });
    expect(webhookSecret).toMatch(/^whsec_[0-9A-Za-z+/]{43}=$/);
    const raw = await ApiKey.collection.findOne({ _id: document._id } as object);
    const stored = JSON.stringify(raw, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
    for (const secret of [key, key.slice(9), webhookSecret, 'secret-path']) {
      expect(stored).not.toContain(secret);
      expect(stored).not.toContain(Buffer.from(secret).toString('base64').slice(0, 20));
    }
  });

  test('needs an account that exists', async () => {
    await expect(issue({ accountId: newId('acc') })).rejects.toMatchObject({ code: 'not_found', param: 'accountId' });
    await expect(issue({ accountId: 'acc_1' })).rejects.toMatchObject({ code: 'invalid_request', param: 'accountId' });
    expect(await ApiKey.countDocuments({ accountId: 'acc_1' })).toBe(0);
  });

  test.each([
    ['limits.dailyMicros', { limits: { dailyMicros: 0n } }],
    ['limits.dailyMicros', { limits: { dailyMicros: 10n ** 19n } }],
    ['limits.requestsPerMinute', { limits: { requestsPerMinute: 1.5 } }],
    ['scopes.models.0', { scopes: { models: ['a b'] } }],
    ['scopes.models.0', { scopes: { models: ['a*b'] } }],
    ['label', { label: 'x'.repeat(101) }],
  ])('refuses a wrong %s by name', async (param, settings) => {
    const accountId = await makeAccount();
    await expect(issue({ accountId, ...settings })).rejects.toMatchObject({ code: 'invalid_request', param });
  });

  test('refuses callback URLs that are not https; loopback http only where allowed', async () => {
    const accountId = await makeAccount();
    const options = { pepper, seal };
    await expect(issueKey({ accountId, callbackUrl: 'http://127.0.0.1:9999/' }, options)).rejects.toMatchObject({
      code: 'callback_url_forbidden',
    });
    await expect(
      issueKey({ accountId, callbackUrl: 'http://127.0.0.1:9999/' }, { ...options, loopbackAllowed: true }),
    ).resolves.toBeDefined();
    for (const text of [
      'http://shop.example/',
      'ftp://shop.example',
      'https://u:p@shop.example/',
      'shop.example',
      'javascript:0',
      '',
      // What would never be called must not be stored either.
      'https://10.0.0.1/',
      'https://shop.example:22/',
      'https://metadata.google.internal/',
      `https://shop.example/${'x'.repeat(5_000)}`,
    ]) {
      await expect(
        issueKey({ accountId, callbackUrl: text }, { ...options, loopbackAllowed: true }),
      ).rejects.toMatchObject({ code: expect.stringMatching(/^(callback_url_forbidden|invalid_request)$/) });
    }
  });
});

describe('listing', () => {
  test('shows an account its own keys only, and nothing that could be used', async () => {
    const accountId = await makeAccount();
    const first = await issue({
      accountId,
      label: 'one',
      limits: { monthlyMicros: 5n },
      callbackUrl: 'https://a.example/',
    });
    await issue({ accountId, label: 'two' });
    await issue();
    const listed = await listKeys(accountId);
    expect(listed.map(({ label }) => label)).toEqual(['one', 'two']);
    expect(listed[0]).toEqual({
      id: first.document._id,
      accountId,
      label: 'one',
      prefix: first.key.slice(0, 12),
      last4: first.key.slice(-4),
      scopes: { models: [], endpoints: [] },
      limits: { monthlyMicros: 5n },
      onDisconnect: 'cancel',
      zeroRetention: false,
      webhook: { hasUrl: true },
      createdAt: first.document.createdAt,
    });
    expect((await listKeys()).length).toBeGreaterThanOrEqual(3);
  });
});

describe('revoking', () => {
  test('is final, keeps its first moment when repeated, and tells the processes each time', async () => {
    const { document } = await issue();
    const told: string[] = [];
    const publish = async (keyId: string) => told.push(keyId);
    const first = await revokeKey(document._id, publish);
    const second = await revokeKey(document._id, publish);
    expect(second).toEqual(first);
    expect(told).toEqual([document._id, document._id]);
  });

  test('holds even when nobody could be told', async () => {
    const { document } = await issue();
    const result = await revokeKey(document._id, () => Promise.reject(new Error('Redis is away')));
    expect(result.told).toBe(false);
    expect((await ApiKey.findById(document._id).lean())?.revokedAt).toEqual(result.revokedAt);
  });

  test('of what is no key is refused', async () => {
    for (const keyId of [newId('key'), 'key_1', ''])
      await expect(revokeKey(keyId, silence)).rejects.toHaveProperty('code', 'not_found');
  });
});
