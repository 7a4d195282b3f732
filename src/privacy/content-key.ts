import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, type KeyObject, randomBytes } from 'node:crypto';
import { Binary } from 'mongodb';
import { nativeCollection } from '../models/connect.ts';
import { DataKey, type DataKeyDocument } from '../models/data-key.ts';

/**
 * Envelope encryption of content: every account has a data key, wrapped by a version of the installation's master key.
 * Sealed bytes are `version(1) | nonce(12) | tag(16) | ciphertext` of AES-256-GCM with the place they belong to as
 * associated data, so a ciphertext cannot be moved to another document, field or account.
 */

const ALGORITHM = 'aes-256-gcm';
const FORMAT_VERSION = 1;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const HEADER_BYTES = 1 + NONCE_BYTES + TAG_BYTES;
const KEY_BYTES = 32;
const NONCES_PER_FILL = 256;
const CACHE_ACCOUNTS_MAX = 10_000;
const CACHE_TTL_MS = 60_000;

/** Seals and opens bytes of one account. `context` names document and field, e.g. `requests|req_…|input`. */
export type ContentCipher = {
  seal(accountId: string, context: string, plain: Uint8Array): Promise<Buffer>;
  /** Throws when the key is gone (erased), the bytes were changed, or they belong to another place. */
  open(accountId: string, context: string, sealed: Uint8Array): Promise<Buffer>;
  /** A synchronous pair under a key derived for one request, for the many small pieces of a stream. */
  forRequest(accountId: string, requestId: string): Promise<RequestCipher>;
  /** Drops a cached key, e.g. after its destruction. */
  forget(accountId: string): void;
};

type CipherKey = Uint8Array | KeyObject;

export type RequestCipher = { seal(plain: Uint8Array): Buffer; open(sealed: Uint8Array): Buffer };

let noncePool = Buffer.alloc(0);
let nonceOffset = 0;

/** A random nonce; the generator is asked for many at once, because each asking costs more than the bytes. */
function nextNonce(): Buffer {
  if (nonceOffset + NONCE_BYTES > noncePool.length) {
    noncePool = randomBytes(NONCE_BYTES * NONCES_PER_FILL);
    nonceOffset = 0;
  }
  nonceOffset += NONCE_BYTES;
  return noncePool.subarray(nonceOffset - NONCE_BYTES, nonceOffset);
}

function sealWith(key: CipherKey, context: Uint8Array, plain: Uint8Array): Buffer {
  const nonce = nextNonce();
  const cipher = createCipheriv(ALGORITHM, key, nonce);
  cipher.setAAD(context);
  const body = cipher.update(plain);
  cipher.final();
  const sealed = Buffer.allocUnsafe(HEADER_BYTES + body.length);
  sealed[0] = FORMAT_VERSION;
  sealed.set(nonce, 1);
  sealed.set(cipher.getAuthTag(), 1 + NONCE_BYTES);
  sealed.set(body, HEADER_BYTES);
  return sealed;
}

function openWith(key: CipherKey, context: Uint8Array, sealed: Uint8Array): Buffer {
  if (sealed.length < HEADER_BYTES || sealed[0] !== FORMAT_VERSION)
    throw new Error('sealed content has an unknown format');
  const decipher = createDecipheriv(ALGORITHM, key, sealed.subarray(1, 1 + NONCE_BYTES));
  decipher.setAAD(context);
  decipher.setAuthTag(sealed.subarray(1 + NONCE_BYTES, HEADER_BYTES));
  return Buffer.concat([decipher.update(sealed.subarray(HEADER_BYTES)), decipher.final()]);
}

/** BSON binaries come back as `Binary` from the driver and as Buffer from mongoose; both become plain bytes. */
export function toBytes(value: Uint8Array | Binary): Uint8Array {
  return value instanceof Binary ? value.buffer.subarray(0, value.position) : value;
}

/**
 * @param masterKeys version -> 32 bytes; the highest version wraps new data keys.
 */
export function createContentCipher(masterKeys: ReadonlyMap<number, Uint8Array>): ContentCipher {
  const current = Math.max(...masterKeys.keys());
  const cache = new Map<string, { key: Promise<Buffer>; expiresAtMs: number }>();
  const keys = () => nativeCollection<DataKeyDocument>(DataKey);

  function unwrap(document: DataKeyDocument): Buffer {
    const master = masterKeys.get(document.masterKeyVersion);
    if (!master) throw new Error(`master key version ${document.masterKeyVersion} is not configured`);
    return openWith(master, Buffer.from(`data_keys|${document._id}`), toBytes(document.wrapped));
  }

  /** Finds the account's key; makes it when `create` and there is none (two processes may race: the first insert wins). */
  async function load(accountId: string, create: boolean): Promise<Buffer> {
    const found = await keys().findOne({ _id: accountId });
    if (found) return unwrap(found);
    if (!create) throw new Error('the data key of this account does not exist');
    const master = masterKeys.get(current);
    if (!master) throw new Error('no master key is configured');
    const wrapped = sealWith(master, Buffer.from(`data_keys|${accountId}`), randomBytes(KEY_BYTES));
    await keys().updateOne(
      { _id: accountId },
      { $setOnInsert: { wrapped, masterKeyVersion: current, createdAt: new Date() } },
      { upsert: true },
    );
    return load(accountId, false);
  }

  function dataKey(accountId: string, create: boolean): Promise<Buffer> {
    const now = Date.now();
    const cached = cache.get(accountId);
    if (cached && cached.expiresAtMs > now) return cached.key;
    if (cache.size >= CACHE_ACCOUNTS_MAX) cache.delete(cache.keys().next().value ?? accountId);
    const key = load(accountId, create);
    cache.set(accountId, { key, expiresAtMs: now + CACHE_TTL_MS });
    key.catch(() => cache.delete(accountId));
    return key;
  }

  return {
    seal: async (accountId, context, plain) => sealWith(await dataKey(accountId, true), Buffer.from(context), plain),
    open: async (accountId, context, sealed) => openWith(await dataKey(accountId, false), Buffer.from(context), sealed),
    forRequest: async (accountId, requestId) => {
      const context = Buffer.from(`stream|${requestId}`);
      const base = await dataKey(accountId, true);
      // Derived when it is first needed: plain answers never need it.
      let derived: KeyObject | undefined;
      const key = () => {
        derived ??= createSecretKey(Buffer.from(hkdfSync('sha256', base, requestId, 'ocelotiq stream', KEY_BYTES)));
        return derived;
      };
      return { seal: (plain) => sealWith(key(), context, plain), open: (sealed) => openWith(key(), context, sealed) };
    },
    forget: (accountId) => {
      cache.delete(accountId);
    },
  };
}
