import { connect, createServer, type Socket } from 'node:net';

/** A loopback TCP proxy whose line can be cut, frozen, muted and mended. */
export type TcpProxy = {
  port: number;
  /** Resets every connection and refuses new ones until `mend`. */
  cut(): void;
  /** Accepts and keeps connections, but passes nothing, until `mend`. */
  freeze(): void;
  /** Passes what is asked and swallows what is answered, until `cut` or `mend` resets the muted connections. */
  mute(): void;
  mend(): void;
  close(): Promise<void>;
};

/** @param target a port may be told later, by a function that is asked at each connection. */
export async function startTcpProxy(target: { host: string; port: number | (() => number) }): Promise<TcpProxy> {
  const pairs = new Set<{ client: Socket; server: Socket }>();
  let state: 'open' | 'cut' | 'frozen' | 'muted' = 'open';

  const listener = createServer((client) => {
    if (state === 'cut') {
      client.resetAndDestroy();
      return;
    }
    const { host, port } = target;
    const server = connect({ host, port: typeof port === 'number' ? port : port() });
    const pair = { client, server };
    pairs.add(pair);
    for (const socket of [client, server]) socket.setNoDelay(true);
    const drop = () => {
      pairs.delete(pair);
      client.destroy();
      server.destroy();
    };
    for (const socket of [client, server]) socket.on('error', drop).on('close', drop);
    client.pipe(server);
    server.pipe(client);
    if (state === 'frozen') pause(pair);
    if (state === 'muted') swallow(pair);
  });

  function swallow({ client, server }: { client: Socket; server: Socket }): void {
    server.unpipe(client).resume();
  }

  function reset(): void {
    for (const { client, server } of pairs) {
      client.resetAndDestroy();
      server.resetAndDestroy();
    }
  }

  function pause({ client, server }: { client: Socket; server: Socket }): void {
    client.unpipe(server).pause();
    server.unpipe(client).pause();
  }

  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const address = listener.address();
  if (typeof address !== 'object' || !address) throw new Error('the proxy has no port');

  return {
    port: address.port,
    cut: () => {
      state = 'cut';
      reset();
    },
    freeze: () => {
      state = 'frozen';
      for (const pair of pairs) pause(pair);
    },
    mute: () => {
      state = 'muted';
      for (const pair of pairs) swallow(pair);
    },
    mend: () => {
      const was = state;
      state = 'open';
      // Replies are missing from a muted connection: it cannot be used again.
      if (was === 'muted') reset();
      if (was !== 'frozen') return;
      for (const { client, server } of pairs) {
        client.pipe(server);
        server.pipe(client);
      }
    },
    close: () =>
      new Promise((resolve) => {
        for (const { client, server } of pairs) {
          client.destroy();
          server.destroy();
        }
        listener.close(() => resolve());
      }),
  };
}
