import type { Redis } from 'ioredis';
import { RateLimiterMemory, RateLimiterRedis, type RateLimiterRes } from 'rate-limiter-flexible';
import type { Config } from '../config.ts';
import { AppError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { ipGroup } from './ip-group.ts';
import type { Principal } from './principal.ts';
import { createOutageLog, createSlots } from './slots.ts';
import { createWindowCounter } from './window-counter.ts';

/**
 * Rate limits protect the service and its tenants from each other; money has guards of its own. So they fail open:
 * without Redis every process goes on and counts by itself.
 *
 * - Requests per address, before authentication: counted in this process only, because a flood must not become a flood
 *   of Redis commands. Behind N processes an address may send N times the configured rate.
 * - Bad keys per address: counted here and in Redis. A process asks nobody about an address until it sends it a bad
 *   key, so an address that is blocked elsewhere gets at most one more try from each process.
 * - Requests and tokens per minute and open requests, per key: in Redis. One admission is three commands in one turn
 *   of the event loop, hence one round trip.
 */

const WINDOW_SECONDS = 60;
const WINDOW_MS = WINDOW_SECONDS * 1_000;
const IP_GROUPS_MAX = 50_000;
/** A slot becomes free when some request ends; nobody knows when. */
const CONCURRENCY_RETRY_MS = 1_000;
/** Tokens of a refused request are given back, unless the window may end before the command arrives. */
const REFUND_MS_MIN = 2_500;
/** The limiter only counts, for keys have limits of their own; the decision is made here. */
const UNLIMITED_POINTS = Number.MAX_SAFE_INTEGER;

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
type Count = Pick<RateLimiterRes, 'consumedPoints' | 'msBeforeNext'>;
type KeyRates = Config['rates']['key'];

/** `120ms`, `59s`, `6m0s`: durations as OpenAI writes them, rounded up. */
export function formatDuration(durationMs: number): string {
  const ms = Math.max(0, Math.ceil(durationMs));
  if (ms > 0 && ms < 1_000) return `${ms}ms`;
  const seconds = Math.ceil(ms / 1_000);
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
}

function rateHeaders(limits: KeyRates, requests: Count, tokens: Count): Record<string, string> {
  const remaining = (limit: number, count: Count) => String(Math.min(limit, Math.max(0, limit - count.consumedPoints)));
  return {
    'x-ratelimit-limit-requests': String(limits.requestsPerMinute),
    'x-ratelimit-remaining-requests': remaining(limits.requestsPerMinute, requests),
    'x-ratelimit-reset-requests': formatDuration(requests.msBeforeNext),
    'x-ratelimit-limit-tokens': String(limits.tokensPerMinute),
    'x-ratelimit-remaining-tokens': remaining(limits.tokensPerMinute, tokens),
    'x-ratelimit-reset-tokens': formatDuration(tokens.msBeforeNext),
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

function firstRefusal(
  limits: KeyRates,
  requests: Count,
  used: Count,
  tokens: number,
  slot: boolean,
): AppError | undefined {
  const { requestsPerMinute, tokensPerMinute, concurrency } = limits;
  if (requests.consumedPoints > requestsPerMinute) {
    const message = `Rate limit reached: this API key may send ${requestsPerMinute} requests per minute.`;
    return refusal('requests', message, requests.msBeforeNext);
  }
  if (tokens > tokensPerMinute) {
    const message = `This request is counted as ${tokens} tokens, but this API key may use ${tokensPerMinute} tokens per minute. Send a smaller request.`;
    return refusal('tokens', message);
  }
  if (used.consumedPoints > tokensPerMinute) {
    const message = `Rate limit reached: this API key may use ${tokensPerMinute} tokens per minute; this request is counted as ${tokens}.`;
    return refusal('tokens', message, used.msBeforeNext);
  }
  if (slot) return undefined;
  return refusal('concurrency', `This API key may have ${concurrency} requests open at once.`, CONCURRENCY_RETRY_MS);
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
  const slots = createSlots({ redis, prefix: `${prefix}:rate`, onOutcome: createOutageLog(log) });

  const counter = (name: string, insured: boolean) => {
    const common = { points: UNLIMITED_POINTS, duration: WINDOW_SECONDS, keyPrefix: `${prefix}:rate:${name}` };
    const insurance = insured ? { insuranceLimiter: new RateLimiterMemory(common) } : {};
    return new RateLimiterRedis({ ...common, ...insurance, storeClient: redis, rejectIfRedisNotReady: true });
  };
  const requestRate = counter('requests', true);
  const tokenRate = counter('tokens', true);
  // Not insured: the count in this process is there anyway, and is bounded.
  const badKeyRate = counter('bad-keys', false);

  function badKeysExceeded(ip: string | undefined): number {
    const window = badKeys.get(ipGroup(ip), now());
    return window && window.count >= rates.badKeysPerMinute ? window.endsAtMs - now() : 0;
  }

  function takeBack(keyId: string, requestId: string, tokens: number, used: Count, slot: boolean): void {
    if (slot) void slots.free(keyId, requestId);
    if (tokens > 0 && used.msBeforeNext > REFUND_MS_MIN) tokenRate.reward(keyId, tokens).catch(() => undefined);
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
      badKeyRate.consume(group).then(
        ({ consumedPoints, msBeforeNext }) => {
          if (consumedPoints >= rates.badKeysPerMinute) {
            badKeys.set(group, { count: consumedPoints, endsAtMs: now() + msBeforeNext });
          }
        },
        () => undefined,
      );
    },

    badKeysExceeded,

    admitKey: async (principal, tokens, requestId, deadlineMs) => {
      if (!Number.isSafeInteger(tokens) || tokens < 0) throw new TypeError('admitKey: tokens must be a whole number');
      const { keyId } = principal;
      const limits = effectiveLimits(principal.limits, rates.key);
      const tooLarge = tokens > limits.tokensPerMinute;
      const counted = tooLarge ? 0 : tokens;
      const [requests, used, slot] = await Promise.all([
        requestRate.consume(keyId, 1),
        tokenRate.consume(keyId, counted),
        tooLarge ? false : slots.take(keyId, requestId, limits.concurrency, deadlineMs),
      ]);
      const error = firstRefusal(limits, requests, used, tokens, slot);
      if (!error) return { admitted: true, headers: rateHeaders(limits, requests, used) };
      takeBack(keyId, requestId, counted, used, slot);
      const unused = { msBeforeNext: used.msBeforeNext, consumedPoints: used.consumedPoints - counted };
      const headers = rateHeaders(limits, requests, unused);
      return { admitted: false, error, headers: tooLarge ? { ...headers, 'x-should-retry': 'false' } : headers };
    },

    releaseKey: (principal, requestId) => slots.free(principal.keyId, requestId),
  };
}
