import { beforeAll, describe, expect, it } from '@jest/globals';
import { createBreaker } from '../../src/providers/breaker.ts';
import { createHealthStore, overAllWorkers } from '../../src/providers/route-health.ts';
import { redisReady } from '../../src/redis.ts';
import { useRedis } from '../stream/redis.ts';

const NOW = 1_800_000_000_000;
const MINUTE_MS = 60_000;

describe('the health of a route', () => {
  it('goes from closed to open, half open and closed again, and tells since when', () => {
    const breaker = createBreaker();
    expect(breaker.health(NOW)).toEqual([]);
    breaker.succeeded('r', NOW);
    for (let n = 0; n < 5; n++) breaker.failed('r', NOW + n);
    expect(breaker.health(NOW + 4)).toEqual([{ routeId: 'r', state: 'open', sinceMs: NOW + 4, calls: 6, failed: 5 }]);
    const openUntil = NOW + 4 + breaker.waitMs('r', NOW + 4);
    expect(breaker.allows('r', openUntil - 1)).toBe(false);
    expect(breaker.health(openUntil)).toMatchObject([{ state: 'half_open', sinceMs: openUntil }]);
    expect(breaker.allows('r', openUntil + 10)).toBe(true);
    expect(breaker.allows('r', openUntil + 11)).toBe(false);
    expect(breaker.health(openUntil + 11)).toMatchObject([{ state: 'half_open', sinceMs: openUntil }]);
    breaker.failed('r', openUntil + 20);
    expect(breaker.health(openUntil + 20)).toMatchObject([{ state: 'open', sinceMs: openUntil + 20 }]);
    const again = openUntil + 20 + breaker.waitMs('r', openUntil + 20);
    expect(breaker.allows('r', again)).toBe(true);
    breaker.succeeded('r', again + 1);
    expect(breaker.health(again + 1)).toMatchObject([{ state: 'closed', sinceMs: again + 1, calls: 8, failed: 6 }]);
  });

  it('forgets calls that are minutes ago, and a route that nobody calls any more', () => {
    const breaker = createBreaker();
    breaker.failed('r', NOW);
    breaker.succeeded('r', NOW + 3 * MINUTE_MS);
    expect(breaker.health(NOW + 3 * MINUTE_MS)).toMatchObject([{ calls: 2, failed: 1 }]);
    expect(breaker.health(NOW + 6 * MINUTE_MS)).toMatchObject([{ calls: 1, failed: 0 }]);
    expect(breaker.health(NOW + 60 * MINUTE_MS)).toEqual([]);
  });

  it('over all workers is the worst state, since the first that is in it, and the sum of calls', () => {
    const closed = { routeId: 'r', state: 'closed', calls: 10, failed: 1 } as const;
    const open = { routeId: 'r', state: 'open', sinceMs: NOW, calls: 5, failed: 5 } as const;
    expect(overAllWorkers([closed, { ...open, sinceMs: NOW + 5 }, open, { ...closed, routeId: 'other' }])).toEqual([
      { routeId: 'r', state: 'open', sinceMs: NOW, calls: 20, failed: 11, inState: 2, workers: 3 },
      { routeId: 'other', state: 'closed', calls: 10, failed: 1, inState: 1, workers: 1 },
    ]);
  });
});

describe('what workers tell', () => {
  const redis = useRedis();
  const commands = redis.commands();
  const store = createHealthStore(commands, redis.prefix);
  const closed = { routeId: 'r', state: 'closed', calls: 1, failed: 0 } as const;
  beforeAll(() => redisReady(commands));

  it('is read together, ends by itself, and is forgotten of those that ended', async () => {
    await store.tell('wrk_1', [closed], NOW);
    await store.tell('wrk_2', [closed, { ...closed, routeId: 's' }], NOW + 1_000);
    expect(await store.read(NOW + 2_000)).toMatchObject([
      { routeId: 'r', workers: 2 },
      { routeId: 's', workers: 1 },
    ]);
    for (const key of await commands.keys(`${redis.prefix}*`)) expect(await commands.pttl(key)).toBeGreaterThan(0);
    expect(await store.read(NOW + 30_500)).toMatchObject([
      { routeId: 'r', workers: 1 },
      { routeId: 's', workers: 1 },
    ]);
    await store.tell('wrk_3', [], NOW + 60_000);
    expect(await store.read(NOW + 60_000)).toEqual([]);
    expect(await commands.zrange(`${redis.prefix}:health`, '0', '-1')).toEqual(['wrk_3']);
  });
});
