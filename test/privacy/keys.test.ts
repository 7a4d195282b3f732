import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import mongoose from 'mongoose';
import { newId } from '../../src/ids.ts';
import { nativeCollection } from '../../src/models/connect.ts';
import { DataKey, type DataKeyDocument } from '../../src/models/data-key.ts';
import { CACHE_TTL_MS, createContentCipher } from '../../src/privacy/content-key.ts';
import { createKeyStore } from '../../src/privacy/key-store.ts';
import { resealAccount } from '../../src/privacy/reseal.ts';
import { requests } from '../helpers/invariants.ts';
import { useStores } from '../helpers/stores.ts';

const stores = useStores();
const running = new AbortController().signal;
const [first, second] = [randomBytes(32), randomBytes(32)];
const OLD = new Map([[1, first]]);
const BOTH = new Map([
  [1, first],
  [2, second],
]);
const NEW = new Map([[2, second]]);
const keys = () => nativeCollection<DataKeyDocument>(DataKey);
let accountId: string;
beforeEach(() => {
  accountId = newId('acc');
});

async function sealed(masterKeys = OLD): Promise<Buffer> {
  return createContentCipher(masterKeys).seal(accountId, 'requests|r|input', Buffer.from('the text'));
}
const opened = async (bytes: Uint8Array, masterKeys: ReadonlyMap<number, Uint8Array> = OLD) =>
  (await createContentCipher(masterKeys).open(accountId, 'requests|r|input', bytes)).toString();

describe('sealed content', () => {
  test('opens in its own place only: not in another account, document or field, nor when a bit has changed', async () => {
    const [bytes, cipher, other] = [await sealed(), createContentCipher(OLD), newId('acc')];
    expect(await opened(bytes)).toBe('the text');
    await cipher.seal(other, 'requests|r|input', Buffer.from('x'));
    await expect(cipher.open(other, 'requests|r|input', bytes)).rejects.toThrow();
    await expect(cipher.open(accountId, 'requests|s|input', bytes)).rejects.toThrow();
    await expect(cipher.open(accountId, 'requests|r|result', bytes)).rejects.toThrow();
    for (const at of [0, 2, 5, 20, bytes.length - 1]) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 1;
      await expect(opened(changed)).rejects.toThrow();
    }
  });

  test('a wrapped key given to another account does not unwrap there', async () => {
    await sealed();
    const other = newId('acc');
    const stolen = await keys().findOne({ _id: accountId });
    await keys().insertOne({ _id: other, versions: stolen?.versions ?? [], createdAt: new Date() });
    await expect(createContentCipher(OLD).open(other, 'c', await sealed())).rejects.toThrow(/auth/);
  });

  test('has its keys in a database of its own', async () => {
    await sealed();
    const names = await mongoose.connection.db?.listCollections({}, { nameOnly: true }).toArray();
    expect(names?.map(({ name }) => name)).not.toContain('data_keys');
    const kept = mongoose.connection.useDb(`${stores.database}_keys`).collection<{ _id: string }>('data_keys');
    expect(await kept.countDocuments({ _id: accountId })).toBe(1);
  });

  test('is sealed under one key when many processes meet a new account at once', async () => {
    const all = await Promise.all(Array.from({ length: 8 }, () => sealed()));
    expect(await Promise.all(all.map((bytes) => opened(bytes)))).toEqual(Array(8).fill('the text'));
    expect((await keys().findOne({ _id: accountId }))?.versions).toHaveLength(1);
  });
});

describe('rotating the master key', () => {
  test('wraps every key anew, so that the old one may go, and touches no content', async () => {
    const bytes = await sealed(OLD);
    await expect(opened(bytes, NEW)).rejects.toThrow('master key version 1 is not configured');
    // The key that was put where it does not belong (above) is met, counted and left.
    expect((await createKeyStore(BOTH).rotateMaster(running)).changed).toBeGreaterThanOrEqual(1);
    expect(await opened(bytes, NEW)).toBe('the text');
    await expect(opened(bytes, OLD)).rejects.toThrow('master key version 2 is not configured');
    expect(await createKeyStore(BOTH).rotateMaster(running)).toEqual({ changed: 0, unreadable: 1 });
    expect((await createKeyStore(BOTH).status()).accountsByMasterKey).toEqual({ 1: 1, 2: expect.any(Number) });
  });
});

describe('rotating the data key of an account', () => {
  afterEach(() => {
    jest.restoreAllMocks();
  });

  test('seals what is stored anew, and drops the old key once nothing can be under it', async () => {
    const requestId = newId('req');
    const place = `requests|${requestId}|input`;
    const store = createKeyStore(OLD);
    const stale = createContentCipher(OLD);
    const input = await stale.seal(accountId, place, Buffer.from('the prompt'));
    await requests().insertOne({
      _id: requestId,
      accountId,
      keyId: 'k',
      state: 'done',
      settled: true,
      attempt: 1,
      holdMicros: 1n,
      input,
    } as never);

    expect(await store.rotateAccount(accountId)).toBe(2);
    const deps = { store, cipher: createContentCipher(OLD, store) };
    // A process that has not noticed yet seals under the old key, and everybody reads both.
    const late = await stale.seal(accountId, 'requests|r|input', Buffer.from('the text'));
    expect(await opened(late)).toBe('the text');
    expect(await resealAccount(accountId, deps, running)).toEqual({ version: 2, resealed: 1, dropped: false });
    const row = await requests().findOne({ _id: requestId }, { promoteBuffers: true });
    expect((await stale.open(accountId, place, row?.input ?? Buffer.alloc(0))).toString()).toBe('the prompt');
    expect(await resealAccount(accountId, deps, running)).toMatchObject({ resealed: 0, dropped: false });

    jest.spyOn(Date, 'now').mockReturnValue(Date.now() + 3 * CACHE_TTL_MS);
    expect(await resealAccount(accountId, deps, running)).toMatchObject({ resealed: 0, dropped: true });
    await expect(opened(late)).rejects.toThrow('the data key that sealed this is gone');
    await expect(createContentCipher(OLD).open(accountId, place, input)).rejects.toThrow();
  });
});

describe('destroying the data key of an account', () => {
  test('makes everything dark, for ever: none is made anew', async () => {
    const bytes = await sealed();
    const store = createKeyStore(OLD);
    expect(await store.destroy(accountId)).toBe(true);
    await expect(opened(bytes)).rejects.toThrow('was destroyed');
    await expect(sealed()).rejects.toThrow('was destroyed');
    expect(await store.destroy(accountId)).toBe(false);
    expect(JSON.stringify(await keys().findOne({ _id: accountId }))).not.toContain('wrapped');
  });

  test('also of an account that has none yet', async () => {
    await createKeyStore(OLD).destroy(accountId);
    await expect(sealed()).rejects.toThrow('was destroyed');
  });
});

describe('the key of a stream', () => {
  test('goes with the row: what is kept in Redis is dark then, even for whoever has the data key', async () => {
    const cipher = createContentCipher(OLD);
    const key = await cipher.streamKey(accountId, 'req_1');
    const kept = (await cipher.forRequest(accountId, 'req_1', key)).seal(Buffer.from('a chunk'));
    expect((await cipher.forRequest(accountId, 'req_1', key)).open(kept).toString()).toBe('a chunk');
    const fresh = await cipher.streamKey(accountId, 'req_1');
    const other = await cipher.forRequest(accountId, 'req_1', fresh);
    expect(() => other.open(kept)).toThrow();
    const without = await cipher.forRequest(accountId, 'req_1', undefined);
    expect(() => without.open(kept)).toThrow('no stream key');
    await expect(cipher.forRequest(accountId, 'req_2', key)).rejects.toThrow();
  });
});
