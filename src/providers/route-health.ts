import type { Redis } from 'ioredis';
import { z } from 'zod';
import type { BreakerState, RouteHealth } from './breaker.ts';

/**
 * How the routes of providers stand, told by every worker process for people to look at. Breakers live in the workers'
 * memory; what is told of them ends by itself soon after a worker has.
 */

const TOLD_MS = 30_000;
const WORKERS_MAX = 200;
const ROUTES_MAX = 500;

/** A route over all workers: the worst of their states, since the first of them that is in it. */
export type SharedRouteHealth = RouteHealth & {
  /** Workers that are in `state`, of those that told of the route. */
  inState: number;
  workers: number;
};

export type HealthStore = {
  /** Rejects when Redis does not answer. */
  tell(workerId: string, routes: readonly RouteHealth[], nowMs: number): Promise<void>;
  read(nowMs: number): Promise<SharedRouteHealth[]>;
};

const told = z.array(
  z.strictObject({
    routeId: z.string(),
    state: z.enum(['closed', 'open', 'half_open']),
    sinceMs: z.number().optional(),
    calls: z.number(),
    failed: z.number(),
  }),
);

const SEVERITY: readonly BreakerState[] = ['closed', 'half_open', 'open'];

function parse(text: string | null): RouteHealth[] {
  if (text === null) return [];
  const parsed = told.safeParse(JSON.parse(text));
  return parsed.success ? (parsed.data as RouteHealth[]) : [];
}

function worse(one: BreakerState, other: BreakerState): BreakerState {
  return SEVERITY.indexOf(one) >= SEVERITY.indexOf(other) ? one : other;
}

/** One line for each route. Pure. */
export function overAllWorkers(all: readonly RouteHealth[]): SharedRouteHealth[] {
  const byRoute = new Map<string, RouteHealth[]>();
  for (const one of all) byRoute.set(one.routeId, [...(byRoute.get(one.routeId) ?? []), one]);
  return [...byRoute].map(([routeId, lines]) => {
    const state = lines.map((line) => line.state).reduce(worse);
    const same = lines.filter((line) => line.state === state);
    const since = same.flatMap(({ sinceMs }) => sinceMs ?? []);
    return {
      routeId,
      state,
      ...(since.length === 0 ? {} : { sinceMs: Math.min(...since) }),
      calls: lines.reduce((sum, { calls }) => sum + calls, 0),
      failed: lines.reduce((sum, { failed }) => sum + failed, 0),
      inState: same.length,
      workers: lines.length,
    };
  });
}

/** @param redis a connection for commands. */
export function createHealthStore(redis: Redis, prefix: string): HealthStore {
  const workersKey = `${prefix}:health`;
  const keyOf = (workerId: string) => `${workersKey}:${workerId}`;
  return {
    tell: async (workerId, routes, nowMs) => {
      await Promise.all([
        redis.set(keyOf(workerId), JSON.stringify(routes.slice(0, ROUTES_MAX)), 'PX', TOLD_MS),
        redis.zadd(workersKey, nowMs, workerId),
        redis.zremrangebyscore(workersKey, '-inf', nowMs - TOLD_MS),
        redis.pexpire(workersKey, TOLD_MS),
      ]);
    },
    read: async (nowMs) => {
      const workers = await redis.zrevrangebyscore(workersKey, '+inf', nowMs - TOLD_MS, 'LIMIT', 0, WORKERS_MAX);
      const texts = workers.length === 0 ? [] : await redis.mget(workers.map(keyOf));
      return overAllWorkers(texts.flatMap(parse));
    },
  };
}
