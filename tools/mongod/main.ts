/** mongod's life: arguments, start, signals, end. Started by the `mongod` file next to it. */
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { postgresAccount } from './account.ts';
import { type MongodArguments, parseArguments } from './arguments.ts';
import { createCursors } from './cursors.ts';
import type { Engine } from './engine.ts';
import { type FileLock, lockFile } from './file-lock.ts';
import { openGateway } from './gateway.ts';
import { createLanes } from './lanes.ts';
import { OWN_FOLDER, type Postgres, startPostgres } from './postgres.ts';
import { type Prepared, prepare } from './prepare.ts';
import { openReplicaSet, type ReplicaSet } from './replica-set.ts';
import { ensureSchema } from './schema.ts';
import { closeStorage, LOOKUP, openStorage, runStatement, type Storage } from './storage.ts';
import { copyTemplate } from './template.ts';
import { createTransactions } from './transactions.ts';

/** Everything behind the sockets. */
type Running = { engine: Engine; storage: Storage; postgres: Postgres };

const EXIT_LISTEN = 48;
const EXIT_FAILED = 100;
const ANNOUNCE_MS = 5000;
const SWEEP_MS = 5000;
const RECORDS_SWEEP_MS = 60_000;

/** Runs until it is told to stop; ends the process. */
export async function main(args: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  process.stdout.on('error', () => undefined); // Whoever started us may be gone; the signal to end comes by itself.
  try {
    await runMongod(parseArguments(args), env);
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    const isTaken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
    say(
      isTaken
        ? 'Failed to set up listener: SocketException: Address already in use'
        : `exception in initAndListen: ${nameOf(error)}: ${text}`,
    );
    process.exit(isTaken ? EXIT_LISTEN : EXIT_FAILED);
  }
}

async function runMongod(args: MongodArguments, env: NodeJS.ProcessEnv): Promise<void> {
  if (args.wantsAuth) throw named('Unsupported', 'this engine has no authentication');
  mkdirSync(args.dbPath, { recursive: true });
  const lock = await lockDbPath(args.dbPath);
  const replicaSet = openReplicaSet(
    args.replicaSet,
    path.join(args.dbPath, 'replica-set.json'),
    `${args.host}:${args.port}`,
    announcePrimary,
  );

  let opening: Promise<Running> | undefined;
  let isStopping = false;
  const stop = async (code: number): Promise<void> => {
    if (isStopping) return;
    isStopping = true;
    await gateway.close();
    const opened = await opening?.catch(() => undefined); // A postgres that is just starting is waited for.
    if (opened !== undefined) {
      closeStorage(opened.storage);
      await opened.postgres.stop();
    }
    lock.release();
    process.exit(code);
  };
  const fail = (error: unknown): void => {
    if (isStopping) return;
    say(`exception in initAndListen: ${nameOf(error)}: ${error instanceof Error ? error.message : String(error)}`);
    void stop(EXIT_FAILED);
  };

  const ready = deferred<Engine>();
  const options = {
    host: args.host,
    port: args.port,
    replicaSet,
    engine: ready.promise,
    onShutdown: () => void stop(0),
  };
  const gateway = await openGateway(options); // Before anything is built: a taken port is told at once.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void stop(0));

  const start = async (): Promise<void> => {
    const prepared = await prepare(env.OCELOTIQ_CACHE_DIR, (step) => say(step));
    if (isStopping) return;
    opening = openStorageOn(prepared, args.dbPath, env.OCELOTIQ_MONGOD_SYNC !== 'off', replicaSet, fail);
    const running = await opening;
    if (isStopping) return;
    ready.resolve(running.engine);
    keepTidy(running);
  };
  const starting = start().catch(fail);
  // The first start of all fetches packages, which takes longer than callers wait for this line; commands wait for the storage.
  await Promise.race([starting, delay(ANNOUNCE_MS)]);
  if (!isStopping) say('Waiting for connections', { port: args.port });
  await starting;
  if (!isStopping && replicaSet.isInitiated()) announcePrimary();
}

async function lockDbPath(dbPath: string): Promise<FileLock> {
  try {
    return await lockFile(path.join(dbPath, 'mongod.lock'), 0);
  } catch (error) {
    throw named(
      'DBPathInUse',
      `another mongod uses ${dbPath}: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

/** Starts postgres on the data of `dbPath`, which are made when there are none. */
async function openStorageOn(
  { root, template }: Prepared,
  dbPath: string,
  isDurable: boolean,
  replicaSet: ReplicaSet,
  onFatal: (error: Error) => void,
): Promise<Running> {
  const account = postgresAccount([root, dbPath, OWN_FOLDER]);
  const data = path.join(dbPath, 'postgres');
  if (!existsSync(path.join(data, 'PG_VERSION'))) await copyTemplate(template, root, data, account, isDurable);
  emptyFolder(path.join(data, 'pg_documentdb_cursor_files')); // Of cursors that ended with the last run.
  const logFile = path.join(dbPath, 'postgres.log');
  const settings = isDurable ? [] : ['synchronous_commit=off', 'fsync=off', 'full_page_writes=off'];
  const postgres = await startPostgres({ root, data, account, logFile, settings, onFatal });
  try {
    const storage = openStorage(postgres.address, []);
    await ensureSchema(storage);
    const versions = await readVersions(storage);
    const transactions = createTransactions(storage);
    const cursors = createCursors(storage);
    return {
      engine: { storage, lanes: createLanes(), cursors, transactions, replicaSet, versions },
      storage,
      postgres,
    };
  } catch (error) {
    await postgres.stop();
    throw error;
  }
}

function emptyFolder(folder: string): void {
  for (const name of existsSync(folder) ? readdirSync(folder) : [])
    rmSync(path.join(folder, name), { recursive: true, force: true });
}

function deferred<Value>(): { promise: Promise<Value>; resolve(value: Value): void } {
  let resolve = (_value: Value): void => undefined;
  const promise = new Promise<Value>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

async function readVersions(storage: Storage): Promise<Engine['versions']> {
  const text = "SELECT extversion, current_setting('server_version') FROM pg_extension WHERE extname = 'documentdb'";
  const [documentdb, postgres] = await runStatement(storage, LOOKUP, 'versions', text, []);
  return { documentdb: documentdb ?? 'unknown', postgres: postgres?.split(' ')[0] ?? 'unknown' };
}

/** Drops what nobody uses any more. Retry records are needed for as long as a driver may send a write again: seconds. */
function keepTidy({ engine, storage }: Running): void {
  setInterval(() => {
    engine.transactions.sweep();
    engine.cursors.sweep();
  }, SWEEP_MS).unref();
  const writes = { ...LOOKUP, isRead: false };
  setInterval(() => {
    const old = "now() - interval '10 min'";
    const own = `DELETE FROM gateway.retries WHERE at < ${old}`;
    const engines = `DELETE FROM documentdb_data.retryable_writes WHERE write_time < ${old}`;
    runStatement(storage, writes, 'sweep-own', own, []).catch(() => undefined); // The next sweep will do.
    runStatement(storage, writes, 'sweep-engine', engines, []).catch(() => undefined);
  }, RECORDS_SWEEP_MS).unref();
}

function announcePrimary(): void {
  say('transition to PRIMARY from SECONDARY');
  say('transition to primary complete; database writes are now permitted');
}

/** A line in the form of mongod's log. */
function say(msg: string, attr?: Record<string, unknown>): void {
  const line = {
    t: { $date: new Date().toISOString() },
    s: 'I',
    ctx: 'main',
    msg,
    ...(attr === undefined ? {} : { attr }),
  };
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

function named(name: string, message: string): Error {
  return Object.assign(new Error(message), { name });
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : 'Error';
}
