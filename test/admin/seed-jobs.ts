import { createRedis, redisReady } from '../../src/redis.ts';
import type { Stores } from '../helpers/stores.ts';
import { type Failing, failJobs } from '../queue/failing.ts';
import { log } from '../stream/redis.ts';

/** A purge that really fails, and a text in its error that must be seen nowhere. */
export const FAILED_JOB = {
  key: 'purgeContent',
  data: { day: '2026-11-25' },
  jobId: 'purge-content-2026-11-25',
} as const;
export const FAILURE_TEXT = 'canary-failure-text';

export async function seedFailedJobs(
  { redisUrl, prefix }: Stores,
  jobs: readonly Failing[] = [FAILED_JOB],
): Promise<void> {
  const commands = createRedis(redisUrl, 'commands', log);
  const blocking = createRedis(redisUrl, 'blocking', log);
  try {
    await redisReady(commands);
    await failJobs(jobs, new TypeError(FAILURE_TEXT), { commands, blocking, prefix });
  } finally {
    commands.disconnect();
    blocking.disconnect();
  }
}
