import { createServer, IncomingMessage, type Server, ServerResponse } from 'node:http';
import type { Express } from 'express';
import { answerUnparsed } from './unparsed.ts';

const HEADERS_TIMEOUT_MS = 20_000;
const BODY_TIMEOUT_MS = 60_000;
const KEEP_ALIVE_MS = 65_000;
/** Node drops what is beyond this bound; `openCall` refuses a request that reaches it. */
export const HEADERS_MAX = 200;
const REQUESTS_PER_SOCKET_MAX = 10_000;
const CONNECTIONS_MAX = 20_000;

type Prototypes = { request: object; response: object };

/**
 * An HTTP server whose requests and responses have the app's prototypes from the start. Express would exchange them for
 * each request, and every object would have a shape of its own, which costs a miss at each of some two hundred accesses.
 * A missing Host is refused by the app, in the shape of all its errors.
 */
export function createAppServer(app: Express): Server {
  class AppRequest extends IncomingMessage {}
  class AppResponse extends ServerResponse<AppRequest> {}
  const prototypes = app as unknown as Prototypes;
  Object.setPrototypeOf(AppRequest.prototype, prototypes.request);
  Object.setPrototypeOf(AppResponse.prototype, prototypes.response);
  prototypes.request = AppRequest.prototype;
  prototypes.response = AppResponse.prototype;
  const server = createServer(
    { requireHostHeader: false, IncomingMessage: AppRequest, ServerResponse: AppResponse },
    app,
  );
  configureServer(server);
  return server;
}

/** Limits of the HTTP server: slow or endless uploads and idle sockets cannot hold it. */
export function configureServer(server: Server): void {
  server.headersTimeout = HEADERS_TIMEOUT_MS;
  server.requestTimeout = BODY_TIMEOUT_MS;
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.maxHeadersCount = HEADERS_MAX;
  server.maxRequestsPerSocket = REQUESTS_PER_SOCKET_MAX;
  server.maxConnections = CONNECTIONS_MAX;
  answerUnparsed(server);
}

/**
 * Stops serving without cutting answers short: readiness says no for `noticeMs` while the load balancer looks away,
 * then no new connections; open answers get `drainMs`, and streams that are still open then are told where to continue.
 */
export async function closeGracefully(
  server: Server,
  openStreams: ReadonlySet<{ disconnect(): void }>,
  options: { noticeMs: number; drainMs: number },
): Promise<void> {
  // Nobody is being served and nobody is in front: no reason to wait for a load balancer.
  if ((await connections(server)) > 0) await new Promise((resolve) => setTimeout(resolve, options.noticeMs));
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const idle = setInterval(() => server.closeIdleConnections(), 500);
  const timer = setTimeout(() => {
    for (const stream of openStreams) stream.disconnect();
    setTimeout(() => server.closeAllConnections(), 1_000);
  }, options.drainMs);
  await closed;
  clearInterval(idle);
  clearTimeout(timer);
}

function connections(server: Server): Promise<number> {
  return new Promise((resolve) => server.getConnections((_error, count) => resolve(count ?? 0)));
}
