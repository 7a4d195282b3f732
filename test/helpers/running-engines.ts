/** What the global set-up hands to the global tear-down. Both run in Jest's own process, but not in the same module registry. */
import type { MongoEngine } from '../../scripts/engines/mongo.ts';
import type { RedisEngine } from '../../scripts/engines/redis.ts';

export type RunningEngines = { folder: string; redis: RedisEngine; mongo: MongoEngine };

const KEY = Symbol.for('ocelotiq.test.engines');
const shared = globalThis as { [KEY]?: RunningEngines };

export function rememberEngines(engines: RunningEngines): void {
  shared[KEY] = engines;
}

export function recallEngines(): RunningEngines | undefined {
  return shared[KEY];
}
