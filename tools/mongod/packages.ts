/**
 * PostgreSQL 18 with the DocumentDB extension, taken from Debian packages and unpacked into a folder of our own.
 * Needs apt-get and dpkg-deb but no root rights, and changes nothing of the host: apt runs on its own lists and cache, and the
 * programs run through the C library that came with them, because the host's may be older.
 */
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { debianKeyring, debianMirror } from './debian-mirror.ts';
import { lockFile } from './file-lock.ts';
import { PACKAGE_WANTED, PACKAGES_NEEDED } from './package-names.ts';
import { run } from './shell.ts';

export type Progress = (step: string) => void;

const SUITE = 'forky';
const PROGRAMS = ['postgres', 'initdb'];
const LIBRARIES_CHECKED = [
  'pg_documentdb_core',
  'pg_documentdb',
  'pg_documentdb_extended_rum',
  'pg_cron',
  'postgis-3',
  'vector',
  'tsm_system_rows',
];
const UNUSED = [
  'usr/share/doc',
  'usr/share/man',
  'usr/share/info',
  'usr/share/locale',
  'usr/share/lintian',
  'usr/lib/postgresql/18/lib/bitcode',
];
const LOCK_WAIT_MS = 10 * 60_000;

/** Runs apt-get with arguments and a time limit in milliseconds; gives what it printed. */
type Apt = (args: string[], timeoutMs: number) => Promise<string>;
type Platform = { folder: string; loader: string };

const PLATFORMS: Record<string, Platform> = {
  x64: { folder: 'x86_64-linux-gnu', loader: 'usr/lib64/ld-linux-x86-64.so.2' },
  arm64: { folder: 'aarch64-linux-gnu', loader: 'usr/lib/ld-linux-aarch64.so.1' },
};

/** Names the unpacked tree: another package list or another layout gets another folder. */
const KEY = createHash('sha256')
  .update(`1 ${SUITE} ${os.arch()} ${[...PACKAGES_NEEDED].join(' ')}`)
  .digest('hex')
  .slice(0, 10);

/** The folder of programs below an unpacked tree. */
export function programFolder(root: string): string {
  return path.join(root, 'usr/lib/postgresql/18/bin');
}

/**
 * Gives the unpacked tree, fetching it first when it is not there yet (once for each cache; other processes wait).
 * @param cache an existing folder that is kept between runs.
 * @throws Error saying what is missing when this machine cannot fetch the packages.
 */
export async function ensurePackages(cache: string, progress: Progress): Promise<string> {
  const root = path.join(cache, `root-${KEY}`);
  if (existsSync(root)) return root;
  const lock = await lockFile(path.join(cache, 'packages.lock'), LOCK_WAIT_MS);
  try {
    if (!existsSync(root)) await build(cache, root, progress);
    return root;
  } finally {
    lock.release();
  }
}

async function build(cache: string, root: string, progress: Progress): Promise<void> {
  const platform = PLATFORMS[os.arch()];
  if (os.platform() !== 'linux' || platform === undefined)
    throw new Error(`no packages for ${os.platform()} ${os.arch()}`);
  const apt = aptFor(cache);
  progress('reading the Debian package index');
  await apt(['update', '-qq'], 120_000);
  const plan = await apt(['-s', '--no-install-recommends', 'install', PACKAGE_WANTED], 60_000);
  const closure = [...plan.matchAll(/^Inst (\S+)/gm)].map((match) => match[1] ?? '');
  if (closure.length === 0) throw new Error(`Debian ${SUITE} offers no ${PACKAGE_WANTED}`);

  const draft = newDraft(root);
  for (const names of [closure.filter((name) => PACKAGES_NEEDED.has(name)), closure]) {
    rmSync(draft, { recursive: true, force: true });
    progress(`fetching ${names.length} Debian packages (PostgreSQL 18 with DocumentDB)`);
    const files = await download(cache, apt, names);
    progress(`unpacking ${files.length} packages`);
    await unpack(files, draft);
    arrange(draft, platform);
    const missing = await missingLibrary(draft, platform);
    if (missing === undefined) return renameSync(draft, root);
    if (names === closure) throw new Error(`the packages do not fit together: ${missing}`);
    progress('the short package list is out of date, taking all of them');
  }
}

/** Gives apt-get bound to folders of our own; the mirror is the one that this machine's own apt uses. */
function aptFor(cache: string): Apt {
  const folder = path.join(cache, 'apt');
  for (const name of ['lists/partial', 'cache/archives/partial'])
    mkdirSync(path.join(folder, name), { recursive: true });
  const sources = path.join(folder, 'sources.list');
  writeFileSync(sources, `deb [signed-by=${debianKeyring()}] ${debianMirror()} ${SUITE} main\n`);
  const own = [
    ['Dir::Etc::sourcelist', sources],
    ['Dir::Etc::sourceparts', '/dev/null'],
    ['Dir::State::lists', path.join(folder, 'lists')],
    ['Dir::State::status', '/dev/null'],
    ['Dir::Cache', path.join(folder, 'cache')],
    ['APT::Sandbox::User', 'root'],
    ['Acquire::Languages', 'none'],
    ['Acquire::Retries', '2'],
    ['Acquire::http::Timeout', '20'],
  ].flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  const debs = debFolder(cache);
  mkdirSync(debs, { recursive: true });
  return (args, timeoutMs) => run('apt-get', [...own, ...args], { timeoutMs, cwd: debs });
}

function debFolder(cache: string): string {
  return path.join(cache, 'debs');
}

/** Fetches what is not in the cache yet; gives the files of exactly these packages, the newest version of each. */
async function download(cache: string, apt: Apt, names: string[]): Promise<string[]> {
  await apt(['download', '-qq', ...names], 8 * 60_000); // It skips what is already there in the current version.
  const newest = new Map<string, string>();
  const folder = debFolder(cache);
  const uris = await apt(['download', '--print-uris', ...names], 60_000);
  for (const [, file] of uris.matchAll(/^'[^']*' (\S+\.deb)/gm)) {
    if (file !== undefined) newest.set(file.slice(0, file.indexOf('_')), path.join(folder, file));
  }
  if (newest.size === 0) {
    for (const file of readdirSync(folder)) newest.set(file.slice(0, file.indexOf('_')), path.join(folder, file));
  }
  return names.map((name) => {
    const file = newest.get(name);
    if (file === undefined || !existsSync(file)) throw new Error(`the package ${name} was not fetched`);
    return file;
  });
}

async function unpack(files: string[], root: string): Promise<void> {
  mkdirSync(root, { recursive: true });
  const queue = [...files];
  const worker = async (): Promise<void> => {
    for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
      await run('dpkg-deb', ['-x', file, root], { timeoutMs: 120_000 });
    }
  };
  await Promise.all(Array.from({ length: Math.min(4, os.availableParallelism()) }, worker));
}

/** Does what the packages' install scripts would do, and puts starters in front of the programs. */
function arrange(root: string, platform: Platform): void {
  const extensions = path.join(root, 'usr/share/postgresql/18/extension');
  for (const file of readdirSync(extensions)) {
    const plain = file.replace(/-3\.control$/, '.control');
    if (file.startsWith('postgis') && plain !== file) symlinkSync(file, path.join(extensions, plain));
  }
  for (const folder of UNUSED) rmSync(path.join(root, folder), { recursive: true, force: true });
  const programs = programFolder(root);
  const elf = path.join(programs, '../elf');
  mkdirSync(elf);
  for (const name of PROGRAMS) {
    renameSync(path.join(programs, name), path.join(elf, name));
    writeFileSync(path.join(programs, name), starter(platform));
    chmodSync(path.join(programs, name), 0o755);
  }
}

/** PostgreSQL finds its own folders from argv[0], so the tree may stand anywhere. */
function starter(platform: Platform): string {
  return [
    '#!/bin/sh',
    `b=\${0%/*}; r=$b/../../../../..`,
    'export PROJ_DATA="$r/usr/share/proj" LC_ALL=C',
    `exec "$r/${platform.loader}" --library-path "$r/usr/lib/${platform.folder}:$b/../lib" --argv0 "$0" "$b/../elf/\${0##*/}" "$@"`,
    '',
  ].join('\n');
}

/** The first library that would come from outside the tree, or from nowhere. */
async function missingLibrary(root: string, platform: Platform): Promise<string | undefined> {
  const base = path.join(root, 'usr/lib/postgresql/18');
  const search = `${path.join(root, 'usr/lib', platform.folder)}:${path.join(base, 'lib')}`;
  const files = [
    ...PROGRAMS.map((name) => path.join(base, 'elf', name)),
    ...LIBRARIES_CHECKED.map((name) => path.join(base, 'lib', `${name}.so`)),
  ];
  for (const file of files) {
    const listed = run(path.join(root, platform.loader), ['--library-path', search, '--list', file], {
      timeoutMs: 30_000,
    });
    const text = await listed.catch((error: unknown) => String(error));
    const problem = text.split('\n').find((line) => /not found|cannot open|=> \/(usr\/)?lib/.test(line));
    if (problem !== undefined) return problem.trim();
  }
  return undefined;
}

/** A folder to build in. Those of builds that were killed are removed; what such a build still writes cannot get into ours. */
export function newDraft(target: string): string {
  const prefix = `${path.basename(target)}.`;
  const folder = path.dirname(target);
  for (const name of readdirSync(folder)) {
    if (name.startsWith(prefix)) rmSync(path.join(folder, name), { recursive: true, force: true });
  }
  return `${target}.${process.pid}`;
}
