import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { NODE_FLAGS } from '../node-flags.ts';
import { type LoadPlan, runLoad } from './load.ts';
import { PART_STEPS, type PartFigures, type PartMessage } from './parts/part-run.ts';
import { type Pinning, pin } from './pinning.ts';
import { type Roles, takeSnapshot, useBetween } from './process-use.ts';
import { WORKLOADS } from './seed.ts';
import type { BenchSystem } from './system.ts';

/**
 * What a request cannot do without, measured alone in a process of its own on the product's core: the writes of the money
 * protocol, the way over the queue and back, and an HTTP server in front of an HTTP client. Their sum is a bound for the
 * whole.
 */

export type PartName = 'database' | 'queue' | 'front' | 'relay' | 'together';

export type PartResult = PartFigures & {
  part: PartName;
  /** CPU seconds per thousand requests: of the part's process, and of the engines. */
  cpuPerThousand: { process: number; redis: number; engine: number };
};

export type PartsOptions = {
  /** Name of their own database: the product's schedules have nothing to do with their rows. */
  database: string;
  windowMs: number;
  heatMs: number;
  pinning: Pinning | undefined;
  signal: AbortSignal;
  note: (line: string) => void;
};

/** Longer than any run: a part whose harness is gone ends by itself. */
const PART_MAX_MS = 3_600_000;
const DRAIN_MS = 3_000;

export type Part = { child: ChildProcess; roles: Roles };

/** The part's own process under `process`, and the engines it uses. */
export async function startPart(name: PartName, system: BenchSystem, options: PartsOptions): Promise<Part> {
  const { windowMs, heatMs, signal, pinning } = options;
  const child = fork(fileURLToPath(new URL(`./parts/${name}.ts`, import.meta.url)), {
    execArgv: [...NODE_FLAGS, '--import', 'tsx'],
    env: {
      PATH: process.env.PATH ?? '',
      NODE_ENV: 'production',
      MONGODB_URI: system.mongo.uri,
      MONGODB_DATABASE: options.database,
      REDIS_URL: system.redis.url,
      PART_UPSTREAM: system.upstreamUrl,
      PART_WINDOW_MS: String(windowMs),
      PART_HEAT_MS: String(heatMs),
    },
    signal: AbortSignal.any([signal, AbortSignal.timeout(PART_MAX_MS)]),
    killSignal: 'SIGKILL',
  });
  const { pid } = child;
  if (pid === undefined) throw new Error(`the part ${name} did not start`);
  if (pinning) await pin(pid, pinning.product);
  const { redis = () => [] } = system.product.pids;
  return { child, roles: { process: () => [pid], redis, engine: system.auxiliary.engine ?? (() => []) } };
}

type Meter = () => Record<string, number>;

/** @returns what was used since, in CPU seconds. */
function meter(roles: Roles): Meter {
  const before = takeSnapshot(roles);
  return () => useBetween(before, takeSnapshot(roles)).cpuSeconds;
}

function resultOf(part: PartName, figures: PartFigures, used: Record<string, number>): PartResult {
  const perThousand = (role: string) => ((used[role] ?? 0) / figures.count) * 1_000;
  const [process, redis, engine] = ['process', 'redis', 'engine'].map(perThousand);
  return { part, ...figures, cpuPerThousand: { process: process ?? 0, redis: redis ?? 0, engine: engine ?? 0 } };
}

/** A part that calls itself. */
async function measureCaller(name: PartName, system: BenchSystem, options: PartsOptions): Promise<PartResult[]> {
  const { child, roles } = await startPart(name, system, options);
  const results: PartResult[] = [];
  let used = meter(roles);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', () => resolve(results));
    child.on('message', (message: PartMessage) => {
      if ('failed' in message) reject(new Error(`the part ${name}: ${message.failed}`));
      else if ('begins' in message) used = meter(roles);
      else results.push(resultOf(name, message.ends, used()));
    });
  });
}

/** Where a part that is called listens. */
export async function urlOf({ child }: Part, signal: AbortSignal): Promise<string> {
  const [{ port }] = (await once(child, 'message', { signal })) as [{ port: number }];
  return `http://127.0.0.1:${port}/v1`;
}

/** The part that is called: by the generator of the whole run, with the same loads. */
async function measureFront(system: BenchSystem, options: PartsOptions): Promise<PartResult[]> {
  const part = await startPart('front', system, options);
  const { child, roles } = part;
  try {
    const baseUrl = await urlOf(part, options.signal);
    const load = (plan: LoadPlan, windowMs: number, onWindow?: (edge: 'start' | 'end') => void) =>
      runLoad({
        baseUrl,
        headers: [{}],
        model: system.targets[0]?.models.plain ?? '',
        stream: false,
        chunksExpected: WORKLOADS.plain.chunks,
        plan,
        warmupMs: 0,
        windowMs,
        drainMs: DRAIN_MS,
        signal: options.signal,
        ...(onWindow ? { onWindow } : {}),
      });
    const closed = { kind: 'closed', clients: 32 } as const;
    await load(closed, options.heatMs);
    const results: PartResult[] = [];
    for (const { id, load: wanted } of PART_STEPS) {
      const plan: LoadPlan = 'perSecond' in wanted ? { kind: 'rate', perSecond: wanted.perSecond } : closed;
      let used: Record<string, number> = {};
      let since = meter(roles);
      const { latency, answeredPerSecond } = await load(plan, options.windowMs, (edge) => {
        if (edge === 'start') since = meter(roles);
        else used = since();
      });
      const { p50: pathP50Ms, p99: pathP99Ms, count } = latency;
      results.push(resultOf('front', { step: id, perSecond: answeredPerSecond, pathP50Ms, pathP99Ms, count }, used));
    }
    return results;
  } finally {
    child.kill('SIGKILL');
  }
}

/** One part after the other; the rest of the product stands idle meanwhile. */
export async function measureParts(system: BenchSystem, options: PartsOptions): Promise<PartResult[]> {
  const results: PartResult[] = [];
  for (const name of ['database', 'queue'] as const) {
    options.note(`alone: ${name}`);
    results.push(...(await measureCaller(name, system, options)));
  }
  options.note('alone: front');
  return [...results, ...(await measureFront(system, options))];
}
