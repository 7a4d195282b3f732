/** One postgres on one data directory: started, started again when it dies, stopped. It never outlives this process (guard.sh). */
import { type ChildProcess, spawn } from 'node:child_process';
import {
  chownSync,
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  statSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { type Account, asAccount } from './account.ts';
import { programFolder } from './packages.ts';

export type Address = { sockets: string; port: number };

export type PostgresOptions = {
  /** The unpacked packages. */
  root: string;
  /** The data directory, which belongs to `account`. */
  data: string;
  account: Account | undefined;
  /** Where its own messages go. */
  logFile: string;
  /** Further settings as `name=value`. */
  settings: readonly string[];
  /** Called when postgres died and could not be brought back. */
  onFatal: (error: Error) => void;
};

export type Postgres = {
  /** Where it listens; another folder after each restart, in the same object. */
  address: Address;
  /** The postmaster's process, undefined while it is down. */
  pid(): number | undefined;
  /** Shuts it down; resolves when the process has gone. */
  stop(): Promise<void>;
};

/** Files of this folder that postgres's account reads. */
export const OWN_FOLDER = fileURLToPath(new URL('.', import.meta.url));
const GUARD = path.join(OWN_FOLDER, 'guard.sh');
const CONFIGURATION = path.join(OWN_FOLDER, 'postgresql.conf');
const SOCKETS_PREFIX = 'ocelotiq-pg-';
const PORT = 5432; // Only a part of the socket's file name: it listens on no network address.
const READY_WAIT_MS = 60_000;
const RESTARTS_MAX = 20; // Within RESTARTS_WINDOW_MS.
const RESTARTS_WINDOW_MS = 60_000;
const LOG_BYTES_MAX = 1024 * 1024;

/** Starts postgres and resolves when it answers. */
export async function startPostgres(options: PostgresOptions): Promise<Postgres> {
  await endStalePostgres(options.data);
  const sockets = makeSocketFolder(options.account);
  const address = { sockets, port: PORT };
  const state = { stopping: false, guard: launch(options, address) };
  const exited = (): Promise<number> =>
    new Promise((resolve) => state.guard.once('exit', (code) => resolve(code ?? -1)));
  let ended = exited();
  await untilReady(options, address, ended);

  const supervise = async (): Promise<void> => {
    const deaths: number[] = [];
    for (;;) {
      await ended;
      if (state.stopping) return;
      deaths.push(Date.now());
      const recent = deaths.filter((at) => Date.now() - at < RESTARTS_WINDOW_MS).length;
      if (recent > RESTARTS_MAX) throw new Error(`postgres died ${recent} times within a minute: ${logTail(options)}`);
      await delay(Math.min(50 * recent, 1000));
      await endStalePostgres(options.data);
      if (state.stopping) return;
      ensureSocketFolder(address, options.account);
      state.guard = launch(options, address);
      ended = exited();
    }
  };
  const supervision = supervise().catch((error: unknown) =>
    options.onFatal(error instanceof Error ? error : new Error(String(error))),
  );

  return {
    address,
    pid: () => postmasterPid(options.data),
    stop: async () => {
      state.stopping = true;
      state.guard.stdin?.end();
      await supervision;
    },
  };
}

function makeSocketFolder(account: Account | undefined): string {
  // A socket's path has at most 107 bytes.
  const base = os.tmpdir().length < 60 ? os.tmpdir() : '/tmp';
  const folder = mkdtempSync(path.join(base, SOCKETS_PREFIX));
  if (account !== undefined) chownSync(folder, account.uid, account.gid);
  return folder;
}

/** The guard removes the folder when its postgres ends. */
function ensureSocketFolder(address: Address, account: Account | undefined): void {
  if (existsSync(address.sockets)) return;
  address.sockets = makeSocketFolder(account);
}

function launch(options: PostgresOptions, address: Address): ChildProcess {
  if (existsSync(options.logFile) && statSync(options.logFile).size > LOG_BYTES_MAX) rmSync(options.logFile);
  const log = openSync(options.logFile, 'a');
  try {
    const program = path.join(programFolder(options.root), 'postgres');
    // The extension connects back to the server for some commands: there is no network port, so it goes through the socket too.
    const own = [
      `config_file=${CONFIGURATION}`,
      `unix_socket_directories=${address.sockets}`,
      `documentdb.localhost_connection_string=host=${address.sockets}`,
    ];
    const settings = [...own, ...options.settings].flatMap((setting) => ['-c', setting]);
    const guarded = [GUARD, program, '-D', options.data, '-p', String(PORT), ...settings];
    const [command, args] = asAccount(options.account, '/bin/sh', guarded);
    return spawn(command, args, {
      cwd: options.data,
      detached: true, // A signal for our process group, such as Ctrl-C, must not reach it before us.
      stdio: ['pipe', log, log],
      env: { PATH: '/usr/bin:/bin', HOME: '/tmp', GUARD_SIGNALS: 'INT QUIT', GUARD_SOCKETS: address.sockets },
    });
  } finally {
    closeSync(log);
  }
}

async function untilReady(options: PostgresOptions, address: Address, ended: Promise<number>): Promise<void> {
  let endedWith: number | undefined;
  void ended.then((code) => {
    endedWith = code;
  });
  const deadline = Date.now() + READY_WAIT_MS;
  for (;;) {
    const client = new pg.Client(clientSettings(address));
    client.on('error', () => undefined);
    try {
      await client.connect();
      await client.end();
      return;
    } catch (error) {
      if (endedWith !== undefined) throw new Error(`postgres did not start: ${logTail(options)}`);
      if (Date.now() > deadline)
        throw new Error(`postgres is not ready after ${READY_WAIT_MS / 1000} s`, { cause: error });
      await delay(20);
    }
  }
}

/** What a connection needs to reach this postgres. */
export function clientSettings(address: Address): { host: string; port: number; user: string; database: string } {
  return { host: address.sockets, port: address.port, user: 'postgres', database: 'postgres' };
}

function logTail(options: PostgresOptions): string {
  const text = existsSync(options.logFile) ? readFileSync(options.logFile, 'utf8') : '';
  return text.trim().split('\n').slice(-5).join(' | ') || 'it said nothing';
}

function postmasterPid(data: string): number | undefined {
  try {
    const pid = Number.parseInt(readFileSync(path.join(data, 'postmaster.pid'), 'utf8'), 10);
    // The file outlives a killed postmaster and the number may belong to somebody else now: the working directory tells.
    return workingFolderOf(pid) === realpathSync(data) ? pid : undefined;
  } catch {
    return undefined; // It has ended since.
  }
}

/** Ends a postgres that an earlier run left on this data directory (its guard was killed too), and removes its socket folder. */
async function endStalePostgres(data: string): Promise<void> {
  const sockets = socketsInUse(data);
  await endPostmaster(data);
  await endOrphans(data);
  if (sockets !== undefined) rmSync(sockets, { recursive: true, force: true });
}

/** The socket folder as postmaster.pid tells it; undefined when that is none of ours. */
function socketsInUse(data: string): string | undefined {
  const file = path.join(data, 'postmaster.pid');
  const folder = existsSync(file) ? readFileSync(file, 'utf8').split('\n')[4] : undefined;
  return folder !== undefined && path.basename(folder).startsWith(SOCKETS_PREFIX) ? folder : undefined;
}

/**
 * Ends what a killed postmaster left behind. A process of its that does not look up (it waits for a lock, say) holds on to the shared
 * memory, and no new postmaster starts while anybody does.
 */
async function endOrphans(data: string): Promise<void> {
  for (let waits = 0; waits < 40; waits++) {
    const orphans = serversIn(data);
    if (orphans.length === 0) return;
    for (const pid of orphans) signal(pid, 'SIGKILL');
    await delay(50);
  }
}

/** The processes that run postgres on these data; its guard, which is in the same folder, is none. */
function serversIn(data: string): number[] {
  const folder = realpathSync(data);
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => workingFolderOf(pid) === folder && isServer(pid));
}

/** By the command line: the program itself is the loader that the packages bring. */
function isServer(pid: number): boolean {
  try {
    const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    return line.includes('postgres') && !line.includes(path.basename(GUARD));
  } catch {
    return false; // It has ended since.
  }
}

/** Undefined for a process that is gone or not ours to look at. */
function workingFolderOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return undefined;
  }
}

function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false; // It has ended since.
  }
}

async function endPostmaster(data: string): Promise<void> {
  for (const name of ['SIGQUIT', 'SIGKILL'] as const) {
    const pid = postmasterPid(data);
    if (pid === undefined || !signal(pid, name)) return;
    for (let waits = 0; waits < 40 && postmasterPid(data) === pid; waits++) await delay(50);
  }
}
