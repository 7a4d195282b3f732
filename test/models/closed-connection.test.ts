import { createRequire } from 'node:module';
import { createServer, connect as dial, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { mendClosedConnections } from '../../src/models/closed-connection.ts';

/** The two moments in which the driver writes a command to a connection that is already gone. */

type Connection = {
  command(namespace: object, command: object, options: object): Promise<unknown>;
  onError(error: Error): void;
};
type DriverModules = {
  Connection: new (socket: Socket, options: object) => Connection;
  ns: (text: string) => object;
  HostAddress: { fromHostPort(host: string, port: number): object };
};

const load = createRequire(import.meta.url);
let silent: Server;

beforeAll(async () => {
  mendClosedConnections();
  // It never answers, and ends with its client.
  silent = createServer((socket) => socket.resume().on('error', () => undefined));
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
});
afterAll(() => new Promise((resolve) => silent.close(resolve)));

async function connection(): Promise<{ connection: Connection; socket: Socket; ns: object }> {
  const { Connection, ns, HostAddress } = {
    ...(load('mongodb/lib/cmap/connection.js') as object),
    ...(load('mongodb/lib/utils.js') as object),
  } as DriverModules;
  const address = silent.address();
  if (typeof address !== 'object' || !address) throw new Error('no port');
  const socket = dial(address.port, '127.0.0.1');
  await new Promise((resolve) => socket.once('connect', resolve));
  const options = { hostAddress: HostAddress.fromHostPort('127.0.0.1', address.port), id: 1, generation: 0 };
  return { connection: new Connection(socket, options), socket, ns: ns('test.$cmd') };
}

test('a command written after the socket ended and before that was told fails as a network error', async () => {
  const { connection: one, socket, ns } = await connection();
  socket.destroy();
  await expect(one.command(ns, { ping: 1 }, {})).rejects.toMatchObject({ name: 'MongoNetworkError' });
});

/** In the n-th microtask from now. */
async function inMicrotask(n: number, act: () => void): Promise<void> {
  for (let step = 0; step < n; step++) await Promise.resolve();
  act();
}

test.each([0, 1, 2, 3, 4, 5, 6])(
  'a command that meets the clearing of its pool %i microtasks later fails at once',
  async (n) => {
    const { connection: one, ns } = await connection();
    const answer = one.command(ns, { ping: 1 }, {});
    void inMicrotask(n, () => one.onError(new Error('pool cleared')));
    await expect(answer).rejects.toThrow(Error);
  },
);
