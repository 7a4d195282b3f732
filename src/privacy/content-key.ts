import { createSecretKey, randomBytes } from 'node:crypto';
import type { Binary } from 'mongodb';
import { createKeyStore, type DataKeys, type KeyStore, type MasterKeys } from './key-store.ts';
import { KEY_BYTES, keyVersionOf, openWith, placeOf, sealWith, toBytes } from './sealing.ts';

/**
 * Encryption of content: every account has a data key, wrapped by a version of the installation's master key, and every
 * stream a key of its own that lasts as long as its request.
 */

const CACHE_ACCOUNTS_MAX = 10_000;
/** How long a process may go on with a key that was rotated or destroyed elsewhere. */
export const CACHE_TTL_MS = 60_000;

/** Seals and opens bytes of one account. `context` names document and field, e.g. `requests|req_…|input`. */
export type ContentCipher = {
  seal(accountId: string, context: string, plain: Uint8Array): Promise<Buffer>;
  /** Throws when the key is gone (erased), the bytes were changed, or they belong to another place. */
  open(accountId: string, context: string, sealed: Uint8Array): Promise<Buffer>;
  /** A fresh key for the stream of one request, sealed for its row. It goes when the request ends. */
  streamKey(accountId: string, requestId: string): Promise<Buffer>;
  /** A synchronous pair under the key of a request's row, for the many small pieces of a stream. */
  forRequest(accountId: string, requestId: string, streamKey: Uint8Array | Binary | undefined): Promise<RequestCipher>;
  /** Drops a cached key, e.g. after its destruction. */
  forget(accountId: string): void;
};

export type RequestCipher = { seal(plain: Uint8Array): Buffer; open(sealed: Uint8Array): Buffer };

const STREAM_KEY_VERSION = 0;
const streamKeyContext = (requestId: string) => `requests|${requestId}|streamKey`;

/** @param masterKeys version -> 32 bytes; the highest version wraps new data keys. */
export function createContentCipher(
  masterKeys: MasterKeys,
  store: Pick<KeyStore, 'load'> = createKeyStore(masterKeys),
): ContentCipher {
  const cache = new Map<string, { keys: Promise<DataKeys>; expiresAtMs: number }>();

  function dataKeys(accountId: string, create: boolean): Promise<DataKeys> {
    const now = Date.now();
    const cached = cache.get(accountId);
    if (cached && cached.expiresAtMs > now) return cached.keys;
    if (cache.size >= CACHE_ACCOUNTS_MAX) cache.delete(cache.keys().next().value ?? accountId);
    const keys = store.load(accountId, create);
    cache.set(accountId, { keys, expiresAtMs: now + CACHE_TTL_MS });
    keys.catch(() => cache.delete(accountId));
    return keys;
  }

  /** A generation younger than the cache is looked for in the store, once. */
  async function keyOf(accountId: string, version: number): Promise<Buffer> {
    const known = (await dataKeys(accountId, false)).keys.get(version);
    if (known) return known;
    cache.delete(accountId);
    const key = (await dataKeys(accountId, false)).keys.get(version);
    if (!key) throw new Error('the data key that sealed this is gone');
    return key;
  }

  async function seal(accountId: string, context: string, plain: Uint8Array): Promise<Buffer> {
    const { newest, keys } = await dataKeys(accountId, true);
    const key = keys.get(newest);
    if (!key) throw new Error('the newest data key of this account is missing');
    return sealWith(key, newest, placeOf(newest, accountId, context), plain);
  }

  async function open(accountId: string, context: string, sealed: Uint8Array): Promise<Buffer> {
    const version = keyVersionOf(sealed);
    return openWith(await keyOf(accountId, version), placeOf(version, accountId, context), sealed);
  }

  return {
    seal,
    open,
    streamKey: (accountId, requestId) => seal(accountId, streamKeyContext(requestId), randomBytes(KEY_BYTES)),
    forRequest: async (accountId, requestId, sealedKey) => {
      if (!sealedKey) return NO_STREAM;
      const key = createSecretKey(await open(accountId, streamKeyContext(requestId), toBytes(sealedKey)));
      const place = placeOf(STREAM_KEY_VERSION, accountId, `stream|${requestId}`);
      return {
        seal: (plain) => sealWith(key, STREAM_KEY_VERSION, place, plain),
        open: (sealed) => openWith(key, place, sealed),
      };
    },
    forget: (accountId) => {
      cache.delete(accountId);
    },
  };
}

function noStream(): never {
  throw new Error('this request has no stream key');
}

/** Of a plain answer, or of a stream that has ended. */
const NO_STREAM: RequestCipher = { seal: noStream, open: noStream };
