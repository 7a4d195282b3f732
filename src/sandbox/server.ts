import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Calls } from './calls.ts';
import { createCalls } from './calls.ts';
import { answerChat } from './chat.ts';
import { invalidRequest, sendError, sendJson } from './errors.ts';
import { monotonicUs } from './text.ts';
import type { Timers } from './timers.ts';
import { createTimers } from './timers.ts';

export type SandboxOptions = {
  /** The address to listen on; the loopback address when left out. */
  host?: string;
  /** When given, every path but `/health` wants it as bearer key. */
  apiKey?: string | undefined;
};

export type Listening = {
  port: number;
  /** Stops accepting and ends every open answer at once. */
  close(): Promise<void>;
};

export type Sandbox = {
  /** Listens on a port, 0 for any free one. Rejects when the port is taken. */
  listen(port: number): Promise<Listening>;
  /** The book of calls, for tests that run the sandbox in their own process. */
  readonly calls: Calls;
};

const bodyBytesMax = 64 * 1024 * 1024;
const keepAliveMs = 120_000;
const backlog = 4096;
const models = [{ id: 'sandbox', object: 'model', created: 1_700_000_000, owned_by: 'ocelotiq-sandbox' }];

/** Makes a sandbox provider: an OpenAI-compatible upstream that calls no model and misbehaves on demand. */
export function createSandbox(options: SandboxOptions): Sandbox {
  const calls = createCalls();
  const timers = createTimers();
  let requests = 0;

  function handle(incoming: IncomingMessage, response: ServerResponse): void {
    const receivedUs = monotonicUs();
    const url = incoming.url ?? '/';
    const question = url.indexOf('?');
    const path = question < 0 ? url : url.slice(0, question);
    requests += 1;
    const number = requests;
    response.setHeader('x-request-id', `req_sandbox_${number}`);
    if (path !== '/health' && !mayEnter(incoming, options.apiKey)) {
      refuseKey(response);
    } else if (incoming.method === 'POST' && path === '/v1/chat/completions') {
      readBody(incoming, response, (body) =>
        answerChat({ incoming, response, body, receivedUs, number }, calls, timers),
      );
    } else {
      answerOther(`${incoming.method} ${path}`, url.slice(path.length), response, calls);
    }
  }

  return { calls, listen: (port) => listen(createServer({ noDelay: true }, handle), port, options.host, timers) };
}

function mayEnter(incoming: IncomingMessage, apiKey: string | undefined): boolean {
  return apiKey === undefined || incoming.headers.authorization === `Bearer ${apiKey}`;
}

function refuseKey(response: ServerResponse): void {
  sendError(response, 401, {
    message: 'Incorrect API key provided.',
    type: 'invalid_request_error',
    param: null,
    code: 'invalid_api_key',
  });
}

/** Collects a body and hands it on when it is whole; a client that leaves before that is forgotten. */
function readBody(incoming: IncomingMessage, response: ServerResponse, then: (body: Buffer) => void): void {
  const parts: Buffer[] = [];
  let bytes = 0;
  incoming.on('data', (part: Buffer) => {
    bytes += part.length;
    if (bytes <= bodyBytesMax) parts.push(part);
  });
  incoming.on('end', () => {
    if (response.destroyed) return;
    const [only] = parts;
    if (bytes > bodyBytesMax) sendError(response, 413, invalidRequest('The request body is too large.'));
    else then(parts.length === 1 && only !== undefined ? only : Buffer.concat(parts));
  });
}

/** Answers everything but chat: health, models, and the book of calls for tests. */
function answerOther(route: string, query: string, response: ServerResponse, calls: Calls): void {
  if (route === 'DELETE /sandbox/calls') {
    calls.reset();
    response.writeHead(204).end();
    return;
  }
  const found = findOther(route, query, calls);
  if (found !== undefined) sendJson(response, 200, found);
  else sendError(response, 404, invalidRequest(`There is nothing under ${route}.`));
}

function findOther(route: string, query: string, calls: Calls): unknown {
  switch (route) {
    case 'GET /health':
      return { status: 'ok' };
    case 'GET /v1/models':
      return { object: 'list', data: models };
    case 'GET /sandbox/calls': {
      const requestId = new URLSearchParams(query).get('request_id');
      return requestId === null ? calls.totals() : calls.countsOf(requestId);
    }
  }
  const received = lastPart(route, 'GET /sandbox/requests/');
  if (received !== undefined) return calls.received(received);
  const model = lastPart(route, 'GET /v1/models/');
  return model === undefined ? undefined : models.find(({ id }) => id === model);
}

function lastPart(route: string, prefix: string): string | undefined {
  if (!route.startsWith(prefix)) return undefined;
  const part = route.slice(prefix.length);
  return part.includes('%') ? decodedOr(part) : part;
}

function decodedOr(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function listen(server: Server, port: number, host = '127.0.0.1', timers: Timers): Promise<Listening> {
  server.keepAliveTimeout = keepAliveMs;
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, host, backlog }, () => {
      server.off('error', reject);
      resolve({ port: (server.address() as AddressInfo).port, close: () => close(server, timers) });
    });
  });
}

function close(server: Server, timers: Timers): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    timers.clear();
    server.closeAllConnections();
  });
}
