import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Redis } from 'ioredis';
import type { Watched } from './watch.ts';

/**
 * Leaks on purpose, to prove that a soak would notice: memory and descriptors in a process of their own, which is watched
 * like the product's; keys in the Redis that is watched. Nothing of the product knows about it.
 */
export const LEAKS = ['rss', 'fd', 'keys'] as const;
export type Leak = (typeof LEAKS)[number];

export type Leaking = {
  /** To be watched as well; none for keys. */
  processes: Watched[];
  stop(): Promise<void>;
};

const PROGRAM = fileURLToPath(new URL('./leaky.mjs', import.meta.url));
const KEYS_EVERY_MS = 100;
const KEYS_MAX = 5_000;

/** @param seconds over which the leak of a process is spread. */
export async function startLeak(
  leak: Leak | 'none',
  options: { seconds: number; redis: Redis; prefix: string },
): Promise<Leaking> {
  return leak === 'keys' ? leakKeys(options) : leakInProcess(leak, options.seconds);
}

async function leakInProcess(leak: Exclude<Leak, 'keys'> | 'none', seconds: number): Promise<Leaking> {
  const kind = { rss: 'memory', fd: 'descriptors', none: 'none' }[leak];
  const child = spawn(process.execPath, [PROGRAM, kind, String(seconds)], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const ended = once(child, 'exit');
  // A process that is still starting grows without a leak.
  const isReady = await Promise.race([once(child, 'message').then(() => true), ended.then(() => false)]);
  if (!isReady) throw new Error('the leaking process did not start');
  return {
    processes: [{ name: 'leaky', pid: child.pid ?? 0 }],
    stop: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

function leakKeys({ redis, prefix }: { redis: Redis; prefix: string }): Leaking {
  const keys: string[] = [];
  const timer = setInterval(() => {
    if (keys.length >= KEYS_MAX) return;
    const key = `${prefix}:log:leak-${keys.length}`;
    keys.push(key);
    redis.set(key, '1').catch(() => undefined);
  }, KEYS_EVERY_MS);
  return {
    processes: [],
    stop: async () => {
      clearInterval(timer);
      if (keys.length > 0) await redis.unlink(keys);
    },
  };
}
