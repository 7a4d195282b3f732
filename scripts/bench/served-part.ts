import { heat } from './heat.ts';
import { type Bench, type Measurement, measure } from './measure.ts';
import { METRICS_PATH } from './parts/listen.ts';
import { type PartsOptions, startPart, urlOf } from './parts.ts';
import { type ServedPart, saturated } from './results.ts';
import { type Effort, repeatedSteps, singleSteps } from './steps.ts';
import { findSustained } from './sustained.ts';
import type { BenchSystem } from './system.ts';
import type { Target } from './target.ts';

/** Parts of the product that are asked as the whole is, by the same loads. */

/** The way of a stream's chunks alone. */
export const RELAY = 'relay';
/** All that no request can do without, and nothing around it. */
export const TOGETHER = 'together';

/** The roles of a part's processes that share the product's core. */
export const PART_ROLES = ['process', 'redis'] as const;

/**
 * Every load of the plan on a part that runs alone, as often as on the whole; streams only where it has no plain answers.
 * @returns measurements of a target with the part's name, whose own processes are in the role `process`, beside `redis`.
 */
export async function measureServedPart(
  name: typeof RELAY | typeof TOGETHER,
  system: BenchSystem,
  bench: Bench,
  effort: Effort,
  options: PartsOptions,
): Promise<ServedPart> {
  options.note(`alone: ${name}`);
  const part = await startPart(name, system, options);
  try {
    const [direct] = system.targets;
    if (!direct) throw new Error('there is no upstream to compare with');
    const { models } = direct;
    const plain = name === TOGETHER;
    const baseUrl = await urlOf(part, options.signal);
    // The relay settles nothing.
    const metrics = plain ? { metricsUrls: [new URL(METRICS_PATH, baseUrl).href] } : {};
    const target: Target = { name, baseUrl, headers: [{}], models, pids: part.roles, ...metrics };
    await heat(target, plain ? ['plain', 'stream'] : ['stream'], options.heatMs, options.signal);
    const withPart = { ...bench, roles: { ...part.roles, ...bench.roles } };
    const measurements: Measurement[] = [];
    const repeated = Array.from({ length: effort.repetitions }, () => repeatedSteps(effort, 1)).flat();
    for (const step of [...repeated, ...singleSteps(effort, 1)]) {
      if (plain || step.workload !== 'plain') measurements.push(await measure(step, target, withPart));
    }
    const most = saturated({ measurements }, name);
    const sustained =
      most && (await findSustained(target, most.load.answeredPerSecond, 1, effort, withPart, () => undefined));
    return { measurements, sustained };
  } finally {
    part.child.kill('SIGKILL');
  }
}
