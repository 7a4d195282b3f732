import { readdirSync, readFileSync } from 'node:fs';
import type { Redis } from 'ioredis';
import { runPeriodically } from '../../src/periodic.ts';

/** What processes and Redis hold, seen from outside at a fixed pace. Linux, where `/proc` tells. */

export type Watched = { name: string; pid: number; metricsUrl?: string | undefined };

export type ProcessSample = {
  residentMb: number;
  descriptors: number;
  /** p99 of the event loop's delay since the last sample, where the process tells it. */
  loopLagMs?: number;
};

export type Sample = {
  atMs: number;
  /** Processes that are gone are missing. */
  processes: Record<string, ProcessSample>;
  redisKeys: number;
  /** Stream logs that would stay in Redis for ever. */
  endlessStreams: number;
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
  intervalMs: number;
  onSample?: (sample: Sample) => void;
};

const SCAN_COUNT = 1_000;
const METRICS_MS = 5_000;
const LAG_METRIC = /^nodejs_eventloop_lag_p99_seconds (\S+)$/m;
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

async function takeSample({ processes, redis, prefix }: WatchOptions): Promise<Sample> {
  const [seen, keys] = await Promise.all([Promise.all(processes.map(sampleProcess)), readKeys(redis, prefix)]);
  const named = processes.flatMap(({ name }, index) => (seen[index] ? [[name, seen[index]] as const] : []));
  return { atMs: performance.now(), processes: Object.fromEntries(named), ...keys };
}

async function sampleProcess({ pid, metricsUrl }: Watched): Promise<ProcessSample | undefined> {
  try {
    const resident = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    if (resident === undefined) return undefined;
    const descriptors = readdirSync(`/proc/${pid}/fd`).length;
    const loopLagMs = metricsUrl === undefined ? undefined : await readLag(metricsUrl);
    return { residentMb: Number(resident) / 1_024, descriptors, ...(loopLagMs === undefined ? {} : { loopLagMs }) };
  } catch {
    return undefined; // It has ended.
  }
}

async function readLag(url: string): Promise<number | undefined> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(METRICS_MS) });
  const seconds = Number(LAG_METRIC.exec(await answer.text())?.[1]);
  return Number.isNaN(seconds) ? undefined : seconds * 1_000;
}

async function readKeys(redis: Redis, prefix: string): Promise<Pick<Sample, 'redisKeys' | 'endlessStreams'>> {
  const streams: string[] = [];
  const keys = new Set<string>();
  for (let cursor = '0', first = true; first || cursor !== '0'; first = false) {
    const [next, page] = await redis.scan(cursor, 'MATCH', `${prefix}:*`, 'COUNT', SCAN_COUNT);
    for (const key of page) {
      if (!keys.has(key) && key.startsWith(`${prefix}:log:`)) streams.push(key);
      keys.add(key);
    }
    cursor = next;
  }
  return { redisKeys: keys.size, endlessStreams: (await endless(redis, await endless(redis, streams))).length };
}

/** Of these keys, those without an end. Asked twice, because a key may be between its making and its end being set. */
async function endless(redis: Redis, keys: readonly string[]): Promise<string[]> {
  const left = await Promise.all(keys.map((key) => redis.pttl(key)));
  return keys.filter((_key, index) => left[index] === NO_END);
}
