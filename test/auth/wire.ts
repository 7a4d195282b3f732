import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { scheduler } from 'node:timers/promises';

/** A line to a server that can be cut, as an outage would. */
export type Wire = {
  port: number;
  /** Ends every connection and refuses new ones. */
  cut(): void;
  /** Keeps connections open but passes nothing on: a server that hangs. */
  freeze(): void;
  mend(): void;
  close(): Promise<void>;
};

export async function openWire(target: { host: string; port: number }): Promise<Wire> {
  const sockets = new Set<Socket>();
  let state: 'open' | 'frozen' | 'cut' = 'open';
  const server = createServer((near) => {
    if (state === 'cut') {
      near.destroy();
      return;
    }
    const far = connect(target.port, target.host);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on('data', (chunk) => {
        if (state === 'open') to.write(chunk);
      });
      from.on('error', () => undefined);
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const destroyAll = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    cut: () => {
      state = 'cut';
      destroyAll();
    },
    freeze: () => {
      state = 'frozen';
    },
    mend: () => {
      // What was swallowed while frozen cannot be made good on the same connection.
      if (state === 'frozen') destroyAll();
      state = 'open';
    },
    close: async () => {
      destroyAll();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Waits until `condition` holds and says how long that took; fails after `timeoutMs`. */
export async function until(condition: () => Promise<boolean> | boolean, timeoutMs = 10_000): Promise<number> {
  const started = performance.now();
  while (!(await condition())) {
    if (performance.now() - started > timeoutMs) throw new Error(`not within ${timeoutMs} ms`);
    await scheduler.wait(5);
  }
  return performance.now() - started;
}
