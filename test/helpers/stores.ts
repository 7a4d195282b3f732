import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll } from '@jest/globals';
import mongoose from 'mongoose';
import { createLogger } from '../../src/log.ts';
import { connectMongo, disconnectMongo, migrate } from '../../src/models/connect.ts';
import { createRedis, redisReady } from '../../src/redis.ts';

/** The engines of this run, with a database and a Redis prefix that belong to one test file. */
export type Stores = { mongoUri: string; database: string; redisUrl: string; prefix: string };

const POOL_MAX = 20;
const SCAN_COUNT = 1_000;

function engine(name: string): string {
  const address = process.env[name];
  if (!address) throw new Error(`${name} is not set: run the tests with npm test`);
  return address;
}

/** Lets a test count the commands that reach MongoDB: `mongoose.connection.getClient().on('commandStarted', ...)`. */
function watchable(uri: string): string {
  return `${uri}${uri.includes('?') ? '&' : '?'}monitorCommands=true`;
}

async function deleteKeys(stores: Stores): Promise<void> {
  const redis = createRedis(stores.redisUrl, 'commands', createLogger({ role: 'test', level: 'silent' }));
  try {
    await redisReady(redis);
    let cursor = '0';
    do {
      const [next, keys] = await redis.scan(cursor, 'MATCH', `*${stores.prefix}*`, 'COUNT', SCAN_COUNT);
      if (keys.length > 0) await redis.unlink(keys);
      cursor = next;
    } while (cursor !== '0');
  } finally {
    redis.disconnect();
  }
}

/**
 * Connects mongoose to a fresh database with all collections before the tests of a file, and removes the database and
 * every Redis key that holds the prefix after them. Call it once, at the top of the file.
 */
export function useStores(): Stores {
  const name = `test_${randomBytes(6).toString('hex')}`;
  const stores = {
    mongoUri: engine('TEST_MONGODB_URI'),
    database: name,
    redisUrl: engine('TEST_REDIS_URL'),
    prefix: name,
  };
  beforeAll(async () => {
    await connectMongo({ uri: watchable(stores.mongoUri), database: stores.database, poolMax: POOL_MAX });
    await migrate();
  });
  afterAll(async () => {
    await mongoose.connection.dropDatabase();
    await mongoose.connection.useDb(`${stores.database}_keys`).dropDatabase();
    await disconnectMongo();
    await deleteKeys(stores);
  });
  return stores;
}
