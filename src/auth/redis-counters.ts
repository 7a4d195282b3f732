import type { Redis } from 'ioredis';

/**
 * The counters of rate limits in Redis. Each is a script, for it looks and counts in one step; and all that is asked about
 * a key is one of them, because the way of every request leads over it.
 */

/** A window of one key in Redis: it begins with the first count and ends by itself. */
const COUNT = `
local function count(key, n, windowMs)
  local total = redis.call('INCRBY', key, n)
  local left = redis.call('PTTL', key)
  if left < 0 then
    redis.call('PEXPIRE', key, windowMs)
    left = tonumber(windowMs)
  end
  return total, left
end
`;

const COUNT_SCRIPT = `${COUNT}
local total, left = count(KEYS[1], 1, ARGV[1])
return {total, left}
`;

/**
 * A request counts whatever becomes of it; tokens and a slot are only taken by one that is admitted. Slots expire by the
 * server's clock, for the clocks of the processes may differ. ARGV from 8 on: slots to give back first.
 */
const ADMIT_SCRIPT = `${COUNT}
local slots, requestId = KEYS[1], ARGV[1]
local requestsMax, tokensMax, slotsMax = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local tokens, windowMs, ttlMs = tonumber(ARGV[5]), ARGV[6], tonumber(ARGV[7])
if #ARGV > 7 then redis.call('ZREM', slots, unpack(ARGV, 8)) end
local time = redis.call('TIME')
local nowMs = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', slots, '-inf', nowMs)
local requests, requestsLeft = count(KEYS[2], 1, windowMs)
local used = tonumber(redis.call('GET', KEYS[3]) or 0)
local refused = ''
if requests > requestsMax then
  refused = 'requests'
elseif used + tokens > tokensMax then
  refused = 'tokens'
elseif redis.call('ZCARD', slots) >= slotsMax and not redis.call('ZSCORE', slots, requestId) then
  refused = 'concurrency'
else
  redis.call('ZADD', slots, nowMs + ttlMs, requestId)
  if redis.call('PTTL', slots) < ttlMs then redis.call('PEXPIRE', slots, ttlMs) end
end
local usedNow, tokensLeft = count(KEYS[3], refused == '' and ARGV[5] or 0, windowMs)
return {refused, requests, requestsLeft, usedNow, tokensLeft}
`;

export type Count = { count: number; leftMs: number };
export type KeyLimit = 'requests' | 'tokens' | 'concurrency';

export type Wanted = {
  requestId: string;
  /** A whole number. */
  tokens: number;
  limits: { requestsPerMinute: number; tokensPerMinute: number; concurrency: number };
  /** How long a slot that nobody gives back is kept. */
  ttlMs: number;
};

export type KeyUse = { refusedBy: KeyLimit | undefined; requests: Count; tokens: Count };

type Scripts = {
  ocelotiqCount(key: string, windowMs: number): Promise<[number, number]>;
  ocelotiqAdmit(
    slots: string,
    requests: string,
    tokens: string,
    ...args: (string | number)[]
  ): Promise<[KeyLimit | '', number, number, number, number]>;
};

export type RedisCounters = {
  /** Counts one more in the window of `key`. */
  count(key: string, windowMs: number): Promise<Count>;
  /** @param unfreed slots of earlier requests that are given back first. */
  admit(
    keys: { slots: string; requests: string; tokens: string },
    wanted: Wanted,
    windowMs: number,
    unfreed: readonly string[],
  ): Promise<KeyUse>;
};

/** @param redis a connection for commands: it must fail fast. */
export function createRedisCounters(redis: Pick<Redis, 'defineCommand'>): RedisCounters {
  redis.defineCommand('ocelotiqCount', { numberOfKeys: 1, lua: COUNT_SCRIPT });
  redis.defineCommand('ocelotiqAdmit', { numberOfKeys: 3, lua: ADMIT_SCRIPT });
  // ioredis adds the commands to the connection itself, where its types cannot see them.
  const scripts = redis as unknown as Scripts;
  return {
    count: async (key, windowMs) => {
      const [count, leftMs] = await scripts.ocelotiqCount(key, windowMs);
      return { count, leftMs };
    },
    admit: async ({ slots, requests, tokens }, wanted, windowMs, unfreed) => {
      const { requestsPerMinute, tokensPerMinute, concurrency } = wanted.limits;
      const bounds = [requestsPerMinute, tokensPerMinute, concurrency];
      const own = [wanted.requestId, ...bounds, wanted.tokens, windowMs, Math.ceil(wanted.ttlMs)];
      const answer = await scripts.ocelotiqAdmit(slots, requests, tokens, ...own, ...unfreed);
      const [refused, requestCount, requestsLeftMs, tokenCount, tokensLeftMs] = answer;
      return {
        refusedBy: refused === '' ? undefined : refused,
        requests: { count: requestCount, leftMs: requestsLeftMs },
        tokens: { count: tokenCount, leftMs: tokensLeftMs },
      };
    },
  };
}
