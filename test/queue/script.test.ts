import { execFile } from 'node:child_process';
import { expect, test } from '@jest/globals';
import { AuditEntry } from '../../src/models/audit-entry.ts';
import { FAILED_JOB, FAILURE_TEXT, seedFailedJobs } from '../admin/seed-jobs.ts';
import { useStores } from '../helpers/stores.ts';

/** `npm run queue`, as somebody with the machine in hand uses it. */

const stores = useStores();
const OTHER = { ...FAILED_JOB, jobId: 'purge-content-2026-11-24' };
const THIRD = { ...FAILED_JOB, jobId: 'purge-content-2026-11-23' };

function run(...words: string[]): Promise<{ code: number; out: string; err: string }> {
  const env = {
    PATH: process.env.PATH,
    OCELOTIQ_MODE: 'evaluation',
    MONGODB_URI: stores.mongoUri,
    MONGODB_DATABASE: stores.database,
    REDIS_URL: stores.redisUrl,
    REDIS_PREFIX: stores.prefix,
    KEY_PEPPER: Buffer.alloc(32, 4).toString('base64'),
    MASTER_KEYS: `1:${Buffer.alloc(32, 5).toString('base64')}`,
  };
  const args = ['--import', 'tsx', 'scripts/queue.ts', ...words];
  return new Promise((resolve) => {
    execFile(process.execPath, args, { env }, (error, out, err) => {
      resolve({ code: error ? Number(error.code) : 0, out, err });
    });
  });
}

const maintenance = (words: string) => new RegExp(`^maintenance +${words.replaceAll(' ', ' +')}$`, 'm');

test('npm run queue lists failed jobs, lets one of them wait again and drains the others, each with a reason', async () => {
  await seedFailedJobs(stores, [FAILED_JOB, OTHER, THIRD]);
  const listed = await run('list');
  expect(listed).toMatchObject({ code: 0, err: '' });
  expect(listed.out).toMatch(maintenance('0 0 0 3 0 0 0'));
  expect(listed.out).toMatch(new RegExp(`^maintenance +${FAILED_JOB.jobId} .* TypeError$`, 'm'));
  expect(listed.out).not.toContain(FAILURE_TEXT);

  const at = ['--queue', 'maintenance', '--reason', 'the disk was full'];
  expect(await run('retry', ...at, '--job', FAILED_JOB.jobId)).toMatchObject({
    code: 0,
    out: `${FAILED_JOB.jobId} waits again\n`,
  });
  expect(await run('retry', ...at, '--job', FAILED_JOB.jobId)).toEqual({
    code: 1,
    out: '',
    err: 'The job is not a failed one any more.\n',
  });
  expect((await run('drain', ...at)).out).toBe('2 removed, 0 failed ones left in maintenance\n');
  const after = (await run('list')).out;
  expect(after).toMatch(maintenance('1 0 0 0 0 0 0'));
  expect(after).toMatch(/^No failed jobs\.$/m);
  const entries = await AuditEntry.find({ actorKind: 'script' }).sort({ _id: 1 }).lean();
  expect(entries.map(({ action, outcome }) => `${action} ${outcome}`)).toEqual([
    'queues.retry-job begun',
    'queues.retry-job done',
    'queues.retry-job begun',
    'queues.retry-job failed',
    'queues.drain-failed begun',
    'queues.drain-failed done',
  ]);
});

test('a wrong command line exits with 2, shows the usage and does nothing', async () => {
  const wrong = [
    ['retry', '--queue', 'nothing', '--reason', 'because of a test'],
    ['drain', '--queue', 'webhooks', '--reason', 'because of a test', '--job', 'x'],
  ];
  for (const words of wrong) {
    const { code, out, err } = await run(...words);
    expect(err).toMatch(/Usage: /);
    expect({ code, out }).toEqual({ code: 2, out: '' });
  }
});
