import type { Redis } from 'ioredis';
import type { Logger } from '../log.ts';

/**
 * How many requests of a key may run at once. The slots of a key are a sorted set in Redis: member = request, score =
 * when the slot expires, so what a crashed process held comes back by itself. While Redis is away, each process counts
 * the slots it knows of, and what it could not give back is given back with the key's next request.
 */
export type Slots = {
  /** Takes a slot for at most `ttlMs`; false when all `limit` are taken. Never rejects. */
  take(keyId: string, requestId: string, limit: number, ttlMs: number): Promise<boolean>;
  /** Gives a slot back; harmless when it was not held. Never rejects. */
  free(keyId: string, requestId: string): Promise<void>;
};

/** Expiry is by the server's clock: the clocks of the processes may differ. ARGV from 4 on: slots to give back first. */
const TAKE_SCRIPT = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local ttl = tonumber(ARGV[3])
if #ARGV > 3 then redis.call('ZREM', KEYS[1], unpack(ARGV, 4)) end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) and not redis.call('ZSCORE', KEYS[1], ARGV[1]) then return 0 end
redis.call('ZADD', KEYS[1], now + ttl, ARGV[1])
if redis.call('PTTL', KEYS[1]) < ttl then redis.call('PEXPIRE', KEYS[1], ttl) end
return 1
`;

type SlotCommands = {
  ocelotiqTakeSlot(key: string, requestId: string, limit: number, ttlMs: number, ...unfreed: string[]): Promise<number>;
};

/** Requests whose slot could not be given back, per key and in all; the rest wait for their expiry. */
const UNFREED_MAX = 200;
const UNFREED_KEYS_MAX = 10_000;

export type SlotRedis = Pick<Redis, 'defineCommand' | 'zrem'>;

/** @param options.onOutcome hears whether Redis took part, e.g. to log an outage once. */
export function createSlots(options: { redis: SlotRedis; prefix: string; onOutcome: (error: unknown) => void }): Slots {
  const { redis, prefix, onOutcome } = options;
  redis.defineCommand('ocelotiqTakeSlot', { numberOfKeys: 1, lua: TAKE_SCRIPT });
  // ioredis adds the command to the connection itself, where its types cannot see it.
  const commands = redis as unknown as SlotCommands;
  const held = new Map<string, Map<string, number>>();
  const unfreed = new Map<string, string[]>();
  const slotKey = (keyId: string) => `${prefix}:slots:${keyId}`;

  function hold(keyId: string, requestId: string, ttlMs: number): void {
    const now = Date.now();
    const requests = held.get(keyId) ?? new Map<string, number>();
    // Slots that nobody released are rare; looking at the oldest on every use is enough to be rid of them.
    for (const [oldest, expiresAtMs] of requests) {
      if (expiresAtMs > now) break;
      requests.delete(oldest);
    }
    requests.set(requestId, now + ttlMs);
    held.set(keyId, requests);
  }

  function letGo(keyId: string, requestId: string): void {
    const requests = held.get(keyId);
    if (requests?.delete(requestId) && requests.size === 0) held.delete(keyId);
  }

  function dropExpired(keyId: string): void {
    const now = Date.now();
    for (const [requestId, expiresAtMs] of held.get(keyId) ?? []) if (expiresAtMs <= now) letGo(keyId, requestId);
  }

  function remember(keyId: string, requestIds: readonly string[]): void {
    if (!unfreed.has(keyId) && unfreed.size >= UNFREED_KEYS_MAX) return;
    unfreed.set(keyId, [...(unfreed.get(keyId) ?? []), ...requestIds].slice(-UNFREED_MAX));
  }

  function takeHere(keyId: string, requestId: string, limit: number): boolean {
    dropExpired(keyId);
    const requests = held.get(keyId);
    return (requests?.size ?? 0) < limit || requests?.has(requestId) === true;
  }

  return {
    take: async (keyId, requestId, limit, ttlMs) => {
      const late = unfreed.get(keyId) ?? [];
      unfreed.delete(keyId);
      let taken: boolean;
      try {
        taken = (await commands.ocelotiqTakeSlot(slotKey(keyId), requestId, limit, Math.ceil(ttlMs), ...late)) === 1;
        onOutcome(undefined);
      } catch (error) {
        onOutcome(error);
        taken = takeHere(keyId, requestId, limit);
        // A command that timed out may still have been carried out.
        remember(keyId, taken ? late : [...late, requestId]);
      }
      if (taken) hold(keyId, requestId, ttlMs);
      return taken;
    },
    free: async (keyId, requestId) => {
      letGo(keyId, requestId);
      try {
        await redis.zrem(slotKey(keyId), requestId);
        onOutcome(undefined);
      } catch (error) {
        onOutcome(error);
        remember(keyId, [requestId]);
      }
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
