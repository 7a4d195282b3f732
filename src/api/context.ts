import type { Request, Response } from 'express';
import type { Authenticator } from '../auth/authenticate.ts';
import type { Principal } from '../auth/principal.ts';
import type { RateLimits } from '../auth/rate-limit.ts';
import type { Config } from '../config.ts';
import type { Logger } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import type { ContentCipher } from '../privacy/content-key.ts';
import type { AcceptDependencies } from '../requests/accept.ts';
import type { Admission } from '../requests/admission.ts';
import type { CancelDependencies } from '../requests/cancel.ts';
import type { Catalogue } from '../requests/catalogue.ts';
import type { Follower } from '../requests/follow.ts';

/** What the edge of one api process works with; made once in `main.ts`. */
export type ApiDependencies = {
  config: Config;
  authenticator: Authenticator;
  rateLimits: RateLimits;
  admission: Admission;
  catalogue: Catalogue;
  accept: AcceptDependencies;
  cancel: CancelDependencies;
  follower: Follower;
  cipher: ContentCipher;
  /** Relay channel of this process. */
  replyTo: string;
  metrics: Metrics;
  log: Logger;
  /** False once the process is shutting down or a store is away. */
  ready: () => Promise<boolean>;
  /** Streams that are open, to be told when the process must go. */
  openStreams: Set<{ disconnect(): void }>;
};

/** What the middleware has found out about one HTTP request, in a typed place instead of on Express' objects. */
export type CallContext = { requestId: string; startedMs: number; principal?: Principal };

const contexts = new WeakMap<Request, CallContext>();

export function setContext(request: Request, context: CallContext): void {
  contexts.set(request, context);
}

export function contextOf(request: Request): CallContext {
  const context = contexts.get(request);
  if (!context) throw new Error('no call context: the middleware is missing');
  return context;
}

/** The authenticated caller; only behind the authentication middleware. */
export function principalOf(request: Request): Principal {
  const { principal } = contextOf(request);
  if (!principal) throw new Error('no principal: the route is not behind authentication');
  return principal;
}

/** A route handler that may be asynchronous; Express 5 passes its rejection to the error middleware. */
export type Handler = (request: Request, response: Response) => Promise<void> | void;
