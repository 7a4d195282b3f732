import { setTimeout as delay } from 'node:timers/promises';
import { type Summary, summarize } from '../bench/statistics.ts';

/** What customers look at while the service is overloaded: balance and requests, asked for at a fixed pace. */
export type ProbeResult = { latency: Summary; failures: number };

const PACE_MS = 100;
const ANSWER_MS = 10_000;

/**
 * Asks until `stop` is called; the calls do not wait for each other.
 * @param paths asked for in turn, each with the key beside it.
 */
export function startProbe(baseUrl: string, paths: readonly { path: string; headers: Record<string, string> }[]) {
  const latenciesMs: number[] = [];
  const open = new Set<Promise<void>>();
  let failures = 0;
  let stopped = false;

  async function ask({ path, headers }: (typeof paths)[number]): Promise<void> {
    const startedMs = performance.now();
    try {
      const answer = await fetch(`${baseUrl}${path}`, { headers, signal: AbortSignal.timeout(ANSWER_MS) });
      await answer.arrayBuffer();
      if (answer.ok) latenciesMs.push(performance.now() - startedMs);
      else failures++;
    } catch {
      failures++;
    }
  }

  const asking = (async () => {
    for (let count = 0; !stopped; count++) {
      const next = paths[count % paths.length];
      if (next) {
        const one = ask(next).finally(() => open.delete(one));
        open.add(one);
      }
      await delay(PACE_MS);
    }
    await Promise.all(open);
  })();

  return {
    stop: async (): Promise<ProbeResult> => {
      stopped = true;
      await asking;
      return { latency: summarize(latenciesMs), failures };
    },
  };
}
