import type { ErrorCode } from '../errors.ts';

/** The wire to one upstream. Implementations translate; they decide nothing about money, queues or clients. */

export type RouteTarget = {
  routeId: string;
  providerId: string;
  baseUrl: string;
  headers: Readonly<Record<string, string>>;
  apiKey: string | undefined;
};

export type ProviderRequest = {
  path: string;
  /** JSON text as it goes out. */
  body: string;
  stream: boolean;
  requestId: string;
};

/**
 * What a reader makes of a piece of an answer: go on, go on once a promise has resolved, or `enough`, which leaves the rest.
 * What it throws ends the reading too.
 */
export type Taken = undefined | Promise<void> | 'enough';

/** A 2xx answer whose body is still arriving. */
export type ProviderAnswer = {
  status: number;
  contentType: string;
  /** Gives the body's bytes as they come. Rejects with `ProviderFailure` on a cut, a stall or too many bytes. */
  read(take: (chunk: Buffer) => Taken): Promise<void>;
};

/**
 * Why a call gave no usable answer. `definite` tells that the upstream certainly did not start the work, so that another
 * route may be tried without paying twice; anything else is an unknown outcome.
 */
export class ProviderFailure extends Error {
  override readonly name = 'ProviderFailure';
  readonly code: ErrorCode;
  /** Short label for attempts and metrics, e.g. `http_429`, `connect`, `idle_timeout`. */
  readonly outcome: string;
  readonly definite: boolean;
  readonly status: number | undefined;
  readonly retryAfterMs: number | undefined;
  /** The upstream's own words, for a refusal of the client's request (4xx) only. */
  readonly publicText: string | undefined;

  constructor(
    code: ErrorCode,
    outcome: string,
    options: { definite: boolean; status?: number; retryAfterMs?: number; publicText?: string; cause?: unknown },
  ) {
    super(`provider: ${outcome}`, { cause: options.cause });
    this.code = code;
    this.outcome = outcome;
    this.definite = options.definite;
    this.status = options.status;
    this.retryAfterMs = options.retryAfterMs;
    this.publicText = options.publicText;
  }
}

export interface Provider {
  /**
   * Sends one request and resolves when a 2xx head has arrived. Never retries and never follows redirects.
   * @throws ProviderFailure
   */
  call(target: RouteTarget, request: ProviderRequest, signal: AbortSignal): Promise<ProviderAnswer>;
  close(): Promise<void>;
}
