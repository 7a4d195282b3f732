import { readFileSync, statSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { createLogger } from '../../src/log.ts';
import { createRedis, redisReady } from '../../src/redis.ts';
import { runLoad } from '../bench/load.ts';
import type { LoadResult } from '../bench/recording.ts';
import { WORKLOADS } from '../bench/seed.ts';
import { type BenchSystem, startSystem, withDatabase } from '../bench/system.ts';
import type { Target } from '../bench/target.ts';
import { LEAK_SEARCH_FLAGS } from '../node-flags.ts';
import { moneyProblems } from '../overload/money-check.ts';
import type { MeasurementContext } from '../run-measurement.ts';
import type { SoakFigures } from './criteria.ts';
import { startLeak } from './leak.ts';
import type { SoakOptions } from './options.ts';
import { type Sample, startWatch, type Watch } from './watch.ts';

/** The run: start, find the capacity, warm up, rest, watch under load, rest again. */

export type SoakRun = SoakFigures & {
  startedAt: Date;
  engines: string;
  capacityPerSecond: number;
  offeredPerSecond: number;
  load: Pick<LoadResult, 'sent' | 'answered' | 'lostChunks' | 'missingDone'> & { left: number; p99Ms: number };
};

const ACCOUNTS = 16;
/** Twenty streams of half a second at once, so that the places are the bound and not this machine's processor. */
const SLOTS = 20;
const CLIENTS = 24;
const CAPACITY_WINDOW_MS = 6_000;
const CAPACITY_WARMUP_MS = 3_000;
/** Compilers and heaps settle in the first minutes whatever comes after them. */
const WARMUP_MS = 180_000;
const DRAIN_MS = 10_000;
const SAMPLE_MS = 2_000;
const LEAVING = { everyNth: 5, afterChunks: 10 };
const QUIET_MS = 30_000;
/** The longest that limits of a minute remember in Redis. */
const REST_MS_MIN = 65_000;
/** After that, rest is when what is held has not changed for so many looks. */
const REST_LOOKS = 5;
const REST_LOOK_MS = 1_000;
const REST_MS_MAX = 60_000;
/** Short, so that the keys of streams are gone soon after the load; the product's own is 15 minutes. */
const STREAM_TTL_SECONDS = 10;
/** The product's own default. */
const POOL_MAX = 20;
const UNHANDLED = /unhandled|uncaught/i;

export async function runSoak(options: SoakOptions, context: MeasurementContext): Promise<SoakRun> {
  const { note, signal, defer } = context;
  const startedAt = new Date();
  const env = {
    WORKER_CONCURRENCY: String(SLOTS),
    STREAM_TTL_SECONDS: String(STREAM_TTL_SECONDS),
    MONGODB_POOL_MAX: String(POOL_MAX),
  };
  const system = await startSystem({
    ...context,
    accounts: ACCOUNTS,
    workers: 1,
    mongoUri: options.mongoUri,
    pinning: undefined,
    nodeFlags: LEAK_SEARCH_FLAGS,
    env,
  });
  const target = system.product;
  const redis = createRedis(system.redis.url, 'commands', createLogger({ role: 'soak', level: 'silent' }));
  defer(() => Promise.resolve(redis.disconnect()));
  await redisReady(redis);

  const closed = await load(
    target,
    { kind: 'streams', concurrent: CLIENTS, spreadMs: 500 },
    CAPACITY_WINDOW_MS,
    signal,
    CAPACITY_WARMUP_MS,
  );
  const perSecond = closed.answeredPerSecond * options.share;
  note(`capacity: ${closed.answeredPerSecond.toFixed(1)} streams/s; warming up with ${perSecond.toFixed(1)}/s`);
  const measuredMs = options.minutes * 60_000;
  await load(target, { kind: 'rate', perSecond }, WARMUP_MS, signal);

  const leaking =
    options.leak && (await startLeak(options.leak, { ...system.redis, redis, seconds: measuredMs / 1_000 }));
  if (leaking) defer(leaking.stop);
  const watched = {
    processes: [...system.watched, ...(leaking?.processes ?? [])],
    redis,
    prefix: system.redis.prefix,
    databasePorts: portsOf(system.mongo.uri),
  };
  const before = await atRest(startWatch({ ...watched, intervalMs: REST_LOOK_MS }), note, signal);
  const logBytesBefore = logBytes(system);
  note(`watching for ${options.minutes} min`);
  const watch = startWatch({ ...watched, intervalMs: SAMPLE_MS, onSample: tellSometimes(note) });
  const seen = await load(target, { kind: 'rate', perSecond }, measuredMs, signal);
  const samples = await watch.stop();
  const after = await atRest(startWatch({ ...watched, intervalMs: REST_LOOK_MS }), note, signal);

  const { left = 0, ...failures } = seen.failed;
  if (seen.unfinished > 0) failures.unfinished = seen.unfinished;
  if (seen.lostChunks > 0) failures['lost chunks'] = seen.lostChunks;
  return {
    startedAt,
    engines: `${system.redisVersion}; ${system.mongo.version}`,
    capacityPerSecond: closed.answeredPerSecond,
    offeredPerSecond: perSecond,
    load: { ...seen, left, p99Ms: seen.latency.p99 },
    samples,
    before,
    after,
    unhandled: system.watched.reduce((sum, { logFile }) => sum + unhandledLines(logFile), 0),
    logBytes: logBytes(system) - logBytesBefore,
    requests: seen.sent,
    failures,
    moneyProblems: await withDatabase(system.mongo, () => moneyProblems(QUIET_MS, signal)),
    poolMax: POOL_MAX,
  };
}

const MONGODB_PORT = 27_017;

/** The ports that a connection string names; of one that names a DNS record, the usual one. */
function portsOf(mongoUri: string): ReadonlySet<number> {
  const hosts = /^mongodb:\/\/(?:[^@/]*@)?([^/?]+)/.exec(mongoUri)?.[1]?.split(',') ?? [''];
  return new Set(hosts.map((host) => Number(/:(\d+)$/.exec(host)?.[1] ?? MONGODB_PORT)));
}

function load(
  target: Target,
  plan: Parameters<typeof runLoad>[0]['plan'],
  windowMs: number,
  signal: AbortSignal,
  warmupMs = 0,
): Promise<LoadResult> {
  const { stream, chunks } = WORKLOADS.stream;
  return runLoad({
    baseUrl: target.baseUrl,
    headers: target.headers,
    model: target.models.stream,
    stream,
    chunksExpected: chunks,
    plan,
    warmupMs,
    windowMs,
    drainMs: DRAIN_MS,
    ...(plan.kind === 'rate' ? { leaving: LEAVING } : {}),
    signal,
  });
}

/** Waits until what processes and Redis hold does not change any more, and gives that. */
async function atRest(watch: Watch, note: (line: string) => void, signal: AbortSignal): Promise<Sample> {
  await delay(REST_MS_MIN, undefined, { signal });
  const giveUpAtMs = performance.now() + REST_MS_MAX;
  const held = ({ processes, redisKeys }: Sample) =>
    JSON.stringify([redisKeys, ...Object.values(processes).map(({ descriptors }) => descriptors)]);
  let last = await watch.now();
  for (let same = 0; same < REST_LOOKS && performance.now() < giveUpAtMs; ) {
    await delay(REST_LOOK_MS, undefined, { signal });
    const now = await watch.now();
    same = held(now) === held(last) ? same + 1 : 0;
    last = now;
  }
  await watch.stop();
  note(`at rest: ${describe(last)}`);
  return last;
}

function describe({ processes, redisKeys }: Sample): string {
  const each = Object.entries(processes).map(
    ([name, { residentMb, descriptors, databaseConnections }]) =>
      `${name} ${residentMb.toFixed(0)} MB, ${descriptors} descriptors and ${databaseConnections} to MongoDB`,
  );
  return `${each.join('; ')}; ${redisKeys} Redis keys`;
}

const TELL_EVERY_MS = 30_000;

function tellSometimes(note: (line: string) => void): (sample: Sample) => void {
  let toldMs = 0;
  return (sample) => {
    if (sample.atMs - toldMs < TELL_EVERY_MS) return;
    toldMs = sample.atMs;
    note(describe(sample));
  };
}

function logBytes({ watched }: BenchSystem): number {
  return watched.reduce((sum, { logFile }) => sum + statSync(logFile).size, 0);
}

function unhandledLines(logFile: string): number {
  return readFileSync(logFile, 'utf8')
    .split('\n')
    .filter((line) => UNHANDLED.test(line)).length;
}
