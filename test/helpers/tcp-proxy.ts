import { connect, createServer, type Socket } from 'node:net';

/** A loopback TCP proxy whose line can be cut, frozen and mended. */
export type TcpProxy = {
  port: number;
  /** Resets every connection and refuses new ones until `mend`. */
  cut(): void;
  /** Accepts and keeps connections, but passes nothing, until `mend`. */
  freeze(): void;
  mend(): void;
  close(): Promise<void>;
};

export async function startTcpProxy(target: { host: string; port: number }): Promise<TcpProxy> {
  const pairs = new Set<{ client: Socket; server: Socket }>();
  let state: 'open' | 'cut' | 'frozen' = 'open';

  const listener = createServer((client) => {
    if (state === 'cut') {
      client.resetAndDestroy();
      return;
    }
    const server = connect(target);
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
  });

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
      for (const { client, server } of pairs) {
        client.resetAndDestroy();
        server.resetAndDestroy();
      }
    },
    freeze: () => {
      state = 'frozen';
      for (const pair of pairs) pause(pair);
    },
    mend: () => {
      const wasFrozen = state === 'frozen';
      state = 'open';
      if (!wasFrozen) return;
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
