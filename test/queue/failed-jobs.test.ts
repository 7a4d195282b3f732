import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { AppError } from '../../src/errors.ts';
import { newId } from '../../src/ids.ts';
import { FAILED_BATCH_MAX, openFailedJobs } from '../../src/queue/failed-jobs.ts';
import { inspectQueues, listFailedJobs } from '../../src/queue/inspect.ts';
import { JobFailure, shownReason, toJobFailure } from '../../src/queue/job-failure.ts';
import { done } from '../../src/queue/outcome.ts';
import { redisReady } from '../../src/redis.ts';
import { eventually } from '../helpers/eventually.ts';
import { useRedis } from '../stream/redis.ts';
import { failingHandlers, failJobs, workersWith } from './failing.ts';

const redis = useRedis();
const commands = redis.commands();
const { prefix } = redis;
const jobs = openFailedJobs(commands, prefix);
const connections = () => ({ commands, blocking: redis.blocking(), prefix });
const SECRET = 'the prompt said hello-canary';

beforeAll(() => redisReady(commands));
afterEach(async () => {
  const keys = await commands.keys(`${prefix}:*`);
  if (keys.length > 0) await commands.unlink(keys);
});
afterAll(() => jobs.close());

const purge = (jobId: string) => ({ key: 'purgeContent', data: { day: '2026-11-25' }, jobId }) as const;
const failed = async () => (await listFailedJobs(commands, prefix)).map(({ id }) => id);
const stateOf = async (queue: string) =>
  (await inspectQueues(commands, prefix, Date.now())).find((one) => one.queue === queue);

describe('a failed job', () => {
  it('is told with its id, its attempts, the moment and a code; what was thrown is kept nowhere', async () => {
    await failJobs([purge('told')], new TypeError(SECRET), connections());
    const [job] = await listFailedJobs(commands, prefix);
    expect(job).toMatchObject({
      queue: 'maintenance',
      id: 'told',
      name: 'purge-content',
      attempts: 1,
      reason: 'TypeError',
    });
    expect(job?.failedAt).toBeInstanceOf(Date);
    const stored = JSON.stringify(await commands.hgetall(`${prefix}:q:maintenance:told`));
    expect(stored).not.toContain('canary');
    expect(stored).not.toContain('.ts');
  });

  it('waits again with all its attempts, once, and is done', async () => {
    await failJobs([purge('again'), purge('left')], new Error('x'), connections());
    expect(await jobs.retry('maintenance', 'again')).toBe('waiting');
    expect(await jobs.retry('maintenance', 'again')).toBe('not_failed');
    expect(await jobs.retry('maintenance', 'none')).toBe('not_found');
    expect(await commands.hmget(`${prefix}:q:maintenance:again`, 'atm', 'ats')).toEqual([null, null]);
    const ran: string[] = [];
    const handlers = {
      ...failingHandlers(new Error('x')),
      purgeContent: async (_payload: object, { jobId }: { jobId: string }) => {
        ran.push(jobId);
        return done;
      },
    };
    const workers = workersWith(handlers, redis.blocking(), prefix);
    await eventually(() => expect(ran).toEqual(['again']));
    await workers.drain(10_000);
    expect(await failed()).toEqual(['left']);
    expect(await jobs.retryAll('maintenance')).toEqual({ taken: 1, left: 0 });
    expect(await stateOf('maintenance')).toMatchObject({ waiting: 1, failed: 0 });
  });
});

it('drains what failed in one queue, and nothing that waits or belongs to another', async () => {
  const requestId = newId('req');
  await failJobs(
    [purge('drained'), purge('retried'), { key: 'runRequest', data: { requestId }, jobId: requestId }],
    new Error('x'),
    connections(),
  );
  await jobs.retry('maintenance', 'retried');
  expect(await jobs.drain('maintenance')).toEqual({ taken: 1, left: 0 });
  expect(await stateOf('maintenance')).toMatchObject({ waiting: 1, failed: 0 });
  expect(await failed()).toEqual([requestId]);
  expect(await commands.exists(`${prefix}:q:maintenance:drained`)).toBe(0);
  expect(await jobs.drain('maintenance')).toEqual({ taken: 0, left: 0 });
});

it('takes a bounded batch, the oldest first', async () => {
  const key = `${prefix}:q:webhooks`;
  const pipeline = commands.pipeline();
  for (let n = 0; n < FAILED_BATCH_MAX + 2; n++) {
    pipeline.hset(`${key}:old-${n}`, { name: 'deliver-webhook', data: '{}', opts: '{}', timestamp: '1' });
    pipeline.zadd(`${key}:failed`, n + 1, `old-${n}`);
  }
  await pipeline.exec();
  expect(await jobs.drain('webhooks')).toEqual({ taken: FAILED_BATCH_MAX, left: 2 });
  expect(await jobs.retryAll('webhooks')).toEqual({ taken: 2, left: 0 });
  expect(await commands.lrange(`${key}:wait`, 0, -1)).toEqual(
    [FAILED_BATCH_MAX + 1, FAILED_BATCH_MAX].map((n) => `old-${n}`),
  );
});

describe('the reason of a failure', () => {
  it.each([
    [new AppError('unavailable'), 'unavailable'],
    [new JobFailure('retention_failed'), 'retention_failed'],
    [new JobFailure(SECRET), 'other'],
    [Object.assign(new Error(SECRET), { code: 11000, name: 'MongoServerError' }), 'MongoServerError:11000'],
    [Object.assign(new Error(SECRET), { code: SECRET }), 'other'],
    [SECRET, 'other'],
  ])('is a code: %p', (error, code) => {
    expect(toJobFailure(error)).toMatchObject({ message: code, stack: `JobFailure: ${code}` });
  });

  it.each([
    ['job stalled more than allowable limit', 'stalled_too_often'],
    [SECRET, 'other'],
    ['', 'other'],
    ['__proto__', 'other'],
    ['retention_failed', 'retention_failed'],
  ])('kept as %j is shown as %s', (kept, shown) => {
    expect(shownReason(kept)).toBe(shown);
  });
});
