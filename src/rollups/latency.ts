/** Latencies as counts of fixed classes: they add up over hours, and percentiles can be read off them. */

const BOUNDS_MS = [
  50, 100, 250, 500, 750, 1_000, 1_500, 2_000, 3_000, 5_000, 7_500, 10_000, 15_000, 20_000, 30_000, 60_000, 120_000,
  300_000, 600_000,
] as const;

/** Name of the class of a latency: `ms250` up to 250 ms. */
export function latencyClass(ms: number): string {
  const bound = BOUNDS_MS.find((most) => ms <= most);
  return bound === undefined ? 'more' : `ms${bound}`;
}

/**
 * The latency that a share of all did not exceed, in milliseconds: exact to its class, within it by proportion.
 * `undefined` when nothing was counted; beyond the last bound that bound is the answer.
 */
export function percentileMs(counts: Readonly<Record<string, bigint>>, share: number): number | undefined {
  const total = Object.values(counts).reduce((sum, count) => sum + Number(count), 0);
  if (total === 0) return undefined;
  const wanted = share * total;
  let seen = 0;
  let lower = 0;
  for (const bound of BOUNDS_MS) {
    const count = Number(counts[`ms${bound}`] ?? 0n);
    if (count > 0 && seen + count >= wanted) return lower + ((bound - lower) * (wanted - seen)) / count;
    seen += count;
    lower = bound;
  }
  return lower;
}
