/**
 * Loaded into the purging process (`--expose-gc --import`): tells, every second, what is in use after a collection. Memory
 * that the collector just has not come to yet would look like growth.
 */
export type MemoryLook = { usedMb: number; residentMb: number };

const LOOK_MS = 1_000;
const MB = 1_048_576;

function look(): void {
  globalThis.gc?.();
  const { heapUsed, external, rss } = process.memoryUsage();
  process.send?.({ usedMb: (heapUsed + external) / MB, residentMb: rss / MB } satisfies MemoryLook);
}

process.channel?.unref();
setInterval(look, LOOK_MS).unref();
