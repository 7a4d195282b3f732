import type { Server } from 'node:http';
import { answerUnparsed } from './unparsed.ts';

const HEADERS_TIMEOUT_MS = 20_000;
const BODY_TIMEOUT_MS = 60_000;
const KEEP_ALIVE_MS = 65_000;
/** Node drops what is beyond this bound; `openCall` refuses a request that reaches it. */
export const HEADERS_MAX = 200;
const REQUESTS_PER_SOCKET_MAX = 10_000;
const CONNECTIONS_MAX = 20_000;

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
