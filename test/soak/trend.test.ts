import { describe, expect, test } from '@jest/globals';
import { fitTrend, type Point } from '../../scripts/soak/trend.ts';
import { seeded } from '../helpers/seeded.ts';

/** Values every two seconds, by minute. */
function series(minutes: number, valueAt: (minute: number, index: number) => number): Point[] {
  return Array.from({ length: minutes * 30 }, (_, index) => ({
    minutes: index / 30,
    value: valueAt(index / 30, index),
  }));
}

/** Memory that fills up by so many megabytes and is collected, again and again, over a floor. */
const sawtooth = (height: number, teeth: number) => (index: number) => ((index % teeth) / teeth) * height;

describe('the trend of a series', () => {
  test('is the slope of a straight line, wherever it starts', () => {
    const trend = fitTrend(series(10, (minute) => 100 + 0.7 * minute));
    expect(trend?.perMinute).toBeCloseTo(0.7, 6);
    expect(trend?.error).toBeCloseTo(0, 6);
    expect(trend?.minutes).toBeCloseTo(10, 0);
  });

  test('does not take the teeth of a garbage collector for growth', () => {
    const tooth = sawtooth(40, 23);
    const trend = fitTrend(series(15, (_minute, index) => 120 + tooth(index)));
    expect(Math.abs(trend?.perMinute ?? Number.NaN)).toBeLessThan(0.1);
  });

  test('finds a leak of a tenth of the teeth under them', () => {
    const tooth = sawtooth(40, 23);
    const trend = fitTrend(series(15, (minute, index) => 120 + 0.3 * minute + tooth(index)));
    expect(trend?.perMinute).toBeGreaterThan(0.2);
    expect(trend?.perMinute).toBeLessThan(0.4);
    expect((trend?.perMinute ?? 0) - 2 * (trend?.error ?? 0)).toBeGreaterThan(0.1);
  });

  test('says how little it knows of noise', () => {
    const surprised = Array.from({ length: 40 }, (_, seed) => {
      const random = seeded(seed);
      const trend = fitTrend(series(15, () => 100 + random.integer(0, 1_000) / 100));
      return Math.abs(trend?.perMinute ?? Number.NaN) > 2 * (trend?.error ?? 0);
    });
    // A normal distribution would exceed twice its error once in twenty times; with twelve points a little more often.
    expect(surprised.filter(Boolean).length).toBeLessThanOrEqual(6);
    expect(surprised).toHaveLength(40);
  });

  test('takes points in any order, and is unknown for a handful of them', () => {
    const points = series(5, (minute) => minute);
    expect(fitTrend([...points].reverse())).toEqual(fitTrend(points));
    expect(fitTrend(points.slice(0, 11))).toBeUndefined();
    expect(fitTrend([])).toBeUndefined();
  });
});
