import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Redis } from 'ioredis';
import mongoose from 'mongoose';
import { type Criterion, judge } from '../../scripts/soak/criteria.ts';
import { type Leak, startLeak } from '../../scripts/soak/leak.ts';
import { type Sample, startWatch } from '../../scripts/soak/watch.ts';
import { createLogger } from '../../src/log.ts';
import { createRedis, redisReady } from '../../src/redis.ts';
import { eventually } from '../helpers/eventually.ts';
import { useStores } from '../helpers/stores.ts';

/** The soak in small: the same watch and the same criteria, over a process and keys that leak on purpose, and one that does not. */
const stores = useStores();
const SECONDS = 4;
const SAMPLE_MS = 100;
const SAMPLES = 40;

let redis: Redis;
beforeAll(async () => {
  redis = createRedis(stores.redisUrl, 'commands', createLogger({ role: 'test', level: 'silent' }));
  await redisReady(redis);
});
afterAll(() => redis.disconnect());

async function watchLeak(leak: Leak | 'none'): Promise<Criterion[]> {
  const prefix = `${stores.prefix}-${leak}`;
  const leaking = await startLeak(leak, { seconds: SECONDS, redis, prefix });
  try {
    const samples: Sample[] = [];
    const databasePorts = new Set<number>();
    const options = { processes: leaking.processes, redis, prefix, databasePorts, intervalMs: SAMPLE_MS };
    const watch = startWatch({ ...options, onSample: (one) => void samples.push(one) });
    await eventually(() => expect(samples.length).toBeGreaterThanOrEqual(SAMPLES));
    await watch.stop();
    const [before, after] = [samples[0], samples.at(-1)];
    if (!before || !after) throw new Error('nothing was sampled');
    const quiet = { unhandled: 0, logBytes: 0, requests: 1, failures: {}, moneyProblems: [], poolMax: 20 };
    return judge({ samples, before, after, ...quiet });
  } finally {
    await leaking.stop();
  }
}

test('memory, descriptors and keys that leak fail the soak, each by its own name; what does not leak passes', async () => {
  const kinds = ['none', 'rss', 'fd', 'keys'] as const;
  const judged = await Promise.all(kinds.map(watchLeak));
  const failing = judged.map((criteria) =>
    criteria.filter(({ verdict }) => verdict === 'fails').map(({ what }) => what),
  );
  expect(failing).toEqual([
    [],
    ['leaky: resident memory per 10 min'],
    ['leaky: open descriptors at rest, but for MongoDB'],
    ['Redis keys at rest', 'stream logs and counts of minutes without an end'],
  ]);
});

test('connections to the database are told apart from what else a process has open', async () => {
  const port = Number(/:(\d+)\//.exec(stores.mongoUri)?.[1]);
  const watched = {
    processes: [{ name: 'own', pid: process.pid }],
    redis,
    prefix: stores.prefix,
    intervalMs: SAMPLE_MS,
  };
  const look = async (databasePorts: ReadonlySet<number>) => {
    const watch = startWatch({ ...watched, databasePorts });
    const { own } = (await watch.now()).processes;
    await watch.stop();
    return own;
  };
  await mongoose.connection.db?.command({ ping: 1 });
  const [apart, together] = [await look(new Set([port])), await look(new Set())];
  expect(together?.databaseConnections).toBe(0);
  expect(apart?.databaseConnections).toBeGreaterThan(0);
  expect(apart?.descriptors).toBeLessThan(together?.descriptors ?? 0);
});

test('a count of a minute is no growth, unless it would stay for ever', async () => {
  const prefix = `${stores.prefix}-rates`;
  const watch = startWatch({ processes: [], redis, prefix, databasePorts: new Set(), intervalMs: SAMPLE_MS });
  await redis.set(`${prefix}:rates:1`, '1', 'EX', 60);
  expect(await watch.now()).toMatchObject({ redisKeys: 0, endless: 0 });
  await redis.set(`${prefix}:rates:2`, '1');
  expect(await watch.now()).toMatchObject({ redisKeys: 0, endless: 1 });
  await watch.stop();
});
