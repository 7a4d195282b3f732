import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createWebhookSender, type WebhookSender, type WebhookSenderOptions } from '../../src/webhooks/send.ts';
import { closeReceivers } from './receiver.ts';

/** Senders of webhooks with a test's patience, and receivers that need not speak HTTP. */

const senders: WebhookSender[] = [];
const servers: { server: Server; sockets: Set<Socket> }[] = [];

export const headers = { 'webhook-id': 'evt_1' };

export function sender(options: Partial<WebhookSenderOptions> = {}): WebhookSender {
  const created = createWebhookSender({
    connectTimeoutMs: 2_000,
    totalTimeoutMs: 5_000,
    allowLoopback: true,
    ...options,
  });
  senders.push(created);
  return created;
}

/** A receiver below HTTP: does with each connection what it is told. */
export async function startRaw(
  serve: (socket: Socket) => void,
): Promise<{ url: string; port: number; sockets: Set<Socket> }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    serve(socket);
  });
  servers.push({ server, sockets });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/`, port, sockets };
}

/** Closes all senders and receivers of a test. */
export async function closeAll(): Promise<void> {
  for (const open of senders.splice(0)) await open.close();
  for (const { server, sockets } of servers.splice(0)) {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  }
  await closeReceivers();
}
