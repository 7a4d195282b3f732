import { runLoad } from './load.ts';
import { type Bench, type Measurement, measure } from './measure.ts';
import { type PartsOptions, startPart, urlOf } from './parts.ts';
import { WORKLOADS } from './seed.ts';
import { type Effort, repeatedSteps, singleSteps } from './steps.ts';
import type { BenchSystem } from './system.ts';
import type { Target } from './target.ts';

/** The way of a stream's chunks alone, under the same loads of streams as the whole product. */

export const RELAY = 'relay';
const HEAT_CLIENTS = 20;
const DRAIN_MS = 3_000;

async function heat({ baseUrl, headers, models }: Target, windowMs: number, signal: AbortSignal): Promise<void> {
  const { failed } = await runLoad({
    baseUrl,
    headers,
    model: models.stream,
    stream: true,
    chunksExpected: WORKLOADS.stream.chunks,
    plan: { kind: 'closed', clients: HEAT_CLIENTS },
    warmupMs: 0,
    windowMs,
    drainMs: DRAIN_MS,
    signal,
  });
  const [reason] = Object.keys(failed);
  if (reason !== undefined) throw new Error(`the relay alone does not answer as it should: ${reason}`);
}

/** @returns measurements of a target named `RELAY`, whose own processes are in the role `process`, beside `redis`. */
export async function measureRelay(
  system: BenchSystem,
  bench: Bench,
  effort: Effort,
  options: PartsOptions,
): Promise<Measurement[]> {
  options.note('alone: relay');
  const part = await startPart('relay', system, options);
  try {
    const [direct] = system.targets;
    if (!direct) return [];
    const target: Target = {
      name: RELAY,
      baseUrl: await urlOf(part, options.signal),
      headers: [{}],
      models: direct.models,
      pids: part.roles,
    };
    await heat(target, options.heatMs, options.signal);
    const withPart = { ...bench, roles: { ...part.roles, ...bench.roles } };
    const steps = [...repeatedSteps(effort, 1), ...singleSteps(effort, 1)].filter(
      ({ workload }) => workload !== 'plain',
    );
    const measurements: Measurement[] = [];
    for (const step of steps) measurements.push(await measure(step, target, withPart));
    return measurements;
  } finally {
    part.child.kill('SIGKILL');
  }
}
