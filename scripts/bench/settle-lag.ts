import { type Bucket, bucketPercentile } from './statistics.ts';

/** Time from usage known to balance debited, from the histogram in the workers' metrics. */
export type SettleLag = { count: number; p50Ms: number; p99Ms: number };

const METRIC = 'ocelotiq_settle_lag_seconds_bucket';
const READ_MS = 5_000;

/** The buckets of one histogram in Prometheus' text. Empty when it is not there. */
export function parseBuckets(text: string, metric: string): Bucket[] {
  const line = new RegExp(`^${metric}\\{le="([^"]+)"\\} (\\d+)$`, 'gm');
  return [...text.matchAll(line)].map(([, upTo, count]) => ({
    upTo: upTo === '+Inf' ? Number.POSITIVE_INFINITY : Number(upTo),
    count: Number(count),
  }));
}

/** The histogram over all workers now. */
export async function readBuckets(urls: readonly string[]): Promise<Bucket[]> {
  const texts = await Promise.all(
    urls.map(async (url) => (await fetch(url, { signal: AbortSignal.timeout(READ_MS) })).text()),
  );
  return texts.map((text) => parseBuckets(text, METRIC)).reduce<Bucket[]>(add, []);
}

function add(sum: readonly Bucket[], more: readonly Bucket[]): Bucket[] {
  return sum.length === 0
    ? [...more]
    : sum.map(({ upTo, count }, index) => ({ upTo, count: count + (more[index]?.count ?? 0) }));
}

/** What came in between two readings. */
export function lagBetween(before: readonly Bucket[], after: readonly Bucket[]): SettleLag {
  const buckets = after.map(({ upTo, count }, index) => ({ upTo, count: count - (before[index]?.count ?? 0) }));
  return {
    count: buckets.at(-1)?.count ?? 0,
    p50Ms: bucketPercentile(buckets, 0.5) * 1_000,
    p99Ms: bucketPercentile(buckets, 0.99) * 1_000,
  };
}
