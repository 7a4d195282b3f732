import { timingSafeEqual } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import type { Redis } from 'ioredis';
import type { WithId } from 'mongodb';
import { AppError } from '../errors.ts';
import { createGroupCommit } from '../group-commit.ts';
import type { Logger } from '../log.ts';
import { Account, type AccountDocument, type AccountPrivacy } from '../models/account.ts';
import { ApiKey, type ApiKeyDocument } from '../models/api-key.ts';
import { nativeCollection } from '../models/connect.ts';
import { checkKeyFormat, keyDigest } from './key-format.ts';
import { keyChannel } from './keys.ts';
import { createLastUsed } from './last-used.ts';
import { type Principal, toPrincipal } from './principal.ts';
import { createRecentMap } from './recent-map.ts';

/** What is known of a key is used until this age, counted from the start of the read, and never later. */
const ENTRY_AGE_MS_MAX = 900;
/** From this age on a use also reads the key again in the background, so that busy keys never wait for MongoDB. */
const REFRESH_AGE_MS = 400;
const UNKNOWN_MS = 30_000;
const ENTRIES_MAX = 20_000;
const UNKNOWN_MAX = 20_000;
const FLIGHTS_MAX = 1_000;
const READ_ATTEMPTS_MAX = 2;
/** One batch of the server's answer holds 101 documents; more would cost a second round trip. */
const READ_KEYS_MAX = 100;
const READ_FLIGHTS_MAX = 4;

export type Authenticator = {
  /**
   * Who sent this `Authorization` header. Throws `missing_api_key`, `invalid_api_key` (unknown or revoked: the same
   * answer), `expired_api_key`, `unavailable` (MongoDB does not answer and nothing recent is known) or `overloaded`.
   */
  authenticate(authorizationHeader: string | undefined): Promise<Principal>;
  /** Notes that a key was used; written in bulk later. */
  touch(keyId: string): void;
  /** Stops listening and writes the last uses. Never rejects. */
  close(): Promise<void>;
};

type Subscriber = Pick<Redis, 'subscribe' | 'unsubscribe' | 'on' | 'off'>;
type Entry = { principal: Principal; readAtMs: number };
type Stored = { document: WithId<ApiKeyDocument>; privacy: AccountPrivacy | undefined };
type Found = { stored: Stored | undefined; readAtMs: number; changes: number };

/** The credentials of a Bearer header; anything else counts as no key at all. */
function bearerToken(header: string | undefined): string {
  const token = header?.slice(0, 7).toLowerCase() === 'bearer ' ? header.slice(7).trim() : '';
  if (token === '') throw new AppError('missing_api_key');
  return token;
}

function sameDigest(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a, 'hex'), Buffer.from(b, 'hex')];
  return left.length === right.length && timingSafeEqual(left, right);
}

/** The stored keys with these digests, with what their accounts have decided, by digest. */
async function readKeys(digests: readonly string[], signal: AbortSignal): Promise<Map<string, Stored>> {
  const documents = await nativeCollection<ApiKeyDocument>(ApiKey)
    .find({ digest: { $in: [...digests] } }, { signal })
    .toArray();
  const accountIds = [...new Set(documents.map(({ accountId }) => accountId))];
  const accounts =
    accountIds.length === 0
      ? []
      : await nativeCollection<AccountDocument>(Account)
          .find({ _id: { $in: accountIds } }, { projection: { privacy: 1 }, signal })
          .toArray();
  const privacyOf = new Map(accounts.map(({ _id, privacy }) => [_id, privacy]));
  return new Map(
    documents.map((document) => [document.digest, { document, privacy: privacyOf.get(document.accountId) }]),
  );
}

/**
 * Authenticates API keys from a cache that is never more than 900 ms behind MongoDB. A message on `<prefix>:keys` drops
 * a changed key at once; the age bound makes a revocation effective within a second even when the message is lost.
 * @param options.subscriber a connection that waits for messages (purpose `blocking`); it may be shared.
 * @param options.now wall clock in ms, for expiry; `monotonic` is the clock of ages, which must not jump.
 */
export function createAuthenticator(options: {
  pepper: Uint8Array;
  redisPrefix: string;
  subscriber: Subscriber;
  log: Logger;
  now?: () => number;
  monotonic?: () => number;
}): Authenticator {
  const { pepper, subscriber, log, now = Date.now, monotonic = () => performance.now() } = options;
  const channel = keyChannel(options.redisPrefix);
  const entries = createRecentMap<string, Entry>(ENTRIES_MAX);
  const unknownUntilMs = createRecentMap<string, number>(UNKNOWN_MAX);
  const flights = new Map<string, Promise<Principal | undefined>>();
  const lastUsed = createLastUsed({ now, log });
  let changes = 0;
  let failing = false;

  /** Keys that become due together are read together; the only thing of the caller's in the filter is our digest. */
  const reads = createGroupCommit<string, Found>({
    itemsMax: READ_KEYS_MAX,
    flightsMax: READ_FLIGHTS_MAX,
    flush: async (digests) => {
      const before = { readAtMs: monotonic(), changes };
      const byDigest = await readKeys(digests, AbortSignal.timeout(ENTRY_AGE_MS_MAX));
      return digests.map((digest) => ({ stored: byDigest.get(digest), ...before }));
    },
  });

  function remember(digest: string, found: Found): Principal | undefined {
    const { stored, readAtMs } = found;
    const usable = stored && sameDigest(stored.document.digest, digest) && !stored.document.revokedAt;
    const principal = usable ? toPrincipal(stored.document, stored.privacy) : undefined;
    // A key may have changed after this read saw it: good enough for those who wait, not to be kept.
    if (found.changes !== changes) return principal;
    if (principal) {
      entries.set(digest, { principal, readAtMs });
    } else {
      entries.delete(digest);
      unknownUntilMs.set(digest, monotonic() + UNKNOWN_MS);
    }
    return principal;
  }

  /** Reads until an answer is young enough to be used. */
  async function read(digest: string): Promise<Principal | undefined> {
    let cause: unknown;
    for (let attempt = 1; attempt <= READ_ATTEMPTS_MAX; attempt++) {
      try {
        const found = await reads.submit(digest);
        if (monotonic() - found.readAtMs >= ENTRY_AGE_MS_MAX) continue;
        failing = false;
        return remember(digest, found);
      } catch (error) {
        cause = error;
      }
    }
    if (!failing) log.warn({ err: cause }, 'API keys cannot be read');
    failing = true;
    throw new AppError('unavailable', { internal: 'API keys cannot be read', cause });
  }

  /** One read a key at a time, however many wait for it. */
  function load(digest: string): Promise<Principal | undefined> {
    const flying = flights.get(digest);
    if (flying) return flying;
    if (flights.size >= FLIGHTS_MAX) return Promise.reject(new AppError('overloaded'));
    const flight = read(digest).finally(() => flights.delete(digest));
    flights.set(digest, flight);
    return flight;
  }

  function find(digest: string): Promise<Principal | undefined> | Principal | undefined {
    const atMs = monotonic();
    const entry = entries.get(digest);
    const ageMs = entry ? atMs - entry.readAtMs : Number.POSITIVE_INFINITY;
    if (entry && ageMs < ENTRY_AGE_MS_MAX) {
      // A failed refresh is logged by the read; the entry goes on serving until it is too old.
      if (ageMs >= REFRESH_AGE_MS && !flights.has(digest)) load(digest).catch(() => undefined);
      return entry.principal;
    }
    if (atMs < (unknownUntilMs.get(digest) ?? 0)) return undefined;
    return load(digest);
  }

  function forget(messageChannel: string, keyId: string): void {
    if (messageChannel !== channel) return;
    changes++;
    unknownUntilMs.clear();
    for (const [digest, { principal }] of entries.entries()) if (principal.keyId === keyId) entries.delete(digest);
  }

  subscriber.on('message', forget);
  subscriber.subscribe(channel).catch((error: unknown) => log.warn({ err: error }, 'key changes are not heard'));

  return {
    authenticate: async (authorizationHeader) => {
      const key = bearerToken(authorizationHeader);
      if (!checkKeyFormat(key)) throw new AppError('invalid_api_key');
      const principal = await find(keyDigest(pepper, key));
      if (!principal) throw new AppError('invalid_api_key');
      if (principal.expiresAt && principal.expiresAt.getTime() <= now()) throw new AppError('expired_api_key');
      return principal;
    },
    touch: (keyId) => lastUsed.touch(keyId),
    close: async () => {
      subscriber.off('message', forget);
      subscriber.unsubscribe(channel).catch(() => undefined);
      await Promise.allSettled(flights.values());
      await lastUsed.close();
    },
  };
}
