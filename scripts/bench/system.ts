import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import mongoose from 'mongoose';
import { connectMongo, disconnectMongo, migrate } from '../../src/models/connect.ts';
import { freePort } from '../engines/free-port.ts';
import { startMongo } from '../engines/mongo.ts';
import { startRedis } from '../engines/redis.ts';
import { startPeer } from './peer.ts';
import { type Pinning, pin } from './pinning.ts';
import type { Roles } from './process-use.ts';
import { type ProductProcess, startProduct } from './product-process.ts';
import { productModel, seed, WORKLOAD_NAMES, WORKLOADS, type WorkloadName } from './seed.ts';
import type { Target } from './target.ts';

export type Database = { uri: string; name: string };

export type BenchSystem = {
  /** The upstream itself, the peer where there is one, then Ocelotiq. */
  targets: readonly Target[];
  product: Target;
  /** Processes that serve the measurement, and the database engine. */
  auxiliary: Roles;
  mongo: Database & { version: string };
  redisVersion: string;
  redis: { url: string; prefix: string };
  /** Base URL of the upstream, ending in `/v1`. */
  upstreamUrl: string;
  /** From the start of a process of the product to its readiness, by role, everything it needs being there. */
  startUpMs: Readonly<Record<string, number>>;
  /** Processes of the product with their metrics and logs, for who wants to look closer. */
  watched: readonly WatchedProcess[];
};

export type WatchedProcess = { name: string; pid: number; metricsUrl: string; logFile: string };

export type SystemOptions = {
  root: string;
  dataDir: string;
  accounts: number;
  workers: number;
  mongoUri?: string | undefined;
  profileDir?: string | undefined;
  /** How Node is started for the product; as in production unless told. */
  nodeFlags?: readonly string[];
  /** Whether the gateway to compare with is started too. */
  peer?: boolean;
  /** Settings of api and workers that differ from those of a measurement. */
  env?: Readonly<Record<string, string>>;
  pinning: Pinning | undefined;
  signal: AbortSignal;
  note: (line: string) => void;
  /** Takes each thing that has to be ended, in the order of starting. */
  defer: (stop: () => Promise<void>) => void;
};

const REDIS_PREFIX = 'bench';
const POOL_MAX = 20;

/** Production's own defaults, except for the limits that load from one place would meet. */
const RAISED_LIMITS = {
  RATE_IP_PER_MINUTE: '10000000',
  RATE_KEY_REQUESTS_PER_MINUTE: '10000000',
  RATE_KEY_TOKENS_PER_MINUTE: '2000000000',
  RATE_KEY_CONCURRENCY: '100000',
  OPEN_REQUESTS_MAX: '500',
  WEBHOOK_ALLOW_LOOPBACK: 'true',
  API_DRAIN_NOTICE_MS: '0',
} as const;

/** Redis, MongoDB, sandbox, api and workers as real processes on free ports, seeded and ready. */
export async function startSystem(options: SystemOptions): Promise<BenchSystem> {
  const { root, dataDir, pinning, signal, note, defer, profileDir, nodeFlags } = options;
  const log = (line: string) => note(`engines: ${line}`);
  const redis = await startRedis({ dataDir: join(dataDir, 'redis'), log, allowInstall: true });
  defer(() => redis.stop());
  signal.throwIfAborted();
  const mongo = await startMongo({ uri: options.mongoUri, dataDir: join(dataDir, 'mongo'), log, onProgress: note });
  defer(() => mongo.stop());
  signal.throwIfAborted();
  note(`${redis.version}; ${mongo.version}`);

  const database: Database = { uri: mongo.uri, name: `ocelotiq_bench_${randomBytes(6).toString('hex')}` };
  if (options.mongoUri !== undefined) defer(() => withDatabase(database, dropDatabase));

  const logs = join(dataDir, 'logs');
  mkdirSync(logs);
  const [pepper, masterKey] = [randomBytes(32), randomBytes(32)];
  const common = {
    NODE_ENV: 'production',
    OCELOTIQ_MODE: 'evaluation',
    MONGODB_URI: mongo.uri,
    MONGODB_DATABASE: database.name,
    REDIS_URL: redis.socketPath ?? redis.url,
    REDIS_PREFIX,
    KEY_PEPPER: pepper.toString('base64'),
    MASTER_KEYS: `1:${masterKey.toString('base64')}`,
    ...RAISED_LIMITS,
    ...options.env,
  };

  const watched: WatchedProcess[] = [];
  const startUpMs: Record<string, number> = {};
  async function start(role: string, env: Record<string, string>, port: number, path: string, core?: string) {
    const number = `${role}-${port}`;
    const logFile = join(logs, `${number}.log`);
    const startedMs = performance.now();
    const isProfiled = role !== 'sandbox';
    const one = startProduct({
      root,
      role,
      env: { ...common, ...env },
      logFile,
      profileDir: isProfiled ? profileDir : undefined,
      nodeFlags,
    });
    defer(() => one.stop());
    if (core !== undefined) await pin(one.pid, core);
    await one.ready(`http://127.0.0.1:${port}${path}`, signal);
    startUpMs[role] = performance.now() - startedMs;
    const metricsPort = env.API_METRICS_PORT ?? env.WORKER_METRICS_PORT;
    if (metricsPort !== undefined) {
      watched.push({ name: role, pid: one.pid, metricsUrl: `http://127.0.0.1:${metricsPort}/metrics`, logFile });
    }
    return one;
  }

  const sandboxPort = await freePort();
  const sandboxUrl = `http://127.0.0.1:${sandboxPort}`;
  const sandbox = await start('sandbox', { SANDBOX_PORT: `${sandboxPort}` }, sandboxPort, '/health', pinning?.harness);
  const keys = await withDatabase(database, () =>
    seed({ dataDir, sandboxUrl, accounts: options.accounts, pepper, masterKey }),
  );
  if (pinning && redis.pid !== undefined) await pin(redis.pid, pinning.product);
  const workers: ProductProcess[] = [];
  const metricsUrls: string[] = [];
  for (let index = 0; index < options.workers; index++) {
    const port = await freePort();
    workers.push(await start('workers', { WORKER_METRICS_PORT: `${port}` }, port, '/readyz', pinning?.product));
    metricsUrls.push(`http://127.0.0.1:${port}/metrics`);
  }
  const apiPort = await freePort();
  const apiEnv = { API_PORT: `${apiPort}`, API_METRICS_PORT: `${await freePort()}` };
  const api = await start('api', apiEnv, apiPort, '/readyz', pinning?.product);

  const upstreamUrl = `${sandboxUrl}/v1`;
  const upstreamModels = modelNames((workload) => WORKLOADS[workload].script);
  const peerOptions = {
    root,
    dataDir,
    upstreamUrl,
    models: upstreamModels,
    core: pinning?.product,
    signal,
    note,
    defer,
  };
  const peer = options.peer ? await startPeer(peerOptions) : undefined;

  const product: Target = {
    name: 'ocelotiq',
    baseUrl: `http://127.0.0.1:${apiPort}/v1`,
    headers: keys.map((key) => ({ authorization: `Bearer ${key}` })),
    models: modelNames(productModel),
    pids: {
      api: () => [api.pid],
      workers: () => workers.map(({ pid }) => pid),
      redis: () => (redis.pid === undefined ? [] : [redis.pid]),
    },
    metricsUrls,
  };
  return {
    targets: [
      {
        name: 'direct',
        baseUrl: upstreamUrl,
        headers: [{}],
        models: upstreamModels,
        pids: {},
      },
      ...(peer ? [peer] : []),
      product,
    ],
    product,
    auxiliary: {
      engine: () => (mongo.pid === undefined ? [] : [mongo.pid]),
      sandbox: () => [sandbox.pid],
      harness: () => [process.pid],
    },
    mongo: { ...database, version: mongo.version },
    redisVersion: redis.version,
    redis: { url: redis.socketPath ?? redis.url, prefix: REDIS_PREFIX },
    upstreamUrl,
    startUpMs,
    watched,
  };
}

function modelNames(nameOf: (workload: WorkloadName) => string): Record<WorkloadName, string> {
  return Object.fromEntries(WORKLOAD_NAMES.map((name) => [name, nameOf(name)])) as Record<WorkloadName, string>;
}

async function dropDatabase(): Promise<void> {
  await mongoose.connection.dropDatabase();
}

/** A fresh database beside that of the run, indexes included, which no process of the product looks at. */
export async function makeDatabase({ uri, name }: Database, purpose: string) {
  const made = { uri, name: `${name}_${purpose}` };
  await withDatabase(made, migrate);
  return { ...made, drop: () => withDatabase(made, dropDatabase) };
}

/** Runs `act` on a fresh database beside that of the run, which no process of the product looks at. */
export async function withOwnDatabase<T>(database: Database, act: () => Promise<T>): Promise<T> {
  const own = await makeDatabase(database, 'own');
  try {
    return await withDatabase(own, act);
  } finally {
    await own.drop();
  }
}

/** Runs `act` with mongoose connected to the run's database. */
export async function withDatabase<T>({ uri, name }: Database, act: () => Promise<T>): Promise<T> {
  await connectMongo({ uri, database: name, poolMax: POOL_MAX });
  try {
    return await act();
  } finally {
    await disconnectMongo();
  }
}
