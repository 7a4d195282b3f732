/** The Redis that `npm start` and the tests use: a given one, or a local one that is started and supervised here. */
import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import { freePort, keptPort } from './free-port.ts';
import { type Log, type Running, supervise } from './supervise.ts';
import { which } from './which.ts';

export type RedisOptions = {
  /** An existing Redis, which is then only checked. */
  url?: string | undefined;
  /** Where a local one keeps its data. */
  dataDir: string;
  port?: number | undefined;
  log: Log;
  /** Whether a missing server may be installed with apt-get (as root on Debian or Ubuntu). */
  allowInstall: boolean;
  /** Where programs are looked for; the PATH of this process unless told. */
  searchPath?: string | undefined;
  /** Called when the local server died too often and was given up. */
  onGiveUp?: ((error: Error) => void) | undefined;
};

export type RedisEngine = {
  url: string;
  /** Where a local server can also be reached, by processes of the same user, at less cost than over TCP. */
  socketPath: string | undefined;
  engine: 'external' | 'redis' | 'valkey';
  /** For people, such as "Redis 7.0.15". */
  version: string;
  /** The local server's process at this moment. */
  readonly pid: number | undefined;
  /** Stops a local server; leaves an external one alone. */
  stop(): Promise<void>;
};

type ServerInfo = { name: string; version: string; pid: number; policy: string | undefined };

const SOCKET_PATH_BYTES_MAX = 100;
const VERSION_MIN = [6, 2] as const;
const ANSWER_WAIT_MS = 15_000;
const INSTALL_WAIT_MS = 5 * 60_000;
const GUARD = fileURLToPath(new URL('../../tools/mongod/guard.sh', import.meta.url));
const run = promisify(execFile);

/** @throws Error that says what to do when there is no usable Redis. */
export async function startRedis(options: RedisOptions): Promise<RedisEngine> {
  if (options.url !== undefined && options.url !== '') return await useExternal(options.url, options.log);
  const program = await findOrInstall(options);
  return await startLocal(program, options);
}

async function useExternal(url: string, log: Log): Promise<RedisEngine> {
  const info = await inspect(url).catch((error: unknown) => {
    throw new Error(`REDIS_URL does not answer: ${messageOf(error)}`, { cause: error });
  });
  requireVersion(info, 'REDIS_URL');
  if (info.policy !== undefined && info.policy !== 'noeviction') {
    log(`warning: Redis runs with maxmemory-policy ${info.policy}; with noeviction it never drops queued work`);
  }
  return {
    url,
    socketPath: undefined,
    engine: 'external',
    version: `${info.name} ${info.version}`,
    pid: undefined,
    stop: async () => undefined,
  };
}

async function startLocal(program: string, options: RedisOptions): Promise<RedisEngine> {
  mkdirSync(options.dataDir, { recursive: true });
  await endStale(options.dataDir);
  const port = await keptPort(options.dataDir, options.port);
  const url = `redis://127.0.0.1:${port}`;
  let info: ServerInfo | undefined;
  const start = async (): Promise<Running> => {
    await endStale(options.dataDir);
    const running = launch(program, options.dataDir, port);
    info = await untilAnswers(url, running, options);
    return { ...running, pid: info.pid };
  };
  const supervised = await supervise({
    name: path.basename(program),
    start,
    log: options.log,
    onGiveUp: options.onGiveUp,
  });
  try {
    if (info === undefined) throw new Error('Redis told no version');
    requireVersion(info, program);
  } catch (error) {
    await supervised.stop();
    throw error;
  }
  return {
    url,
    socketPath: socketIn(options.dataDir),
    engine: info.name === 'Valkey' ? 'valkey' : 'redis',
    version: `${info.name} ${info.version}`,
    get pid() {
      return supervised.pid();
    },
    stop: () => supervised.stop(),
  };
}

/** Undefined where the system would not take so long a path. */
function socketIn(dataDir: string): string | undefined {
  const socketPath = path.resolve(dataDir, 'redis.sock');
  return Buffer.byteLength(socketPath) <= SOCKET_PATH_BYTES_MAX ? socketPath : undefined;
}

/** The server ends with this process, however this process ends: see guard.sh. */
function launch(program: string, dataDir: string, port: number): Running {
  const unixsocket = socketIn(dataDir);
  const settings = {
    bind: '127.0.0.1',
    port,
    ...(unixsocket === undefined ? {} : { unixsocket, unixsocketperm: '700' }),
    dir: path.resolve(dataDir),
    appendonly: 'yes',
    appendfsync: 'everysec',
    save: '',
    'maxmemory-policy': 'noeviction',
    pidfile: path.resolve(dataDir, 'redis.pid'),
    logfile: path.resolve(dataDir, 'redis.log'),
    loglevel: 'notice',
    daemonize: 'no',
  };
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const guard = spawn('/bin/sh', [GUARD, program, ...args], {
    detached: true, // Ctrl-C reaches this process first, which then stops it in order.
    stdio: ['pipe', 'ignore', 'ignore'],
    env: { PATH: '/usr/bin:/bin', GUARD_SIGNALS: 'TERM' },
  });
  const ended = new Promise<void>((resolve) => {
    guard.once('exit', () => resolve());
    guard.once('error', () => resolve());
  });
  const stop = async (): Promise<void> => {
    guard.stdin.end();
    await ended;
  };
  return { pid: undefined, ended, stop };
}

async function untilAnswers(url: string, running: Running, options: RedisOptions): Promise<ServerInfo> {
  let hasEnded = false;
  void running.ended.then(() => {
    hasEnded = true;
  });
  const deadline = Date.now() + ANSWER_WAIT_MS;
  for (;;) {
    try {
      return await inspect(url);
    } catch (error) {
      if (hasEnded) throw new Error(`Redis ended at once: ${logTail(options.dataDir)}`);
      if (Date.now() > deadline) {
        await running.stop();
        throw new Error(`Redis does not answer: ${messageOf(error)}`, { cause: error });
      }
      await delay(25);
    }
  }
}

/** Asks a server who it is. @throws Error when it does not answer within a few seconds. */
async function inspect(url: string): Promise<ServerInfo> {
  const client = new Redis(url, {
    lazyConnect: true,
    connectTimeout: 3000,
    commandTimeout: 3000,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    retryStrategy: () => null,
    disconnectTimeout: 100,
  });
  let told: Error | undefined;
  client.on('error', (error: Error) => {
    told = error;
  });
  try {
    await client.connect();
    const text = await client.info('server');
    const field = (name: string): string | undefined => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(text)?.[1];
    const memory = await client.info('memory');
    return {
      name: field('valkey_version') === undefined ? 'Redis' : 'Valkey',
      version: field('valkey_version') ?? field('redis_version') ?? '0',
      pid: Number(field('process_id')),
      policy: /^maxmemory_policy:(\S+)/m.exec(memory)?.[1],
    };
  } catch (error) {
    throw told ?? error;
  } finally {
    client.disconnect();
  }
}

function requireVersion(info: ServerInfo, what: string): void {
  const [major = 0, minor = 0] = info.version.split('.').map(Number);
  const isEnough = major > VERSION_MIN[0] || (major === VERSION_MIN[0] && minor >= VERSION_MIN[1]);
  if (!isEnough)
    throw new Error(`${what} is ${info.name} ${info.version}; ${VERSION_MIN.join('.')} or newer is needed`);
}

/** Ends a server that an earlier run left on this folder: two of them on one append-only file would spoil it. */
async function endStale(dataDir: string): Promise<void> {
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    const pid = stalePid(dataDir);
    if (pid === undefined) return;
    process.kill(pid, signal);
    for (let waits = 0; waits < 60 && stalePid(dataDir) === pid; waits++) await delay(50);
  }
}

function stalePid(dataDir: string): number | undefined {
  try {
    const pid = Number.parseInt(readFileSync(path.join(dataDir, 'redis.pid'), 'utf8'), 10);
    return pid > 0 && readlinkSync(`/proc/${pid}/cwd`) === realpathSync(dataDir) ? pid : undefined;
  } catch {
    return undefined;
  }
}

function logTail(dataDir: string): string {
  const file = path.join(dataDir, 'redis.log');
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  return text.trim().split('\n').slice(-3).join(' | ') || 'it said nothing';
}

async function findOrInstall(options: RedisOptions): Promise<string> {
  const searchPath = options.searchPath ?? process.env.PATH ?? '';
  const find = (): string | undefined => which('redis-server', searchPath) ?? which('valkey-server', searchPath);
  const found = find();
  if (found !== undefined) return found;
  const aptGet = which('apt-get', searchPath);
  const advice = 'set REDIS_URL to a Redis 6.2 or newer, or install one (Debian, Ubuntu: apt-get install redis-server)';
  if (!options.allowInstall || aptGet === undefined || process.getuid?.() !== 0) {
    throw new Error(`There is no redis-server or valkey-server on the PATH; ${advice}`);
  }
  await install(aptGet, options.log, advice);
  const installed = find();
  if (installed === undefined) throw new Error(`apt-get installed no redis-server on the PATH; ${advice}`);
  return installed;
}

async function install(aptGet: string, log: Log, advice: string): Promise<void> {
  const settings = {
    timeout: INSTALL_WAIT_MS,
    maxBuffer: 16 * 1024 * 1024,
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  };
  const aptInstall = (): Promise<unknown> =>
    run(aptGet, ['install', '-y', '-qq', '--no-install-recommends', 'redis-server'], settings);
  log('installing redis-server with apt-get');
  try {
    await aptInstall();
  } catch {
    try {
      log('the package lists may be old: apt-get update');
      await run(aptGet, ['update', '-qq'], settings);
      await aptInstall();
    } catch (error) {
      throw new Error(`apt-get could not install redis-server (${messageOf(error).split('\n').at(-1)}); ${advice}`, {
        cause: error,
      });
    }
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message.trim() : String(error);
}

/** A throw-away server for a test: its own port and folder, nothing kept from before. */
export async function startThrowawayRedis(dataDir: string, log: Log): Promise<RedisEngine> {
  return await startRedis({ dataDir, port: await freePort(), log, allowInstall: false });
}
