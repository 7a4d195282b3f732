import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { CERTIFICATE_PEM, KEY_PEM } from './certificate.ts';

/** Real HTTP receivers of webhooks on loopback. */

export type Received = { method: string; path: string; headers: IncomingHttpHeaders; body: string };
export type Receiver = { url: string; port: number; received: Received[]; close(): Promise<void> };
export type Answer = (response: ServerResponse, received: Received, count: number) => void;

const servers = new Set<Server & { closeAllConnections(): void }>();

function listener(received: Received[], answer: Answer): RequestListener {
  return (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url: path = '', headers } = request;
      const event = { method, path, headers, body: Buffer.concat(chunks).toString() };
      received.push(event);
      answer(response, event, received.length);
    });
  };
}

/** `secure`: https with the certificate of hooks.example.com. */
export async function startReceiver(answer: Answer | number = 200, secure = false): Promise<Receiver> {
  const received: Received[] = [];
  const reply: Answer = typeof answer === 'number' ? (response) => response.writeHead(answer).end('ok') : answer;
  const server = secure
    ? createTlsServer({ cert: CERTIFICATE_PEM, key: KEY_PEM }, listener(received, reply))
    : createServer(listener(received, reply));
  servers.add(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const close = async (): Promise<void> => {
    if (!servers.delete(server)) return;
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  const url = secure ? `https://hooks.example.com:${port}/hook` : `http://127.0.0.1:${port}/hook`;
  return { url, port, received, close };
}

/** For `afterEach`: closes every receiver that is still open. */
export async function closeReceivers(): Promise<void> {
  const open = [...servers];
  servers.clear();
  for (const server of open) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}
