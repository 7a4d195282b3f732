import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { createAccount } from '../../src/billing/credit.ts';
import { newId } from '../../src/ids.ts';
import { AuditEntry } from '../../src/models/audit-entry.ts';
import { ACT_FILES } from '../../src/privacy/act-papers.ts';
import { NO_JOURNAL } from '../../src/privacy/deletion-journal.ts';
import { drawAct, recorded } from '../../src/privacy/destruction-acts.ts';
import { startNode } from '../helpers/built-process.ts';
import { useStores } from '../helpers/stores.ts';
import { unzip } from '../helpers/zip-file.ts';

/** The commands of staff, as a shell runs them. */
const stores = useStores();
const MASTER = `1:${randomBytes(32).toString('base64')}`;

async function run(script: string, ...args: string[]): Promise<{ code: number | string; text: string }> {
  const child = startNode(['--import', 'tsx', `scripts/${script}.ts`, ...args], {
    OCELOTIQ_MODE: 'evaluation',
    MONGODB_URI: stores.mongoUri,
    MONGODB_DATABASE: stores.database,
    REDIS_URL: stores.redisUrl,
    KEY_PEPPER: randomBytes(32).toString('base64'),
    MASTER_KEYS: MASTER,
  });
  const code = await child.ended;
  return { code, text: child.output() };
}

test('keys, retention and privacy answer, and say how they are used when they are not understood', async () => {
  expect(await run('keys', 'status')).toMatchObject({ code: 0, text: expect.stringContaining('newest master key') });
  expect(await run('retention', 'preview')).toMatchObject({
    code: 0,
    text: expect.stringMatching(/request\.content +30 days/),
  });
  expect(await run('retention', 'run', '--by', 'anna')).toMatchObject({
    code: 0,
    text: expect.stringContaining('done'),
  });
  expect(await run('retention', 'report')).toMatchObject({
    code: 0,
    text: expect.stringContaining('acts of destruction are whole'),
  });
  const why = ['--by', 'anna', '--reason', 'the new policy'];
  expect(await run('retention', 'set', 'request.usage', '1', ...why)).toMatchObject({
    code: 1,
    text: expect.stringContaining('5 to 10 years'),
  });
  expect(await run('privacy', 'erase')).toMatchObject({ code: 2, text: expect.stringContaining('Usage:') });
});

test('an act is written out by name, each of its files into the audit log', async () => {
  const causeId = newId('dsr');
  await recorded({ causeId, classId: 'request.content', accountIds: [newId('acc')] }, async () => 1);
  const actNumber = String((await drawAct(causeId, '152-FZ art. 21(4)', NO_JOURNAL))?._id);
  const out = await mkdtemp(path.join(tmpdir(), 'ocelotiq-act-'));
  try {
    expect(await run('acts', 'write', actNumber, '--out', out)).toMatchObject({ code: 2 });
    expect(await run('acts', 'write', actNumber, '--out', out, '--by', 'anna')).toMatchObject({ code: 0 });
    const files = ACT_FILES.map((name) => name.replace('.', `-${actNumber}.`));
    expect((await readdir(out)).sort()).toEqual([...files].sort());
  } finally {
    await rm(out, { recursive: true });
  }
  const written = await AuditEntry.find({ action: 'acts.download', targetId: actNumber, outcome: 'done' }).lean();
  expect(written.map(({ actorId }) => actorId)).toEqual(ACT_FILES.map(() => 'anna'));
});

test('a letter becomes an approved erasure at the command line', async () => {
  const accountId = newId('acc');
  await createAccount(accountId);
  const by = ['--by', 'anna'];
  const received = new Date(Date.now() - 3 * 86_400_000).toISOString().slice(0, 10);
  const letter = ['--account', accountId, '--type', 'erase_account', '--received', received];
  const filed = await run('privacy', 'file', ...letter, ...by);
  expect(filed).toMatchObject({ code: 0, text: expect.stringMatching(/what +erase_account/) });
  const id = /dsr_\w{26}/.exec(filed.text)?.[0] ?? '';
  expect((await run('privacy', 'verify', id, '--identity', 'signed_letter', ...by)).code).toBe(0);
  const planned = await run('privacy', 'plan', id, ...by);
  const hash = /manifest ([0-9a-f]{64})/.exec(planned.text)?.[1] ?? '';
  expect((await run('privacy', 'submit', id, ...by)).code).toBe(0);
  expect(await run('privacy', 'approve', id, '--hash', hash, ...by)).toMatchObject({
    code: 1,
    text: expect.stringContaining('other than the proposer'),
  });
  expect(await run('privacy', 'approve', id, '--hash', hash, '--by', 'boris')).toMatchObject({
    code: 0,
    text: expect.stringContaining('scheduled'),
  });
  expect(await run('privacy', 'execute', id, ...by)).toMatchObject({
    code: 1,
    text: expect.stringContaining('cooling-off'),
  });
  const entries = await AuditEntry.find({ targetId: id, outcome: 'done' }).sort({ _id: 1 }).lean();
  expect(entries.map(({ action, actorId }) => `${action} ${actorId}`)).toEqual([
    'privacy.verify anna',
    'privacy.plan anna',
    'privacy.submit anna',
    'privacy.approve boris',
  ]);
  const folder = await mkdtemp(path.join(tmpdir(), 'ocelotiq-evidence-'));
  try {
    const out = path.join(folder, 'evidence.zip');
    expect(await run('privacy', 'evidence', id, '--out', out, ...by)).toMatchObject({ code: 0 });
    expect([...unzip(await readFile(out)).keys()]).toEqual(expect.arrayContaining(['manifest.json', 'index.json']));
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('an incident is entered, described and written at the command line', async () => {
  const by = ['--by', 'anna'];
  const what = 'a list of addresses went astray';
  const opened = await run('incident', 'open', '--text', what, ...by);
  expect(opened).toMatchObject({ code: 0, text: expect.stringMatching(/next step +classify/) });
  const id = /inc_\w{26}/.exec(opened.text)?.[0] ?? '';
  expect((await run('incident', 'add', id, '--topic', 'harm', '--text', 'spam may come', ...by)).code).toBe(0);
  const out = await mkdtemp(path.join(tmpdir(), 'ocelotiq-incident-'));
  try {
    expect((await run('incident', 'write', id, '--out', out)).code).toBe(0);
    expect(await readdir(out)).toHaveLength(12);
    expect(await readFile(path.join(out, `${id}-first-ru.txt`), 'utf8')).toContain('spam may come');
  } finally {
    await rm(out, { recursive: true });
  }
});
