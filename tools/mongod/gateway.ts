/** The sockets: clients' messages in, replies out, in order on each connection. */
import net from 'node:net';
import { encode } from './bson.ts';
import { scan } from './bson-scan.ts';
import type { ServerControl } from './commands.ts';
import { dispatch } from './dispatch.ts';
import type { Engine } from './engine.ts';
import type { ReplicaSet } from './replica-set.ts';
import { hello } from './server-info.ts';
import { createFramer, MESSAGE_BYTES_MAX, type Message, parseMessage, replyHeader } from './wire.ts';

export type GatewayOptions = {
  host: string;
  port: number;
  replicaSet: ReplicaSet;
  /** Resolves when the storage runs. Until then only `hello` and `ping` are answered and other commands wait. */
  engine: Promise<Engine>;
  /** A client sent the shutdown command. */
  onShutdown: () => void;
};

export type Gateway = {
  /** Stops listening and closes every connection. */
  close(): Promise<void>;
};

const CONNECTIONS_MAX = 2000;
const OK = encode({ ok: 1 });
const STARTING = { isWritablePrimary: false, ismaster: false, secondary: false };

/** Starts listening. @throws Error with code EADDRINUSE when the port is taken. */
export async function openGateway(options: GatewayOptions): Promise<Gateway> {
  const sockets = new Set<net.Socket>();
  let engine: Engine | undefined;
  options.engine.then(
    (ready) => {
      engine = ready;
    },
    () => undefined, // The caller ends the process.
  );
  let lastConnection = 0;

  const control: ServerControl = {
    connections: () => sockets.size,
    shutdown: () => setTimeout(options.onShutdown, 10), // The reply goes out first.
  };

  async function answer(message: Message, peer: string, connectionId: number): Promise<Buffer> {
    const [name = ''] = scan(message.body).keys();
    if (/^(hello|ismaster)$/i.test(name)) {
      const role = engine === undefined ? { ...options.replicaSet, role: () => STARTING } : options.replicaSet;
      return hello({ replicaSet: role }, connectionId);
    }
    if (name === 'ping') return OK;
    return dispatch(engine ?? (await options.engine), message, peer, control);
  }

  function serve(socket: net.Socket): void {
    if (sockets.size >= CONNECTIONS_MAX) {
      socket.destroy();
      return;
    }
    sockets.add(socket);
    socket.setNoDelay(true);
    const connectionId = ++lastConnection;
    const peer = `${socket.remoteAddress}:${socket.remotePort}`;
    const framer = createFramer();
    let isBusy = false;

    async function pump(): Promise<void> {
      if (isBusy) return;
      isBusy = true;
      try {
        for (let bytes = framer.next(); bytes !== undefined; bytes = framer.next()) {
          const message = parseMessage(bytes);
          const reply = await answer(message, peer, connectionId);
          if (message.isSilent || socket.destroyed) continue;
          socket.cork();
          socket.write(replyHeader(message, reply));
          const isTaken = socket.write(reply);
          socket.uncork();
          if (!isTaken) await drained(socket); // A client that does not read is not answered further.
        }
        socket.resume();
      } catch (error) {
        console.error(`connection ${connectionId} closed:`, error instanceof Error ? error.message : error);
        socket.destroy();
      }
      isBusy = false;
    }

    socket.on('data', (chunk: Buffer) => {
      framer.add(chunk);
      if (framer.size() > MESSAGE_BYTES_MAX) socket.pause(); // A client that sends ahead waits for its turn.
      void pump();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
  }

  const server = net.createServer(serve);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, resolve);
  });
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

function drained(socket: net.Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      socket.off('drain', done);
      socket.off('close', done);
      resolve();
    };
    socket.on('drain', done);
    socket.on('close', done);
    if (socket.destroyed || !socket.writableNeedDrain) done();
  });
}
