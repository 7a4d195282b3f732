import { Client, type Dispatcher } from 'undici';
import { checkCallbackUrl, hostOf } from '../callback-address.ts';
import { type ConnectFailure, connectGuarded, createResolve, type Dial, dialTcp, type Resolve } from './connect.ts';
import { createHostGate } from './host-gate.ts';
import { parseRetryAfter } from './retry-after.ts';

/**
 * One POST to an address a stranger chose. No redirects, no proxies, no reuse of connections (each attempt resolves and
 * checks anew), a bounded answer that nobody reads, and deadlines for everything.
 */

export type SendOutcome =
  /** 2xx. */
  | 'delivered'
  /** 410: never again. */
  | 'gone'
  /** 429, 502, 503, 504. */
  | 'throttled'
  /** 3xx: not followed. */
  | 'redirect'
  /** Any other status. */
  | 'http'
  /** Connected, but no status within the total time. */
  | 'timeout'
  /** The connection broke, or the answer was not HTTP. */
  | 'broken'
  | 'blocked_url'
  /** Not sent: the host has no room; `retryAfterMs` says when to come back. */
  | 'busy'
  /** Perhaps not sent: this sender was closed. */
  | 'closed'
  | ConnectFailure;

export type SendResult = {
  outcome: SendOutcome;
  /** The receiver's status, when there was one. */
  status?: number;
  /** From `Retry-After`, or for `busy` our own estimate. */
  retryAfterMs?: number;
  /** From the moment the host had room to the status or the failure. */
  ms: number;
};

export type WebhookSender = {
  /** Posts `body` (JSON text) to `url`. Never rejects on account of the receiver. */
  send(url: string, headers: Readonly<Record<string, string>>, body: string): Promise<SendResult>;
  /** Upper bound of one `send` in milliseconds: what a lease must outlast. */
  readonly longestMs: number;
  /** Ends what is under way with `closed`, and everything after it. */
  close(): Promise<void>;
};

export type WebhookSenderOptions = {
  connectTimeoutMs: number;
  totalTimeoutMs: number;
  /** Evaluation only: this machine's own addresses are allowed, and `http` to them. */
  allowLoopback: boolean;
  /** DNS; a test may pretend. */
  resolve?: Resolve;
  /** TCP; a test may pretend. */
  dial?: Dial;
  /** Certificate authorities (PEM) in place of Node's own. */
  ca?: string;
};

const USER_AGENT = 'Ocelotiq-Webhooks/1.0';
const ANSWER_BYTES_MAX = 64 * 1024;
const ANSWER_HEADER_BYTES_MAX = 16 * 1024;
const HOST_CONCURRENCY_MAX = 10;
const HOST_LINE_MAX = 75;
const HOST_WAIT_MS = 2_000;
const HOST_QUICK_LINE_MS = 1_000;
const THROTTLE_STATUSES: ReadonlySet<number> = new Set([429, 502, 503, 504]);

function outcomeOf(status: number): SendOutcome {
  if (status >= 200 && status < 300) return 'delivered';
  if (status === 410) return 'gone';
  if (THROTTLE_STATUSES.has(status)) return 'throttled';
  return status >= 300 && status < 400 ? 'redirect' : 'http';
}

/** Reads on, so that the receiver can finish in peace, but only so much; nothing is kept. */
async function drain(body: Dispatcher.ResponseData['body']): Promise<void> {
  let bytes = 0;
  try {
    for await (const chunk of body) {
      bytes += Buffer.byteLength(chunk);
      if (bytes > ANSWER_BYTES_MAX) break;
    }
  } catch {
    // The status is what counts; a body that breaks off after it changes nothing.
  } finally {
    body.destroy();
  }
}

function firstOf(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}

/**
 * A sender of webhooks. At most ten connections to one host at a time in this process.
 */
export function createWebhookSender(options: WebhookSenderOptions): WebhookSender {
  const { connectTimeoutMs, totalTimeoutMs, allowLoopback, ca } = options;
  const resolve = options.resolve ?? createResolve();
  const dial = options.dial ?? dialTcp;
  const gate = createHostGate({
    concurrencyMax: HOST_CONCURRENCY_MAX,
    lineMax: HOST_LINE_MAX,
    quickLineMs: HOST_QUICK_LINE_MS,
    waitMs: HOST_WAIT_MS,
  });
  const underWay = new Set<AbortController>();
  let closed = false;

  /** A client for one request: its connector is the guarded one, and says through `onFailure` why there is no connection. */
  function clientFor(url: URL, signal: AbortSignal, onFailure: (failure: ConnectFailure) => void): Client {
    const secure = url.protocol === 'https:';
    const target = { host: hostOf(url), port: Number(url.port) || (secure ? 443 : 80), secure };
    return new Client(url.origin, {
      pipelining: 0,
      maxHeaderSize: ANSWER_HEADER_BYTES_MAX,
      headersTimeout: totalTimeoutMs,
      bodyTimeout: totalTimeoutMs,
      connect: (_, done) => {
        connectGuarded(target, { allowLoopback, resolve, dial, ca, signal, timeoutMs: connectTimeoutMs }).then(
          (connected) => {
            if (connected.ok) return done(null, connected.socket);
            onFailure(connected.failure);
            done(new Error(connected.failure), null);
          },
          (error: unknown) => done(error instanceof Error ? error : new Error('connecting failed'), null),
        );
      },
    });
  }

  async function post(url: URL, headers: Readonly<Record<string, string>>, body: string): Promise<SendResult> {
    const startedMs = performance.now();
    const elapsed = (): number => Math.round(performance.now() - startedMs);
    const deadline = new AbortController();
    const timer = setTimeout(() => deadline.abort(), totalTimeoutMs);
    underWay.add(deadline);
    let failure: ConnectFailure | undefined;
    const client = clientFor(url, deadline.signal, (reason) => {
      failure = reason;
    });
    try {
      const answer = await client.request({
        method: 'POST',
        path: url.pathname + url.search,
        headers: { ...headers, 'content-type': 'application/json', 'user-agent': USER_AGENT },
        body,
        signal: deadline.signal,
      });
      const result: SendResult = { outcome: outcomeOf(answer.statusCode), status: answer.statusCode, ms: elapsed() };
      const retryAfterMs = parseRetryAfter(firstOf(answer.headers['retry-after']), Date.now());
      await drain(answer.body);
      return retryAfterMs === undefined ? result : { ...result, retryAfterMs };
    } catch {
      if (closed) return { outcome: 'closed', ms: elapsed() };
      return { outcome: failure ?? (deadline.signal.aborted ? 'timeout' : 'broken'), ms: elapsed() };
    } finally {
      clearTimeout(timer);
      underWay.delete(deadline);
      await client.destroy();
    }
  }

  return {
    send: async (text, headers, body) => {
      if (closed) return { outcome: 'closed', ms: 0 };
      const check = checkCallbackUrl(text, { allowLoopback });
      if (!check.ok) return { outcome: 'blocked_url', ms: 0 };
      const place = await gate.enter(check.url.hostname);
      if (!place.entered) return { outcome: 'busy', retryAfterMs: place.retryAfterMs, ms: 0 };
      try {
        return closed ? { outcome: 'closed', ms: 0 } : await post(check.url, headers, body);
      } finally {
        place.leave();
      }
    },
    longestMs: HOST_WAIT_MS + totalTimeoutMs,
    close: async () => {
      closed = true;
      for (const controller of underWay) controller.abort();
    },
  };
}
