import { heat } from './heat.ts';
import { type Bench, type Measurement, measure } from './measure.ts';
import { METRICS_PATH } from './parts/listen.ts';
import { type PartsOptions, startPart, urlOf } from './parts.ts';
import { type ServedPart, saturated } from './results.ts';
import type { Effort, Step } from './steps.ts';
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

/** A part that runs beside the other targets and is asked in turn with them. */
export type OpenPart = {
  /** Asks it as the step says; undefined where it has no such answers. */
  take(step: Step): Promise<Measurement | undefined>;
  /** Ends it. @returns what was measured, with the highest rate that it holds where closed loops were among the steps. */
  finish(): Promise<ServedPart>;
};

/**
 * Starts a part and warms it up. What it is compared with must be measured in the same minutes, for the machine's speed changes.
 * @param database what the part may write to, with its indexes.
 * @returns measures as a target with the part's name, whose own processes are in the role `process`, beside `redis`.
 */
export async function openServedPart(
  name: typeof RELAY | typeof TOGETHER,
  system: BenchSystem,
  bench: Bench,
  effort: Effort,
  options: PartsOptions,
): Promise<OpenPart> {
  options.note(`beside it: ${name}`);
  const part = await startPart(name, system, options);
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
  return {
    take: async (step) => {
      if (!plain && step.workload === 'plain') return undefined;
      const measurement = await measure(step, target, withPart);
      measurements.push(measurement);
      return measurement;
    },
    finish: async () => {
      try {
        const most = saturated({ measurements }, name);
        const sustained =
          most && (await findSustained(target, most.load.answeredPerSecond, 1, effort, withPart, () => undefined));
        return { measurements, sustained };
      } finally {
        part.child.kill('SIGKILL');
      }
    },
  };
}
