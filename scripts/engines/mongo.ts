/** The MongoDB that `npm start` and the tests use: a given one, or a local one that is started and supervised here. */
import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { MongoClient } from 'mongodb';
import { MongoMemoryReplSet } from 'mongodb-memory-server';
import { isPortFree, keptPort } from './free-port.ts';
import { type BinaryOptions, findBinary, type MongoBinary, type MongoKind } from './mongo-binary.ts';
import { type Log, type Running, supervise } from './supervise.ts';

export type MongoOptions = {
  /** An existing replica set, which is then only checked. */
  uri?: string | undefined;
  /** Where a local engine keeps its data, each kind in a folder of its own. */
  dataDir: string;
  port?: number | undefined;
  log: Log;
  /** Told about steps that take longer than a second. */
  onProgress?: ((step: string) => void) | undefined;
  /** Where programs are looked for; the PATH of this process unless told. */
  searchPath?: string | undefined;
  /** Where packages of the DocumentDB engine are kept; `.cache` in the repository unless told. */
  cacheDir?: string | undefined;
  /** false: a crash of the machine may lose the last writes. For tests. */
  isDurable?: boolean;
  /** Whether a MongoDB may be downloaded. */
  allowDownload?: boolean;
  /** Where it is downloaded from; mongodb-memory-server's own site unless told. */
  downloadSite?: string | undefined;
  /** Called when the local engine died too often and was given up. */
  onGiveUp?: ((error: Error) => void) | undefined;
};

export type MongoEngine = {
  uri: string;
  engine: 'external' | MongoKind;
  /** For people, such as "MongoDB 8.2.6". */
  version: string;
  /** The local engine's process at this moment. */
  readonly pid: number | undefined;
  /** Stops a local engine; leaves an external one alone. */
  stop(): Promise<void>;
};

const STANDALONE =
  'it is a standalone server; transactions and retryable writes need a replica set ' +
  '(one node is enough: mongod --replSet NAME, then rs.initiate())';
const SET_NAME = 'ocelotiq';
const CHECK_WAIT_MS = 5000;
const LAUNCH_WAIT_MS = 60_000;
const PORT_WAIT_MS = 5000;

/** @throws Error that says what to do when no MongoDB can be had. */
export async function startMongo(options: MongoOptions): Promise<MongoEngine> {
  if (options.uri !== undefined && options.uri !== '') return await useExternal(options.uri);
  const reasons: string[] = [];
  for await (const binary of findBinary(binaryOptions(options), reasons)) {
    try {
      return await startLocal(binary, options);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      reasons.push(`${binary.kind}: ${reason}`);
      options.log(`${binary.kind} cannot be used: ${reason}`);
    }
  }
  throw new Error(`No MongoDB: set MONGODB_URI to a replica set, or install mongod. Tried ${reasons.join('; ')}`);
}

function binaryOptions(options: MongoOptions): BinaryOptions {
  return {
    searchPath: options.searchPath ?? process.env.PATH ?? '',
    allowDownload: options.allowDownload ?? true,
    downloadSite: options.downloadSite,
    cacheDir: options.cacheDir,
    onProgress: options.onProgress ?? options.log,
  };
}

async function useExternal(uri: string): Promise<MongoEngine> {
  const version = await inspect(uri).catch((error: unknown) => {
    throw new Error(`MONGODB_URI cannot be used: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  });
  return { uri, engine: 'external', version, pid: undefined, stop: async () => undefined };
}

/** The version of what answers there. @throws Error when it is no replica set, or nothing. */
async function inspect(uri: string): Promise<string> {
  const client = new MongoClient(uri, {
    serverSelectionTimeoutMS: CHECK_WAIT_MS,
    connectTimeoutMS: CHECK_WAIT_MS,
    readPreference: 'primaryPreferred',
  });
  try {
    const admin = (await client.connect()).db('admin');
    const hello = await admin.command({ hello: 1 });
    const isReplicated = hello.setName !== undefined || hello.msg === 'isdbgrid';
    if (!isReplicated) throw new Error(STANDALONE);
    const info = await admin.command({ buildInfo: 1 });
    if (info.documentdb === undefined) return `MongoDB ${String(info.version)}`;
    const { extension, postgres } = info.documentdb as { extension: string; postgres: string };
    return `DocumentDB engine ${extension} on PostgreSQL ${postgres} (evaluation only; production runs MongoDB)`;
  } finally {
    await client.close();
  }
}

async function startLocal(binary: MongoBinary, options: MongoOptions): Promise<MongoEngine> {
  const folder = path.join(options.dataDir, binary.kind === 'documentdb' ? 'documentdb' : 'mongod');
  const other = path.join(options.dataDir, binary.kind === 'documentdb' ? 'mongod' : 'documentdb');
  if (existsSync(other) && !existsSync(folder))
    options.log(`note: the data in ${other} belong to another engine and are not used`);
  const dbPath = path.join(folder, 'data');
  mkdirSync(dbPath, { recursive: true });
  // A real mongod keeps its address in its data and has to come back on the same port; the DocumentDB engine can move.
  const port = await keptPort(folder, options.port, binary.kind === 'documentdb');
  const uri = `mongodb://127.0.0.1:${port}/?replicaSet=${SET_NAME}`;
  options.onProgress?.(`starting ${binary.kind} on port ${port}`);
  const start = (): Promise<Running> => launch(binary, dbPath, port, options);
  const supervised = await supervise({ name: binary.kind, start, log: options.log, onGiveUp: options.onGiveUp });
  try {
    const version = await inspect(uri);
    return {
      uri,
      engine: binary.kind,
      version,
      get pid() {
        return supervised.pid();
      },
      stop: () => supervised.stop(),
    };
  } catch (error) {
    await supervised.stop();
    throw error;
  }
}

/** Insists on the port it is given: the library takes another one when the wanted one was in use a moment ago. */
class FixedPortReplSet extends MongoMemoryReplSet {
  protected override getInstanceOpts(
    ...args: Parameters<MongoMemoryReplSet['getInstanceOpts']>
  ): ReturnType<MongoMemoryReplSet['getInstanceOpts']> {
    return Object.assign(super.getInstanceOpts(...args), { portGeneration: false });
  }
}

async function launch(binary: MongoBinary, dbPath: string, port: number, options: MongoOptions): Promise<Running> {
  await untilFree(port);
  const environment = { ...process.env, OCELOTIQ_MONGOD_SYNC: options.isDurable === false ? 'off' : 'on' };
  const cache = options.cacheDir === undefined ? {} : { OCELOTIQ_CACHE_DIR: options.cacheDir };
  const replSet = new FixedPortReplSet({
    binary: { systemBinary: binary.file, ...(binary.version === undefined ? {} : { version: binary.version }) },
    instanceOpts: [{ port, dbPath, launchTimeout: LAUNCH_WAIT_MS }],
    replSet: {
      name: SET_NAME,
      count: 1,
      ip: '127.0.0.1',
      storageEngine: 'wiredTiger',
      // In a group of its own: a Ctrl-C in the terminal is for the supervisor, which stops the engine last.
      spawn: { env: { ...environment, ...cache }, detached: true },
    },
  });
  await replSet.start();
  const info = replSet.servers[0]?.instanceInfo;
  const child = info?.instance.mongodProcess;
  if (child === undefined || info?.port !== port) {
    await replSet.stop({ doCleanup: false });
    throw new Error(`port ${port} is taken`);
  }
  const stop = async (): Promise<void> => {
    await replSet.stop({ doCleanup: false });
  };
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  // What is left of a dead one (the library's own watching process) is put away too.
  return { pid: child.pid, ended: ended.then(stop), stop };
}

async function untilFree(port: number): Promise<void> {
  const deadline = Date.now() + PORT_WAIT_MS;
  while (!(await isPortFree(port))) {
    if (Date.now() > deadline) throw new Error(`port ${port} is taken`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
