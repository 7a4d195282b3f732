/** Percentiles and medians of measured samples. Pure. */

export type Summary = { count: number; mean: number; p50: number; p95: number; p99: number; max: number };

/**
 * The smallest sample that at least `share` of all samples do not exceed (nearest rank).
 * @param sorted samples in ascending order.
 * @param share from 0 to 1.
 * @returns NaN when there is no sample.
 */
export function percentile(sorted: ArrayLike<number>, share: number): number {
  const rank = Math.min(Math.max(Math.ceil(share * sorted.length), 1), sorted.length);
  return sorted[rank - 1] ?? Number.NaN;
}

/** Samples in any order and unit; the summary has the same unit. Every figure is NaN when there is no sample. */
export function summarize(samples: readonly number[]): Summary {
  const sorted = Float64Array.from(samples).sort();
  const sum = sorted.reduce((total, sample) => total + sample, 0);
  return {
    count: sorted.length,
    mean: sum / sorted.length,
    p50: percentile(sorted, 0.5),
    p95: percentile(sorted, 0.95),
    p99: percentile(sorted, 0.99),
    max: sorted.at(-1) ?? Number.NaN,
  };
}

/** The middle value; the mean of the two in the middle for an even number. NaN values are left out; NaN when none is left. */
export function median(values: readonly number[]): number {
  const sorted = values.filter((value) => !Number.isNaN(value)).sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** The summary whose every figure is the median of that figure over the repetitions. */
export function medianSummary(summaries: readonly Summary[]): Summary {
  const of = (name: keyof Summary) => median(summaries.map((summary) => summary[name]));
  return { count: of('count'), mean: of('mean'), p50: of('p50'), p95: of('p95'), p99: of('p99'), max: of('max') };
}

/** A cumulative histogram as Prometheus shows it: how many samples were at most `upTo`. The last bucket is infinite. */
export type Bucket = { upTo: number; count: number };

/**
 * The percentile of a cumulative histogram, interpolated within its bucket; the last finite bound when it lies beyond it.
 * @returns NaN when the histogram is empty.
 */
export function bucketPercentile(buckets: readonly Bucket[], share: number): number {
  const total = buckets.at(-1)?.count ?? 0;
  if (total === 0) return Number.NaN;
  const wanted = share * total;
  const index = buckets.findIndex(({ count }) => count >= wanted);
  const lower = buckets[index - 1] ?? { upTo: 0, count: 0 };
  const upper = buckets[index];
  if (upper === undefined || !Number.isFinite(upper.upTo)) return lower.upTo;
  const inside = upper.count - lower.count;
  const part = inside === 0 ? 1 : (wanted - lower.count) / inside;
  return lower.upTo + (upper.upTo - lower.upTo) * part;
}
