/**
 * Starts one Redis and one MongoDB engine for the whole run, on free ports and in a folder of their own, so that several runs may go on
 * at once. Tests find them in TEST_REDIS_URL and TEST_MONGODB_URI and keep apart by database names and key prefixes.
 */
import { mkdtempSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { startMongo } from '../../scripts/engines/mongo.ts';
import { startRedis } from '../../scripts/engines/redis.ts';
import { rememberEngines } from './running-engines.ts';

export default async function globalSetup(): Promise<void> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'ocelotiq-test-'));
  const log = (line: string): void => {
    process.stderr.write(`engines: ${line}\n`);
  };
  const redis = await startRedis({
    url: process.env.TEST_REDIS_URL,
    dataDir: path.join(folder, 'redis'),
    log,
    allowInstall: true,
  });
  const mongo = await startMongo({
    uri: process.env.TEST_MONGODB_URI,
    dataDir: path.join(folder, 'mongo'),
    log,
    isDurable: false,
  }).catch(async (error: unknown) => {
    await redis.stop();
    throw error;
  });
  rememberEngines({ folder, redis, mongo });
  log(`Redis: ${redis.version} (${redis.engine}) at ${redis.url}`);
  log(`MongoDB: ${mongo.version} (${mongo.engine}) at ${mongo.uri}`);
  process.env.TEST_REDIS_URL = redis.url;
  process.env.TEST_MONGODB_URI = mongo.uri;
}
