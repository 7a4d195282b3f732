/** A data directory with the extension already created: every new instance is a copy of it, which takes a fraction of a second. */
import { createHash } from 'node:crypto';
import { chownSync, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import pg from 'pg';
import { type Account, makePrivate } from './account.ts';
import { lockFile } from './file-lock.ts';
import { newDraft, type Progress, programFolder } from './packages.ts';
import { clientSettings, startPostgres } from './postgres.ts';
import { CREATE_INDEX_METHOD } from './schema.ts';
import { run } from './shell.ts';

const LOCK_WAIT_MS = 5 * 60_000;

/** A new segment of the log is filled with zeros and put on the disk while every commit waits: small ones are quickly there. */
const LOG_SEGMENT_MB = 1;
const LAYOUT = [
  '--encoding=UTF8',
  '--locale-provider=builtin',
  '--builtin-locale=C.UTF-8',
  '--locale=C',
  `--wal-segsize=${LOG_SEGMENT_MB}`,
];

/** Indexes are built at once by the gateway, so the jobs that look for queued builds every two seconds have nothing to do. */
const PREPARATION = [
  'CREATE EXTENSION documentdb CASCADE',
  CREATE_INDEX_METHOD,
  "SELECT cron.unschedule(jobid) FROM cron.job WHERE jobname LIKE 'documentdb_index_build%'",
  "SELECT documentdb_api.create_collection('warm', 'warm')",
  "SELECT documentdb_api.drop_database('warm')",
];

/**
 * Gives the template folder, made once for each unpacked tree and account (other processes wait).
 * @param root the unpacked packages.
 */
export async function ensureTemplate(
  cache: string,
  root: string,
  account: Account | undefined,
  progress: Progress,
): Promise<string> {
  const made = createHash('sha256')
    .update([...LAYOUT, ...PREPARATION].join('\n'))
    .digest('hex')
    .slice(0, 6);
  const template = path.join(cache, `template-${path.basename(root)}-${made}-${account?.uid ?? process.getuid?.()}`);
  if (existsSync(template)) return template;
  const lock = await lockFile(path.join(cache, 'template.lock'), LOCK_WAIT_MS);
  try {
    if (!existsSync(template)) await build(template, root, account, progress);
    return template;
  } finally {
    lock.release();
  }
}

async function build(template: string, root: string, account: Account | undefined, progress: Progress): Promise<void> {
  progress('creating the database template');
  const draft = newDraft(template);
  const data = path.join(draft, 'data');
  mkdirSync(draft, { recursive: true });
  makePrivate(account, data);
  await run(
    path.join(programFolder(root), 'initdb'),
    ['-D', data, '-U', 'postgres', ...LAYOUT, '-A', 'trust', '--no-sync'],
    {
      timeoutMs: 60_000,
      cwd: data,
      account,
    },
  );
  makePrivate(account, path.join(data, 'pg_documentdb_cursor_files'));
  const settings = ['fsync=off'];
  let fatal: Error | undefined;
  const onFatal = (error: Error): void => {
    fatal = error;
  };
  const postgres = await startPostgres({ root, data, account, logFile: path.join(draft, 'log'), settings, onFatal });
  try {
    const client = new pg.Client(clientSettings(postgres.address));
    client.on('error', () => undefined);
    await client.connect();
    for (const statement of PREPARATION) await client.query(statement);
    await client.end();
  } finally {
    await postgres.stop();
  }
  if (fatal !== undefined) throw fatal;
  renameSync(draft, template);
}

/** Makes a new data directory from the template. `durable` also puts it safely on the disk. */
export async function copyTemplate(
  template: string,
  root: string,
  data: string,
  account: Account | undefined,
  durable: boolean,
): Promise<void> {
  const draft = `${data}.new`;
  rmSync(draft, { recursive: true, force: true });
  await run('cp', ['-a', '--reflink=auto', path.join(template, 'data'), draft], { timeoutMs: 120_000 });
  if (account !== undefined) chownSync(draft, account.uid, account.gid);
  if (durable)
    await run(path.join(programFolder(root), 'initdb'), ['--sync-only', '-D', draft], {
      timeoutMs: 120_000,
      cwd: draft,
      account,
    });
  renameSync(draft, data);
}
