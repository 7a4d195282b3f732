import type { Redis } from 'ioredis';
import type { Config } from '../config.ts';
import { AppError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { ipGroup } from './ip-group.ts';
import { createKeyUsage, createOutageLog, WINDOW_MS } from './key-usage.ts';
import type { Principal } from './principal.ts';
import { type Count, createRedisCounters, type KeyLimit, type KeyUse, type Wanted } from './redis-counters.ts';
import { createWindowCounter } from './window-counter.ts';

/**
 * Rate limits protect the service and its tenants from each other; money has guards of its own. So they fail open:
 * without Redis every process goes on and counts by itself.
 *
 * - Requests per address, before authentication: counted in this process only, because a flood must not become a flood
 *   of Redis commands. Behind N processes an address may send N times the configured rate.
 * - Bad keys per address: counted here and in Redis. A process asks nobody about an address until it sends it a bad
 *   key, so an address that is blocked elsewhere gets at most one more try from each process.
 * - Requests and tokens per minute and open requests, per key: in Redis. One admission is one command.
 */

const IP_GROUPS_MAX = 50_000;
/** A slot becomes free when some request ends; nobody knows when. */
const CONCURRENCY_RETRY_MS = 1_000;

export type RateHeaders = Readonly<Record<string, string>>;

/**
 * The outcome of `admitKey`. A refusal is returned, not thrown, because it has headers to send: the edge sets `headers`
 * on the response in both cases, then throws `error`. `x-should-retry: false` is among them when a repeat is pointless.
 */
export type Admission =
  | { admitted: true; headers: RateHeaders }
  | { admitted: false; headers: RateHeaders; error: AppError };

export type RateLimits = {
  /** Counts a request of this address. Throws `rate_limit_exceeded`. Synchronous, no input or output. */
  admitIp(ip: string | undefined): void;
  /** Counts a bad key sent by this address. Returns at once; never throws. */
  countBadKey(ip: string | undefined): void;
  /** Milliseconds for which this address is refused because of bad keys; 0 when it is not. Synchronous. */
  badKeysExceeded(ip: string | undefined): number;
  /**
   * Counts a request and its tokens and takes one of the key's slots.
   * @param tokens the estimate for this request, a whole number.
   * @param deadlineMs how long the request may take; a slot nobody releases comes back after that.
   */
  admitKey(principal: KeyOfPrincipal, tokens: number, requestId: string, deadlineMs: number): Promise<Admission>;
  /** Gives the slot of an admitted request back. Never rejects. */
  releaseKey(principal: Pick<Principal, 'keyId'>, requestId: string): Promise<void>;
};

type KeyOfPrincipal = Pick<Principal, 'keyId' | 'limits'>;
type KeyRates = Config['rates']['key'];

/** `120ms`, `59s`, `6m0s`: durations as OpenAI writes them, rounded up. */
export function formatDuration(durationMs: number): string {
  const ms = Math.max(0, Math.ceil(durationMs));
  if (ms > 0 && ms < 1_000) return `${ms}ms`;
  const seconds = Math.ceil(ms / 1_000);
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
}

function rateHeaders(limits: KeyRates, { requests, tokens }: KeyUse): Record<string, string> {
  const remaining = (limit: number, { count }: Count) => String(Math.min(limit, Math.max(0, limit - count)));
  return {
    'x-ratelimit-limit-requests': String(limits.requestsPerMinute),
    'x-ratelimit-remaining-requests': remaining(limits.requestsPerMinute, requests),
    'x-ratelimit-reset-requests': formatDuration(requests.leftMs),
    'x-ratelimit-limit-tokens': String(limits.tokensPerMinute),
    'x-ratelimit-remaining-tokens': remaining(limits.tokensPerMinute, tokens),
    'x-ratelimit-reset-tokens': formatDuration(tokens.leftMs),
  };
}

function refusal(limit: string, message: string, retryAfterMs?: number): AppError {
  return new AppError('rate_limit_exceeded', {
    message,
    details: { limit },
    ...(retryAfterMs === undefined ? {} : { retryAfterMs: Math.max(1, Math.ceil(retryAfterMs)) }),
  });
}

function effectiveLimits(limits: Principal['limits'], defaults: KeyRates): KeyRates {
  return {
    requestsPerMinute: limits.requestsPerMinute ?? defaults.requestsPerMinute,
    tokensPerMinute: limits.tokensPerMinute ?? defaults.tokensPerMinute,
    concurrency: limits.concurrency ?? defaults.concurrency,
  };
}

function refusalOf(limit: KeyLimit, { limits, tokens: asked }: Wanted, { requests, tokens }: KeyUse): AppError {
  const { requestsPerMinute, tokensPerMinute, concurrency } = limits;
  if (limit === 'requests') {
    const message = `Rate limit reached: this API key may send ${requestsPerMinute} requests per minute.`;
    return refusal(limit, message, requests.leftMs);
  }
  if (limit === 'concurrency')
    return refusal(limit, `This API key may have ${concurrency} requests open at once.`, CONCURRENCY_RETRY_MS);
  if (asked > tokensPerMinute) {
    const message = `This request is counted as ${asked} tokens, but this API key may use ${tokensPerMinute} tokens per minute. Send a smaller request.`;
    return refusal(limit, message);
  }
  const message = `Rate limit reached: this API key may use ${tokensPerMinute} tokens per minute; this request is counted as ${asked}.`;
  return refusal(limit, message, tokens.leftMs);
}

/**
 * @param options.redis a connection for commands: it must fail fast.
 * @param options.now wall clock in ms, for what is counted in this process.
 */
export function createRateLimits(options: {
  redis: Redis;
  prefix: string;
  rates: Config['rates'];
  log: Logger;
  now?: () => number;
}): RateLimits {
  const { redis, prefix, rates, log, now = Date.now } = options;
  const addresses = createWindowCounter({ windowMs: WINDOW_MS, namesMax: IP_GROUPS_MAX });
  const badKeys = createWindowCounter({ windowMs: WINDOW_MS, namesMax: IP_GROUPS_MAX });
  const counters = createRedisCounters(redis);
  const onOutcome = createOutageLog(log);
  const usage = createKeyUsage({ redis, counters, prefix: `${prefix}:rate`, onOutcome, now });

  function badKeysExceeded(ip: string | undefined): number {
    const window = badKeys.get(ipGroup(ip), now());
    return window && window.count >= rates.badKeysPerMinute ? window.endsAtMs - now() : 0;
  }

  return {
    admitIp: (ip) => {
      const atMs = now();
      const window = addresses.add(ipGroup(ip), atMs);
      if (window.count <= rates.ipPerMinute) return;
      throw refusal('requests', 'Rate limit reached: too many requests from this address.', window.endsAtMs - atMs);
    },

    countBadKey: (ip) => {
      if (badKeysExceeded(ip) > 0) return;
      const group = ipGroup(ip);
      badKeys.add(group, now());
      counters.count(`${prefix}:rate:bad-keys:${group}`, WINDOW_MS).then(
        ({ count, leftMs }) => {
          if (count >= rates.badKeysPerMinute) badKeys.set(group, { count, endsAtMs: now() + leftMs });
        },
        () => undefined,
      );
    },

    badKeysExceeded,

    admitKey: async (principal, tokens, requestId, deadlineMs) => {
      if (!Number.isSafeInteger(tokens) || tokens < 0) throw new TypeError('admitKey: tokens must be a whole number');
      const limits = effectiveLimits(principal.limits, rates.key);
      const wanted = { requestId, tokens, limits, ttlMs: deadlineMs };
      const use = await usage.admit(principal.keyId, wanted);
      const headers = rateHeaders(limits, use);
      if (!use.refusedBy) return { admitted: true, headers };
      const error = refusalOf(use.refusedBy, wanted, use);
      const isTooLarge = tokens > limits.tokensPerMinute;
      return { admitted: false, error, headers: isTooLarge ? { ...headers, 'x-should-retry': 'false' } : headers };
    },

    releaseKey: (principal, requestId) => usage.free(principal.keyId, requestId),
  };
}
