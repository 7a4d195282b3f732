/**
 * Starts one Redis and one MongoDB engine for the whole run, on free ports and in a folder of their own, so that several runs may go on
 * at once. Tests find them in TEST_REDIS_URL and TEST_MONGODB_URI and keep apart by database names and key prefixes. The files of the
 * DocumentDB engine, which a test can read because they are not compressed as a whole, are below TEST_MONGODB_FILES. What the engines are
 * is written into the file ENGINES_REPORT.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { type MongoEngine, startMongo } from '../../scripts/engines/mongo.ts';
import { type RedisEngine, startRedis } from '../../scripts/engines/redis.ts';
import type { Log } from '../../scripts/engines/supervise.ts';
import { rememberEngines } from './running-engines.ts';

export default async function globalSetup(): Promise<void> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'ocelotiq-test-'));
  const log: Log = (line) => {
    process.stderr.write(`engines: ${line}\n`);
  };
  const { redis, mongo } = await startEngines(folder, log).catch((error: unknown) => {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  });
  rememberEngines({ folder, redis, mongo });
  log(`Redis: ${redis.version} (${redis.engine}) at ${redis.url}`);
  log(`MongoDB: ${mongo.version} (${mongo.engine}) at ${mongo.uri}`);
  if (process.env.ENGINES_REPORT) writeFileSync(process.env.ENGINES_REPORT, `${redis.version}, ${mongo.version}`);
  process.env.TEST_REDIS_URL = redis.url;
  process.env.TEST_MONGODB_URI = mongo.uri;
  if (mongo.engine === 'documentdb') process.env.TEST_MONGODB_FILES = path.join(folder, 'mongo');
}

async function startEngines(folder: string, log: Log): Promise<{ redis: RedisEngine; mongo: MongoEngine }> {
  const { TEST_REDIS_URL, TEST_MONGODB_URI } = process.env;
  const redis = await startRedis({ url: TEST_REDIS_URL, dataDir: path.join(folder, 'redis'), log, allowInstall: true });
  try {
    const mongo = await startMongo({
      uri: TEST_MONGODB_URI,
      dataDir: path.join(folder, 'mongo'),
      log,
      isDurable: false,
    });
    return { redis, mongo };
  } catch (error) {
    await redis.stop();
    throw error;
  }
}
