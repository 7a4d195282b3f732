import { cpus, release, totalmem, type } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { measureBooks } from './books.ts';
import { formatFigure } from './goals.ts';
import { heat } from './heat.ts';
import { measureHotAccount } from './hot-account.ts';
import { type Bench, type Measurement, measure } from './measure.ts';
import type { Options } from './options.ts';
import { measureParts, type PartsOptions } from './parts.ts';
import { choosePinning, pin } from './pinning.ts';
import { type BenchResults, type Machine, saturated } from './results.ts';
import { openServedPart, RELAY, TOGETHER } from './served-part.ts';
import { accountsNeeded, type Effort, repeatedSteps, type Step, singleSteps } from './steps.ts';
import { findSustained, type Sustained } from './sustained.ts';
import { type BenchSystem, makeDatabase, startSystem, withDatabase, withOwnDatabase } from './system.ts';
import { measureWebhooks } from './webhooks.ts';

/** The whole run: start, warm up, measure every step on every target in turn, and say what was found. */

export type RunContext = {
  root: string;
  dataDir: string;
  signal: AbortSignal;
  note: (line: string) => void;
  defer: (stop: () => Promise<void>) => void;
};

/** Polluted steps are no longer repeated after this time, so that a run stays below twelve minutes. */
const REPEAT_UNTIL_MS = 4 * 60_000;
/** Nobody is refused: what is measured is how long it takes, not who is turned away. */
const ROOM_FOR_ALL = {
  WORKER_CONCURRENCY: '2000',
  ADMISSION_SYNC_WAIT_PERCENT: '50',
  ADMISSION_STREAM_WAIT_PERCENT: '50',
} as const;
const HOT_WINDOW_MS = 2_000;

export async function runBench(options: Options, context: RunContext): Promise<BenchResults> {
  const { effort, parts } = options;
  const { signal, note } = context;
  const startedAt = new Date();
  const pinning = choosePinning();
  const system = await startSystem({
    ...context,
    ...options,
    accounts: accountsNeeded(effort, options.accounts),
    env: ROOM_FOR_ALL,
    pinning,
  });
  // Last of all, because what is started inherits the cores of its parent.
  const pinned = pinning !== undefined && (await pin(process.pid, pinning.harness));
  const bench: Bench = {
    targets: system.targets,
    roles: { ...Object.assign({}, ...system.targets.map(({ pids }) => pids)), ...system.auxiliary },
    foreignCoresMax: options.foreignCoresMax,
    repeatUntilMs: performance.now() + REPEAT_UNTIL_MS,
    signal,
  };
  note('warming up');
  for (const target of bench.targets) await heat(target, ['plain', 'stream'], effort.heatMs, signal);
  const beside = parts.has('alone') ? await openParts(system, bench, options, { ...context, pinning }) : undefined;
  const measurements: Measurement[] = [];
  const tell = (one: Measurement) => {
    measurements.push(one);
    note(describe(one));
  };
  const repeated = Array.from({ length: effort.repetitions }, () => repeatedSteps(effort, options.accounts)).flat();
  for (const step of [...repeated, ...singleSteps(effort, options.accounts)]) {
    if (!parts.has(partOf(step))) continue;
    for (const target of bench.targets) tell(await measure(step, target, bench));
    await beside?.take(step);
  }
  const sustained = parts.has('closed')
    ? await sustainedRates(bench, measurements, options, note)
    : new Map<string, Sustained>();
  const alone = await beside?.finish();
  const hotAccount = parts.has('hot') ? await hotAccountOf(system, note) : undefined;
  const webhooks = parts.has('webhooks') ? await webhooksOf(system, effort, context) : undefined;
  const books = parts.has('books') ? await booksOf(system, note) : undefined;
  return {
    startedAt,
    machine: machineOf(system),
    settings: describeSettings(options, pinned),
    measurements,
    sustained,
    startUpMs: system.startUpMs,
    ...(hotAccount ? { hotAccount } : {}),
    ...(alone ? { alone } : {}),
    ...(webhooks ? { webhooks } : {}),
    ...(books ? { books } : {}),
  };
}

function partOf({ workload, load }: Step) {
  if (workload === 'long') return 'long';
  if (workload === 'stream') return 'streams';
  return load.kind === 'rate' ? 'latency' : 'closed';
}

async function sustainedRates(
  bench: Bench,
  measurements: readonly Measurement[],
  { effort, accounts }: Options,
  note: (line: string) => void,
): Promise<Map<string, Sustained>> {
  const found = new Map<string, Sustained>();
  for (const target of bench.targets.filter(({ name }) => name !== 'direct')) {
    const most = saturated({ measurements }, target.name);
    if (!most) continue;
    const tell = (one: Measurement) => note(describe(one));
    found.set(target.name, await findSustained(target, most.load.answeredPerSecond, accounts, effort, bench, tell));
    await delay(500, undefined, { signal: bench.signal });
  }
  return found;
}

/** The parts that are called stand beside the targets and get every step in turn with them; those that call themselves come last. */
async function openParts(
  system: BenchSystem,
  bench: Bench,
  { effort }: Options,
  how: Omit<PartsOptions, 'windowMs' | 'heatMs' | 'database'> & Pick<RunContext, 'defer'>,
) {
  const database = await makeDatabase(system.mongo, 'parts');
  how.defer(() => database.drop());
  const options = { ...how, database: database.name, windowMs: effort.windowMs, heatMs: effort.heatMs };
  const relay = await openServedPart(RELAY, system, bench, effort, options);
  const together = await openServedPart(TOGETHER, system, bench, effort, options);
  return {
    take: async (step: Step) => {
      for (const part of [relay, together]) {
        const measurement = await part.take(step);
        if (measurement) how.note(describe(measurement));
      }
    },
    finish: async () => {
      const served = { relay: await relay.finish(), together: await together.finish() };
      return { parts: await measureParts(system, options), ...served };
    },
  };
}

async function hotAccountOf(system: BenchSystem, note: (line: string) => void) {
  note('hot account');
  return withDatabase(system.mongo, () => measureHotAccount(HOT_WINDOW_MS));
}

async function webhooksOf(system: BenchSystem, effort: Effort, { note, signal }: RunContext) {
  note('webhooks');
  return measureWebhooks(system, effort, signal);
}

async function booksOf(system: BenchSystem, note: (line: string) => void) {
  note('books');
  return withOwnDatabase(system.mongo, measureBooks);
}

/** One line while the run goes on. */
function describe({ step, target, load, use, settleLag, polluted }: Measurement): string {
  const name = `${step}, ${target}`.padEnd(28);
  const failed = Object.entries(load.failed).map(([reason, count]) => ` ${count} ${reason}`);
  const { latency, firstChunk, oneWay } = load;
  const times =
    firstChunk.count > 0
      ? `first ${formatFigure(firstChunk.p50)} / ${formatFigure(firstChunk.p99)}  one-way ${formatFigure(oneWay.p50)} / ${formatFigure(oneWay.p99)}  ${formatFigure(load.chunksPerSecond)} chunks/s  lost ${load.lostChunks}`
      : `${formatFigure(load.answeredPerSecond)}/s  p50 ${formatFigure(latency.p50)} p95 ${formatFigure(latency.p95)} p99 ${formatFigure(latency.p99)}`;
  const cpu = Object.entries(use.cpuSeconds)
    .map(([role, seconds]) => `${role} ${formatFigure(seconds / use.seconds)}`)
    .join(' ');
  const lag = settleLag ? `  settle ${formatFigure(settleLag.p50Ms)} / ${formatFigure(settleLag.p99Ms)}` : '';
  const foreign = `foreign ${formatFigure(use.foreignCores)}${polluted ? ' DISTURBED' : ''}`;
  return `${name} ${times}${lag}  cores: ${cpu} ${foreign}${failed.join('')}`;
}

function describeSettings({ effort, accounts, workers, quick, parts }: Options, pinned: boolean): string[] {
  return [
    `${effort.repetitions} repetitions of ${effort.windowMs / 1_000} s after ${effort.warmupMs / 1_000} s, targets${parts.has('alone') ? ' and the parts that are called' : ''} in turn${quick ? '; short version' : ''}; closed loops ${effort.windows} times and the fewest streams ${effort.streamWindows} times in each, settle lag and webhooks ${effort.windows} times in all`,
    `1 api, ${workers} worker process${workers === 1 ? '' : 'es'}; ${accounts} account${accounts === 1 ? '' : 's'} (more for more than 250 streams); production settings, but nobody is refused`,
    pinned
      ? 'generator and upstream on one core, api, workers and Redis together on another, the MongoDB engine where there is room'
      : 'nothing is bound to a core',
    'arrivals at fixed times, no randomness; prompts of 200 characters; the upstream is the sandbox provider',
  ];
}

function machineOf(system: BenchSystem): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 1024 ** 3),
    system: `${type()} ${release()}`,
    node: process.versions.node,
    redis: system.redisVersion,
    mongo: system.mongo.version,
  };
}
