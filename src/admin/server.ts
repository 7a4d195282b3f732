import type { Server } from 'node:http';

const HEADERS_TIMEOUT_MS = 10_000;
const BODY_TIMEOUT_MS = 20_000;
const KEEP_ALIVE_MS = 65_000;
const HEADERS_MAX = 100;
const REQUESTS_PER_SOCKET_MAX = 1_000;
const CONNECTIONS_MAX = 1_000;
const DRAIN_MS = 10_000;
const IDLE_CHECK_MS = 250;

/** Limits of the HTTP server: what is sent slowly or held open cannot hold it. */
export function configureServer(server: Server): void {
  server.headersTimeout = HEADERS_TIMEOUT_MS;
  server.requestTimeout = BODY_TIMEOUT_MS;
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.maxHeadersCount = HEADERS_MAX;
  server.maxRequestsPerSocket = REQUESTS_PER_SOCKET_MAX;
  server.maxConnections = CONNECTIONS_MAX;
}

/** Takes no more; answers that are being made may take a while, then connections are cut. */
export async function closeGracefully(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const idle = setInterval(() => server.closeIdleConnections(), IDLE_CHECK_MS);
  const timer = setTimeout(() => server.closeAllConnections(), DRAIN_MS);
  await closed;
  clearInterval(idle);
  clearTimeout(timer);
}
