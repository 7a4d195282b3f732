import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { nativeCollection } from '../../src/models/connect.ts';
import { RetentionRun, type RetentionRunDocument } from '../../src/models/retention-run.ts';
import { runLoad } from '../bench/load.ts';
import { WORKLOADS } from '../bench/seed.ts';
import { median, type Summary, summarize } from '../bench/statistics.ts';
import { type BenchSystem, startSystem, withDatabase } from '../bench/system.ts';
import type { MeasurementContext } from '../run-measurement.ts';
import type { MemoryLook } from './memory-probe.ts';
import { insertOldRequests } from './rows.ts';

export type PurgeOptions = { rows: number; perSecond: number; mongoUri: string | undefined };
export type PurgeFigures = {
  engines: string;
  /** What the run itself says about the class of content. */
  removed: number;
  purgeMs: number;
  alone: Summary;
  beside: Summary;
  failed: number;
  /** Undefined when the purge was over too soon to tell. */
  memory: MemoryFigures | undefined;
};

/** Of the purging process. In use after a collection, medians of the first and the last quarter; resident, at most. */
export type MemoryFigures = { firstUsedMb: number; lastUsedMb: number; residentMb: number };

const ACCOUNTS = 8;
const WORKLOAD = 'plain';
const WARMUP_MS = 5_000;
const ALONE_MS = 20_000;
const WINDOW_MS = 2_000;
const DRAIN_MS = 5_000;
const PURGE_MS_MAX = 3_600_000;
const LOOKS_MIN = 12;
const PROBE = new URL('./memory-probe.ts', import.meta.url).href;

/** Load alone, then the same load while another process purges everything. */
export async function runPurge(options: PurgeOptions, context: MeasurementContext): Promise<PurgeFigures> {
  const { note, signal } = context;
  const { rows, perSecond, mongoUri } = options;
  const system = await startSystem({ ...context, accounts: ACCOUNTS, workers: 1, mongoUri, pinning: undefined });
  note(`inserting ${rows} old requests`);
  await withDatabase(system.mongo, () => insertOldRequests(rows, signal));
  await loadFor(system, perSecond, WARMUP_MS, signal);
  note(`load of ${perSecond} requests/s alone`);
  const alone = await loadFor(system, perSecond, ALONE_MS, signal);
  note('the same load, and the purge');
  const purging = purge(system, context);
  let isOver = false;
  void purging.finally(() => {
    isOver = true;
  });
  const beside = { latenciesMs: [] as number[], failed: 0 };
  while (!isOver) {
    const window = await loadFor(system, perSecond, WINDOW_MS, signal);
    beside.latenciesMs.push(...window.latenciesMs);
    beside.failed += window.failed;
  }
  const memory = await purging;
  const run = await withDatabase(system.mongo, () => nativeCollection<RetentionRunDocument>(RetentionRun).findOne({}));
  const content = run?.classes.find(({ classId }) => classId === 'request.content');
  return {
    engines: `${system.redisVersion}; ${system.mongo.version}`,
    removed: content?.removed ?? 0,
    purgeMs: content?.ms ?? Number.NaN,
    alone: summarize(alone.latenciesMs),
    beside: summarize(beside.latenciesMs),
    failed: alone.failed + beside.failed,
    memory,
  };
}

async function loadFor({ product }: BenchSystem, perSecond: number, windowMs: number, signal: AbortSignal) {
  const latenciesMs: number[] = [];
  let failed = 0;
  await runLoad({
    baseUrl: product.baseUrl,
    headers: product.headers,
    model: product.models[WORKLOAD],
    stream: false,
    chunksExpected: WORKLOADS[WORKLOAD].chunks,
    plan: { kind: 'rate', perSecond },
    warmupMs: 0,
    windowMs,
    drainMs: DRAIN_MS,
    onEnd: ({ status, latencyMs }) => {
      if (status === 200) latenciesMs.push(latencyMs);
      else failed++;
    },
    signal,
  });
  return { latenciesMs, failed };
}

/** `npm run retention -- run` as a process of its own; gives its memory. */
async function purge(system: BenchSystem, { root, signal }: MeasurementContext): Promise<PurgeFigures['memory']> {
  const secret = () => randomBytes(32).toString('base64');
  const child = spawn(
    process.execPath,
    [
      '--expose-gc',
      '--import',
      'tsx',
      '--import',
      PROBE,
      join('scripts', 'retention.ts'),
      'run',
      '--by',
      'bench-purge',
    ],
    {
      cwd: root,
      env: {
        PATH: process.env.PATH,
        OCELOTIQ_MODE: 'evaluation',
        MONGODB_URI: system.mongo.uri,
        MONGODB_DATABASE: system.mongo.name,
        REDIS_URL: system.redis.url,
        KEY_PEPPER: secret(),
        MASTER_KEYS: `1:${secret()}`,
      },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      signal,
      timeout: PURGE_MS_MAX,
    },
  );
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject).once('exit', resolve);
  });
  const looks: MemoryLook[] = [];
  child.on('message', (look) => looks.push(look as MemoryLook));
  if ((await ended) !== 0) throw new Error('the purge failed');
  if (looks.length < LOOKS_MIN) return undefined;
  const quarter = Math.ceil(looks.length / 4);
  const used = looks.map(({ usedMb }) => usedMb);
  return {
    firstUsedMb: median(used.slice(0, quarter)),
    lastUsedMb: median(used.slice(-quarter)),
    residentMb: Math.max(...looks.map(({ residentMb }) => residentMb)),
  };
}
