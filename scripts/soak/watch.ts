import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { Redis } from 'ioredis';
import { runPeriodically } from '../../src/periodic.ts';

/** What processes and Redis hold, seen from outside at a fixed pace. Linux, where `/proc` tells. */

export type Watched = { name: string; pid: number; metricsUrl?: string | undefined };

export type ProcessSample = {
  residentMb: number;
  /** Without the connections to the database. */
  descriptors: number;
  /** Those: as many as were ever needed at once, and no more than the pool may have. */
  databaseConnections: number;
  /** p99 of the event loop's delay since the last sample, where the process tells it. */
  loopLagMs?: number;
};

export type Sample = {
  atMs: number;
  /** Processes that are gone are missing. */
  processes: Record<string, ProcessSample>;
  /** Without the counts of minutes. */
  redisKeys: number;
  /** Stream logs and counts of minutes that would stay in Redis for ever. */
  endless: number;
};

export type Watch = {
  now(): Promise<Sample>;
  /** Resolves with all samples taken until now. */
  stop(): Promise<Sample[]>;
};

export type WatchOptions = {
  processes: readonly Watched[];
  /** A connection for commands, and the prefix of the product's keys. */
  redis: Redis;
  prefix: string;
  /** TCP ports of the database. */
  databasePorts: ReadonlySet<number>;
  intervalMs: number;
  onSample?: (sample: Sample) => void;
};

const SCAN_COUNT = 1_000;
const METRICS_MS = 5_000;
const LAG_METRIC = /^nodejs_eventloop_lag_p99_seconds (\S+)$/m;
/** A connection's state in the kernel's tables. */
const ESTABLISHED = '01';
/** Redis' answer for a key without an end. */
const NO_END = -1;

export function startWatch(options: WatchOptions): Watch {
  const samples: Sample[] = [];
  const take = async () => {
    const sample = await takeSample(options);
    samples.push(sample);
    options.onSample?.(sample);
  };
  let problem: unknown;
  const watching = runPeriodically({ intervalMs: options.intervalMs }, take, (error) => {
    problem = error;
  });
  return {
    now: () => takeSample(options),
    stop: async () => {
      await watching.stop();
      if (samples.length === 0 && problem !== undefined) throw problem;
      return samples;
    },
  };
}

async function takeSample({ processes, redis, prefix, databasePorts }: WatchOptions): Promise<Sample> {
  const toDatabase = socketsTo(databasePorts);
  const [seen, keys] = await Promise.all([
    Promise.all(processes.map((one) => sampleProcess(one, toDatabase))),
    readKeys(redis, prefix),
  ]);
  const named = processes.flatMap(({ name }, index) => (seen[index] ? [[name, seen[index]] as const] : []));
  return { atMs: performance.now(), processes: Object.fromEntries(named), ...keys };
}

/**
 * The established TCP connections to these ports, as `/proc/PID/fd` names them. In the kernel's tables (proc(5)) the third
 * column is the remote address in hexadecimal, the fourth the state, the tenth the inode.
 */
function socketsTo(ports: ReadonlySet<number>): ReadonlySet<string> {
  const rows = ['/proc/net/tcp', '/proc/net/tcp6'].filter(existsSync).flatMap((table) => {
    const lines = readFileSync(table, 'utf8').trim().split('\n').slice(1);
    return lines.map((line) => line.trim().split(/\s+/));
  });
  const there = rows.filter(
    ([, , remote = '', state]) =>
      state === ESTABLISHED && ports.has(Number.parseInt(remote.slice(remote.indexOf(':') + 1), 16)),
  );
  return new Set(there.map((row) => `socket:[${row[9]}]`));
}

/** What an open descriptor leads to; undefined when it was closed meanwhile. */
function targetOf(pid: number, descriptor: string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/fd/${descriptor}`);
  } catch {
    return undefined;
  }
}

async function sampleProcess(
  { pid, metricsUrl }: Watched,
  toDatabase: ReadonlySet<string>,
): Promise<ProcessSample | undefined> {
  try {
    const resident = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    if (resident === undefined) return undefined;
    const open = readdirSync(`/proc/${pid}/fd`).map((descriptor) => targetOf(pid, descriptor));
    const databaseConnections = open.filter((target) => target !== undefined && toDatabase.has(target)).length;
    const loopLagMs = metricsUrl === undefined ? undefined : await readLag(metricsUrl);
    return {
      residentMb: Number(resident) / 1_024,
      descriptors: open.length - databaseConnections,
      databaseConnections,
      ...(loopLagMs === undefined ? {} : { loopLagMs }),
    };
  } catch {
    return undefined; // It has ended.
  }
}

async function readLag(url: string): Promise<number | undefined> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(METRICS_MS) });
  const seconds = Number(LAG_METRIC.exec(await answer.text())?.[1]);
  return Number.isNaN(seconds) ? undefined : seconds * 1_000;
}

async function readKeys(redis: Redis, prefix: string): Promise<Pick<Sample, 'redisKeys' | 'endless'>> {
  const passing = [`${prefix}:log:`, `${prefix}:rates:`];
  const toEnd: string[] = [];
  const seen = new Set<string>();
  let redisKeys = 0;
  for (let cursor = '0', first = true; first || cursor !== '0'; first = false) {
    const [next, page] = await redis.scan(cursor, 'MATCH', `${prefix}:*`, 'COUNT', SCAN_COUNT);
    for (const key of page) {
      if (seen.has(key)) continue;
      seen.add(key);
      if (passing.some((start) => key.startsWith(start))) toEnd.push(key);
      // One for each minute of work, for ten minutes: there are more of them after a long load.
      if (!key.startsWith(`${prefix}:rates:`)) redisKeys++;
    }
    cursor = next;
  }
  return { redisKeys, endless: (await endless(redis, await endless(redis, toEnd))).length };
}

/** Of these keys, those without an end. Asked twice, because a key may be between its making and its end being set. */
async function endless(redis: Redis, keys: readonly string[]): Promise<string[]> {
  const left = await Promise.all(keys.map((key) => redis.pttl(key)));
  return keys.filter((_key, index) => left[index] === NO_END);
}
