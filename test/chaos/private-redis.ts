import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, statSync, truncateSync } from 'node:fs';
import path from 'node:path';
import { Redis } from 'ioredis';
import { freePort } from '../../scripts/engines/free-port.ts';
import { eventually } from '../helpers/eventually.ts';

/** A Redis of the run's own, as production runs it, that may be killed and come back with less than it had. */
export type PrivateRedis = {
  port: number;
  kill(): Promise<void>;
  start(): Promise<void>;
  /** The last bytes of the append-only file are gone, as after a loss of power. Call while it is down. */
  truncate(bytes: number): void;
  /** Remembers the files as they are. */
  copy(): void;
  /** Puts the remembered files back, if there are any. Call while it is down. */
  restoreCopy(): void;
  flush(): Promise<void>;
};

export async function startPrivateRedis(folder: string): Promise<PrivateRedis> {
  const port = await freePort();
  const log = path.join(folder, 'appendonlydir');
  const copied = path.join(folder, 'copy');
  const data = ['--dir', folder, '--appendonly', 'yes', '--appendfsync', 'everysec', '--save', ''];
  const settings = ['--bind', '127.0.0.1', '--port', String(port), '--maxmemory-policy', 'noeviction'];
  let server: ChildProcess | undefined;
  mkdirSync(folder, { recursive: true });

  async function withClient(act: (client: Redis) => Promise<unknown>): Promise<void> {
    const client = new Redis(port, '127.0.0.1', {
      maxRetriesPerRequest: 0,
      retryStrategy: () => null,
      lazyConnect: true,
    });
    client.on('error', () => undefined);
    try {
      await client.connect();
      await act(client);
    } finally {
      client.disconnect();
    }
  }

  async function start(): Promise<void> {
    const started = spawn('redis-server', [...settings, ...data], { stdio: 'ignore' });
    server = started;
    await eventually(() => withClient((client) => client.ping()), { timeoutMs: 20_000, intervalMs: 20 });
  }

  await start();
  return {
    port,
    start,
    kill: async () => {
      if (!server || server.exitCode !== null || server.signalCode !== null) return;
      const ended = once(server, 'exit');
      server.kill('SIGKILL');
      await ended;
    },
    truncate: (bytes) => {
      for (const name of readdirSync(log).filter((one) => one.endsWith('.incr.aof'))) {
        const file = path.join(log, name);
        truncateSync(file, Math.max(0, statSync(file).size - bytes));
      }
    },
    copy: () => {
      rmSync(copied, { recursive: true, force: true });
      cpSync(log, copied, { recursive: true });
    },
    restoreCopy: () => {
      if (!existsSync(copied)) return;
      rmSync(log, { recursive: true, force: true });
      cpSync(copied, log, { recursive: true });
    },
    flush: () => withClient((client) => client.flushall()),
  };
}
