import type { RouteHealth } from '../../src/providers/breaker.ts';
import { createHealthStore } from '../../src/providers/route-health.ts';
import { createRedis, redisReady } from '../../src/redis.ts';
import type { Stores } from '../helpers/stores.ts';
import { log } from '../stream/redis.ts';

const AGAIN_MS = 5_000;

/** Tells as a worker does how its routes stand, again and again: what is told is forgotten soon. @returns ends it. */
export async function keepTelling(
  { redisUrl, prefix }: Stores,
  routes: readonly RouteHealth[],
): Promise<() => Promise<void>> {
  const redis = createRedis(redisUrl, 'commands', log);
  await redisReady(redis);
  const store = createHealthStore(redis, prefix);
  const tell = () => store.tell('worker-1', routes, Date.now());
  await tell();
  const timer = setInterval(() => void tell().catch(() => undefined), AGAIN_MS);
  return async () => {
    clearInterval(timer);
    redis.disconnect();
  };
}
