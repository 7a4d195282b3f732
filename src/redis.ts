import type { Writable } from 'node:stream';
import { Redis, type RedisOptions } from 'ioredis';
import type { Logger } from './log.ts';

/**
 * `commands` fails fast (a waiting client is answered 503 rather than left hanging); `blocking` is for connections
 * that wait on purpose (BullMQ workers, stream readers, subscribers) and must reconnect for ever.
 */
export type RedisPurpose = 'commands' | 'blocking';

const COMMAND_TIMEOUT_MS = 2_000;
const RECONNECT_DELAY_MAX_MS = 1_000;

const OPTIONS = {
  commands: { enableOfflineQueue: false, maxRetriesPerRequest: 0, commandTimeout: COMMAND_TIMEOUT_MS },
  blocking: { enableOfflineQueue: true, maxRetriesPerRequest: null },
} satisfies Record<RedisPurpose, RedisOptions>;

/** A connection that reconnects by itself. Errors are logged once per outage, not once per attempt. */
export function createRedis(url: string, purpose: RedisPurpose, log: Logger): Redis {
  const redis = new Redis(url, {
    ...OPTIONS[purpose],
    connectTimeout: 5_000,
    keepAlive: 10_000,
    retryStrategy: (attempt: number) => Math.min(attempt * 50, RECONNECT_DELAY_MAX_MS),
  });
  redis.on('connect', () => gatherWrites(redis.stream, END_OF_GATHERING[purpose]));
  let down = false;
  redis.on('error', (error) => {
    if (!down) log.warn({ err: error, reason: purpose }, 'redis connection lost');
    down = true;
  });
  redis.on('ready', () => {
    if (down) log.info({ reason: purpose }, 'redis connection restored');
    down = false;
  });
  return redis;
}

/**
 * When what is gathered goes out. Commands come of what sockets have said: they wait until this turn of the event loop has
 * heard all of them. Events are published when it has, so they must not wait for the end of the next turn.
 */
const END_OF_GATHERING = {
  commands: (act: () => void) => void setImmediate(act),
  blocking: (act: () => void) => process.nextTick(act),
} satisfies Record<RedisPurpose, (act: () => void) => void>;

/** Lets commands leave in one system call: the first write corks the socket, until `atEnd` has it uncorked. */
function gatherWrites(stream: Writable, atEnd: (act: () => void) => void): void {
  const write = stream.write.bind(stream) as (...args: unknown[]) => boolean;
  let gathering = false;
  const uncork = () => {
    gathering = false;
    stream.uncork();
  };
  const gathered = (...args: unknown[]): boolean => {
    if (!gathering) {
      gathering = true;
      stream.cork();
      atEnd(uncork);
    }
    return write(...args);
  };
  stream.write = gathered as typeof stream.write;
}

/** Resolves when the connection can take commands; rejects after `timeoutMs`. */
export async function redisReady(redis: Redis, timeoutMs = 10_000): Promise<void> {
  if (redis.status === 'ready') return;
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => {
      redis.off('ready', ready);
      reject(new Error(`Redis did not answer within ${timeoutMs} ms`));
    }, timeoutMs);
    const ready = () => {
      clearTimeout(timer);
      resolve();
    };
    redis.once('ready', ready);
  });
}

/** Refuses a Redis that may drop queue data: eviction on, or too old for the queue. Throws with the reason. */
export async function checkRedis(redis: Redis): Promise<void> {
  const info = await redis.info('server');
  const version = /redis_version:(\d+)\.(\d+)/.exec(info);
  const [major, minor] = [Number(version?.[1] ?? 0), Number(version?.[2] ?? 0)];
  if (major < 6 || (major === 6 && minor < 2))
    throw new Error(`Redis ${major}.${minor} is too old: 6.2 or newer is needed`);
  const memory = await redis.info('memory');
  const policy = /maxmemory_policy:(\S+)/.exec(memory)?.[1];
  if (policy !== 'noeviction') {
    throw new Error(`Redis has maxmemory-policy ${policy}; it must be noeviction, or queued requests can vanish`);
  }
}
