/**
 * What a fresh clone needs before anything can run: the packages, the build. Plain JavaScript on
 * nothing but Node, because at this point nothing else exists. Each part is skipped when it is already done.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { SetupError } from './setup/failure.mjs';
import { tryLock } from './setup/lock.mjs';
import { run } from './setup/run.mjs';

export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

const FREE_BYTES_MIN = 1_200_000_000;
const NPM_LINES_MAX = 25;
const LOCK_WAIT_MS = 15 * 60_000;
const PACKAGES_STAMP = join(ROOT, 'node_modules', '.ocelotiq-lock');
const BUILD_STAMP = join(ROOT, 'dist', '.ocelotiq-build');

function readJson(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

/** Packages with binaries differ by platform, so a folder copied from elsewhere does not count as installed. */
const PLATFORM = `${process.platform}-${process.arch}`;

function packagesFingerprint() {
  const lockfile = readFileSync(join(ROOT, 'package-lock.json'));
  return `${PLATFORM} ${createHash('sha256').update(lockfile).digest('hex')}`;
}

/** npm leaves its own record at the end of a complete installation: the same packages as the lockfile's? */
function installedByHand() {
  const wanted = readJson(join(ROOT, 'package-lock.json'))?.packages;
  const found = readJson(join(ROOT, 'node_modules', '.package-lock.json'))?.packages;
  if (!wanted || !found) return false;
  const complete = Object.entries(wanted).every(
    ([path, entry]) => path === '' || entry.optional || entry.devOptional || found[path]?.version === entry.version,
  );
  return complete && Object.entries(found).every(([path, entry]) => wanted[path]?.version === entry.version);
}

function readStamp(file) {
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}

function packagesInstalled() {
  if (!existsSync(join(ROOT, 'node_modules'))) return false;
  const stamp = readStamp(PACKAGES_STAMP);
  if (stamp === packagesFingerprint()) return true;
  const isForeign = stamp !== undefined && !stamp.startsWith(`${PLATFORM} `);
  if (isForeign || !installedByHand()) return false;
  writeFileSync(PACKAGES_STAMP, packagesFingerprint());
  return true;
}

function npmCommand() {
  const cli = process.env.npm_execpath;
  return cli?.endsWith('.js') ? { command: process.execPath, before: [cli] } : { command: 'npm', before: [] };
}

function explainNpm(output) {
  if (/EUSAGE/.test(output))
    return 'package-lock.json does not fit package.json: run npm install and commit the new lockfile.';
  if (/ENOSPC/.test(output)) return 'The disk is full. Free about 1 GB and start again.';
  if (/EACCES|EPERM/.test(output)) return 'This user may not write here. Check who owns this folder and node_modules/.';
  if (/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ECONNRESET/.test(output)) {
    return 'The package registry cannot be reached. Check the network, or set npm\'s "registry" or "proxy" setting.';
  }
  if (/EBADENGINE/.test(output)) return 'A package refuses this version of Node. Use the current LTS.';
  return 'Try again; if it stays, delete node_modules/ and run: npm ci';
}

async function installPackages(note) {
  const { bavail, bsize } = statfsSync(ROOT);
  if (bavail * bsize < FREE_BYTES_MIN) {
    const freeMb = Math.round((bavail * bsize) / 1e6);
    note(`only ${freeMb} MB are free on this disk; packages and engines need about ${FREE_BYTES_MIN / 1e6} MB`);
  }
  const { command, before } = npmCommand();
  // Building and testing need the development packages whatever NODE_ENV says.
  const args = [...before, 'ci', '--include=dev', '--no-audit', '--no-fund', '--no-progress'];
  const { code, output } = await run(command, args, { cwd: ROOT, quiet: true });
  // npm says first what is wrong and then, at length, how it may be called.
  const said = output.trim().split('\n').slice(0, NPM_LINES_MAX).join('\n');
  if (code !== 0) throw new SetupError(`npm ci failed:\n${said}\n\n${explainNpm(output)}`);
  writeFileSync(PACKAGES_STAMP, packagesFingerprint());
}

function sourceFiles(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? sourceFiles(path) : [path];
  });
}

/** By content, not by time: a checkout or a restored backup sets times as it likes. */
function buildFingerprint() {
  const hash = createHash('sha256').update(packagesFingerprint());
  const inputs = ['tsconfig.json', 'tsconfig.build.json'].map((name) => join(ROOT, name));
  for (const file of [...inputs, ...sourceFiles(join(ROOT, 'src')).sort()]) {
    hash.update(file.slice(ROOT.length)).update('\0').update(readFileSync(file)).update('\0');
  }
  return hash.digest('hex');
}

function isBuilt() {
  return readStamp(BUILD_STAMP) === buildFingerprint();
}

/** Builds beside the old output and swaps, so a deleted source leaves nothing behind and a failure breaks nothing. */
async function build() {
  const fingerprint = buildFingerprint();
  const next = join(ROOT, 'dist.next');
  rmSync(next, { recursive: true, force: true });
  const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  const { code, output } = await run(process.execPath, [tsc, '-p', 'tsconfig.build.json', '--outDir', next], {
    cwd: ROOT,
    quiet: true,
  });
  if (code !== 0) {
    rmSync(next, { recursive: true, force: true });
    const hint = /ENOSPC/.test(output)
      ? 'The disk is full.'
      : 'The sources do not compile; what is listed must be mended.';
    throw new SetupError(`The build failed:\n${output.trim().slice(0, 4_000)}\n\n${hint}`);
  }
  rmSync(join(ROOT, 'dist'), { recursive: true, force: true });
  renameSync(next, join(ROOT, 'dist'));
  writeFileSync(BUILD_STAMP, fingerprint);
}

async function takeLock(progress) {
  const file = join(ROOT, '.cache', 'setup.lock');
  const deadlineMs = Date.now() + LOCK_WAIT_MS;
  for (let told = false; ; told = true) {
    const lock = tryLock(file);
    if (lock.release) return lock;
    if (Date.now() > deadlineMs)
      throw new SetupError(`Process ${lock.heldByPid} is still setting up this folder; end it.`);
    if (!told) progress.line(`Waiting: process ${lock.heldByPid} is setting up this folder`);
    await delay(250);
  }
}

/**
 * Installs packages and builds, each only when needed.
 * @param only 'packages' leaves the build out. Throws `SetupError` with what to do.
 */
export async function setUp(progress, only) {
  const lock = await takeLock(progress);
  try {
    if (!packagesInstalled()) await progress.step('Installing packages (npm ci)', installPackages);
    if (only !== 'packages' && !isBuilt()) await progress.step('Building', build);
  } finally {
    lock.release();
  }
}
