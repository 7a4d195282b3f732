import type { Redis } from 'ioredis';
import { createGroupCommit } from '../group-commit.ts';
import type { Logger } from '../log.ts';
import type { KeyLimit, KeyUse, RedisCounters, Wanted } from './redis-counters.ts';
import { createWindowCounter } from './window-counter.ts';

/**
 * What a key uses: requests and tokens of its minute, and requests that run at once. The slots of those are a sorted set in
 * Redis: member = request, score = when the slot expires, so what a crashed process held comes back by itself. While Redis
 * is away, each process counts what it knows of, and slots it could not give back are given back with the key's next request.
 */
export type KeyUsage = {
  /** Counts a request, and takes its tokens and a slot unless a limit refuses it. Never rejects. */
  admit(keyId: string, wanted: Wanted): Promise<KeyUse>;
  /** Gives a slot back; harmless when it was not held. Never rejects. */
  free(keyId: string, requestId: string): Promise<void>;
};

export const WINDOW_MS = 60_000;
/** Requests whose slot could not be given back, per key and in all; the rest wait for their expiry. */
const UNFREED_MAX = 200;
const UNFREED_KEYS_MAX = 10_000;
const COUNTED_HERE_MAX = 10_000;
/** Slots that are given back by one command for each key. */
const FREED_TOGETHER_MAX = 500;

type Slot = { keyId: string; requestId: string };

function byKey(slots: readonly Slot[]): Map<string, string[]> {
  const requestIds = new Map<string, string[]>();
  for (const { keyId, requestId } of slots) {
    const own = requestIds.get(keyId);
    if (own) own.push(requestId);
    else requestIds.set(keyId, [requestId]);
  }
  return requestIds;
}

/**
 * @param options.prefix of all keys of rate limits.
 * @param options.onOutcome hears whether Redis took part, e.g. to log an outage once.
 */
export function createKeyUsage(options: {
  redis: Pick<Redis, 'zrem'>;
  counters: Pick<RedisCounters, 'admit'>;
  prefix: string;
  onOutcome: (error: unknown) => void;
  now: () => number;
}): KeyUsage {
  const { redis, counters, prefix, onOutcome, now } = options;
  const requestsHere = createWindowCounter({ windowMs: WINDOW_MS, namesMax: COUNTED_HERE_MAX });
  const tokensHere = createWindowCounter({ windowMs: WINDOW_MS, namesMax: COUNTED_HERE_MAX });
  const held = new Map<string, Map<string, number>>();
  const unfreed = new Map<string, string[]>();
  const slotKey = (keyId: string) => `${prefix}:slots:${keyId}`;

  function hold(keyId: string, requestId: string, ttlMs: number): void {
    const atMs = Date.now();
    const requests = held.get(keyId) ?? new Map<string, number>();
    // Slots that nobody released are rare; looking at the oldest on every use is enough to be rid of them.
    for (const [oldest, expiresAtMs] of requests) {
      if (expiresAtMs > atMs) break;
      requests.delete(oldest);
    }
    requests.set(requestId, atMs + ttlMs);
    held.set(keyId, requests);
  }

  function letGo(keyId: string, requestId: string): void {
    const requests = held.get(keyId);
    if (requests?.delete(requestId) && requests.size === 0) held.delete(keyId);
  }

  function remember(keyId: string, requestIds: readonly string[]): void {
    if (!unfreed.has(keyId) && unfreed.size >= UNFREED_KEYS_MAX) return;
    unfreed.set(keyId, [...(unfreed.get(keyId) ?? []), ...requestIds].slice(-UNFREED_MAX));
  }

  function hasRoomHere(keyId: string, requestId: string, limit: number): boolean {
    const atMs = Date.now();
    for (const [heldId, expiresAtMs] of held.get(keyId) ?? []) if (expiresAtMs <= atMs) letGo(keyId, heldId);
    const requests = held.get(keyId);
    return (requests?.size ?? 0) < limit || requests?.has(requestId) === true;
  }

  function refusedHere(keyId: string, { requestId, tokens, limits }: Wanted, requests: number): KeyLimit | undefined {
    const used = tokensHere.get(keyId, now())?.count ?? 0;
    if (requests > limits.requestsPerMinute) return 'requests';
    if (used + tokens > limits.tokensPerMinute) return 'tokens';
    return hasRoomHere(keyId, requestId, limits.concurrency) ? undefined : 'concurrency';
  }

  function admitHere(keyId: string, wanted: Wanted): KeyUse {
    const atMs = now();
    const requests = requestsHere.add(keyId, atMs);
    const refusedBy = refusedHere(keyId, wanted, requests.count);
    const tokens = tokensHere.add(keyId, atMs, refusedBy ? 0 : wanted.tokens);
    return {
      refusedBy,
      requests: { count: requests.count, leftMs: requests.endsAtMs - atMs },
      tokens: { count: tokens.count, leftMs: tokens.endsAtMs - atMs },
    };
  }

  async function giveBack(keyId: string, requestIds: readonly string[]): Promise<void> {
    try {
      await redis.zrem(slotKey(keyId), ...requestIds);
      onOutcome(undefined);
    } catch (error) {
      onOutcome(error);
      remember(keyId, requestIds);
    }
  }

  const freed = createGroupCommit<Slot, true>({
    itemsMax: FREED_TOGETHER_MAX,
    flush: async (slots) => {
      await Promise.all([...byKey(slots)].map(([keyId, requestIds]) => giveBack(keyId, requestIds)));
      return slots.map(() => true);
    },
  });

  return {
    admit: async (keyId, wanted) => {
      const late = unfreed.get(keyId) ?? [];
      unfreed.delete(keyId);
      const keys = {
        slots: slotKey(keyId),
        requests: `${prefix}:requests:${keyId}`,
        tokens: `${prefix}:tokens:${keyId}`,
      };
      let use: KeyUse;
      try {
        use = await counters.admit(keys, wanted, WINDOW_MS, late);
        onOutcome(undefined);
      } catch (error) {
        onOutcome(error);
        use = admitHere(keyId, wanted);
        // A command that timed out may still have been carried out.
        remember(keyId, use.refusedBy ? [...late, wanted.requestId] : late);
      }
      if (!use.refusedBy) hold(keyId, wanted.requestId, wanted.ttlMs);
      return use;
    },
    free: async (keyId, requestId) => {
      letGo(keyId, requestId);
      await freed.submit({ keyId, requestId });
    },
  };
}

/** Logs the beginning and the end of an outage of Redis, not every request that meets it. */
export function createOutageLog(log: Logger): (error: unknown) => void {
  let down = false;
  return (error) => {
    if (error !== undefined && !down) log.warn({ err: error }, 'rate limits are counted in this process only');
    if (error === undefined && down) log.info('rate limits are shared again');
    down = error !== undefined;
  };
}
