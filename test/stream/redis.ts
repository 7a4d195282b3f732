import { randomBytes } from 'node:crypto';
import { afterAll } from '@jest/globals';
import { Redis } from 'ioredis';
import { createLogger } from '../../src/log.ts';
import { createRedis } from '../../src/redis.ts';

/** Connections to the Redis of this run, with a prefix of their own; closed, and the keys removed, after the file. */
export const log = createLogger({ role: 'test', level: 'silent' });

export function useRedis() {
  const url = process.env.TEST_REDIS_URL ?? '';
  if (url === '') throw new Error('TEST_REDIS_URL is not set: run the tests with npm test');
  const prefix = `test_${randomBytes(6).toString('hex')}`;
  const open: Redis[] = [];
  const keep = (redis: Redis) => {
    open.push(redis);
    return redis;
  };
  afterAll(async () => {
    const cleaner = new Redis(url);
    const keys = await cleaner.keys(`${prefix}*`);
    if (keys.length > 0) await cleaner.unlink(keys);
    for (const redis of [...open, cleaner]) if (redis.status !== 'end') redis.disconnect();
  });
  return {
    url,
    prefix,
    commands: () => keep(createRedis(url, 'commands', log)),
    blocking: (at = url) => keep(createRedis(at, 'blocking', log)),
    speaking: (protocol: 2 | 3) => keep(new Redis(url, { protocol, maxRetriesPerRequest: null })),
  };
}
