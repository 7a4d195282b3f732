import { describe, expect, test } from '@jest/globals';
import { lagBetween, parseBuckets } from '../../scripts/bench/settle-lag.ts';
import { bucketPercentile, median, medianSummary, percentile, summarize } from '../../scripts/bench/statistics.ts';

describe('statistics of the benchmark', () => {
  test('a percentile is the smallest sample that so many do not exceed', () => {
    const hundred = Array.from({ length: 100 }, (_, index) => index + 1);
    expect(percentile(hundred, 0.5)).toBe(50);
    expect(percentile(hundred, 0.99)).toBe(99);
    expect(percentile(hundred, 1)).toBe(100);
    expect(percentile(hundred, 0)).toBe(1);
    expect(percentile([7], 0.99)).toBe(7);
  });

  test('a summary does not depend on the order of the samples', () => {
    const samples = [9, 1, 5, 3, 7];
    expect(summarize(samples)).toEqual({ count: 5, mean: 5, p50: 5, p95: 9, p99: 9, max: 9 });
    expect(samples).toEqual([9, 1, 5, 3, 7]);
  });

  test('without samples every figure is not a number', () => {
    const { count, ...figures } = summarize([]);
    expect(count).toBe(0);
    expect(Object.values(figures).every(Number.isNaN)).toBe(true);
    expect(median([])).toBeNaN();
  });

  test('a median of an even number of values is the mean of the middle two, and leaves out what was not measured', () => {
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(median([Number.NaN, 3, 1, 2])).toBe(2);
  });

  test('repetitions are summed up figure by figure', () => {
    const runs = [summarize([1, 1, 1]), summarize([5, 5, 50]), summarize([3, 3, 3])];
    expect(medianSummary(runs)).toMatchObject({ p50: 3, max: 3, count: 3 });
  });

  test('a percentile of a histogram lies inside its bucket', () => {
    const buckets = [
      { upTo: 10, count: 50 },
      { upTo: 20, count: 90 },
      { upTo: Number.POSITIVE_INFINITY, count: 100 },
    ];
    expect(bucketPercentile(buckets, 0.25)).toBe(5);
    expect(bucketPercentile(buckets, 0.7)).toBe(15);
    expect(bucketPercentile(buckets, 0.99)).toBe(20);
    expect(bucketPercentile([], 0.5)).toBeNaN();
  });

  test('settle lag is what came between two readings of the metrics', () => {
    const text = (low: number, all: number) =>
      [
        '# TYPE lag_bucket histogram',
        `lag_bucket{le="0.01"} ${low}`,
        `lag_bucket{le="0.1"} ${all}`,
        `lag_bucket{le="+Inf"} ${all}`,
        `lag_bucket_other{le="5"} 1`,
        'lag_sum 4',
      ].join('\n');
    const lag = lagBetween(parseBuckets(text(10, 10), 'lag_bucket'), parseBuckets(text(20, 110), 'lag_bucket'));
    expect(lag.count).toBe(100);
    expect(lag.p50Ms).toBeCloseTo(50, 5);
  });
});
