import { runLoad } from './load.ts';
import { WORKLOADS } from './seed.ts';
import type { Target } from './target.ts';

const CLIENTS = { plain: 32, stream: 20 } as const;
const DRAIN_MS = 3_000;

export type HeatWorkload = keyof typeof CLIENTS;

/**
 * Closed load on a target until compilers and caches have seen the way of its requests: `heatMs` in all.
 * @throws when an answer is not as it should be.
 */
export async function heat(
  target: Target,
  workloads: readonly HeatWorkload[],
  heatMs: number,
  signal: AbortSignal,
): Promise<void> {
  for (const workload of workloads) {
    const { stream, chunks } = WORKLOADS[workload];
    const { failed } = await runLoad({
      baseUrl: target.baseUrl,
      headers: target.headers,
      model: target.models[workload],
      stream,
      chunksExpected: chunks,
      plan: { kind: 'closed', clients: CLIENTS[workload] },
      warmupMs: 0,
      windowMs: heatMs / workloads.length,
      drainMs: DRAIN_MS,
      signal,
    });
    const [reason] = Object.keys(failed);
    if (reason !== undefined) throw new Error(`${target.name} does not answer as it should: ${reason}`);
  }
}
