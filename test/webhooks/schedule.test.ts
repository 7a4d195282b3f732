import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseRetryAfter } from '../../src/webhooks/retry-after.ts';
import { type AttemptResult, nextStep } from '../../src/webhooks/schedule.ts';

const retryDelaysMs = [
  5_000, 300_000, 1_800_000, 7_200_000, 18_000_000, 36_000_000, 50_400_000, 72_000_000, 86_400_000,
];
const DAY_MS = 86_400_000;

function step(outcome: AttemptResult['outcome'], attempt: number, random = 0.5, retryAfterMs?: number) {
  return nextStep({
    result: { outcome, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) },
    attempt,
    retryDelaysMs,
    random,
  });
}

describe('a failing receiver', () => {
  test('is tried ten times, at the schedule, then given up', () => {
    const steps = Array.from({ length: 10 }, (_, index) => step('http', index + 1));
    expect(steps).toEqual([...retryDelaysMs.map((delayMs) => ({ action: 'retry', delayMs })), { action: 'fail' }]);
  });

  test('is spread by ten percent either way', () => {
    expect(step('timeout', 2, 0)).toEqual({ action: 'retry', delayMs: 270_000 });
    expect(step('timeout', 2, 0.999_999)).toEqual({ action: 'retry', delayMs: 330_000 });
  });

  test('that is overloaded gets the step after, the last one at most', () => {
    expect(step('throttled', 1)).toEqual({ action: 'retry', delayMs: 300_000 });
    expect(step('throttled', 9)).toEqual({ action: 'retry', delayMs: DAY_MS });
    expect(step('throttled', 10)).toEqual({ action: 'fail' });
  });

  test('that names a time is not tried before it, nor before the schedule', () => {
    expect(step('throttled', 1, 0.5, 900_000)).toEqual({ action: 'retry', delayMs: 900_000 });
    expect(step('throttled', 1, 0.5, 1_000)).toEqual({ action: 'retry', delayMs: 300_000 });
    expect(step('http', 1, 0.5, 60_000)).toEqual({ action: 'retry', delayMs: 60_000 });
  });
});

test('410 ends and disables, a refused URL ends, success ends', () => {
  expect(step('gone', 1)).toEqual({ action: 'disable' });
  expect(step('blocked_url', 1)).toEqual({ action: 'fail' });
  expect(step('delivered', 10)).toEqual({ action: 'delivered' });
});

test('what was not tried does not count', () => {
  expect(step('busy', 10, 0.5, 7_000)).toEqual({ action: 'put_back', delayMs: 7_000 });
  expect(step('busy', 10)).toEqual({ action: 'put_back', delayMs: 1_000 });
  expect(step('closed', 10)).toEqual({ action: 'put_back', delayMs: 0 });
});

test('whatever happens, a retry is at least 90 % of its step away and at most a day and ten percent', () => {
  const outcomes = ['http', 'timeout', 'throttled', 'redirect', 'tls', 'no_secret', 'blocked_address'] as const;
  const retryAfter = fc.option(fc.integer({ min: 0, max: DAY_MS }), { nil: undefined });
  fc.assert(
    fc.property(
      fc.constantFrom(...outcomes),
      fc.integer({ min: 1, max: 9 }),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      retryAfter,
      (outcome, attempt, random, retryAfterMs) => {
        const next = step(outcome, attempt, random, retryAfterMs);
        if (next.action !== 'retry') return false;
        const leastMs = Math.max((retryDelaysMs[attempt - 1] ?? 0) * 0.9, retryAfterMs ?? 0);
        return next.delayMs >= Math.floor(leastMs) && next.delayMs <= DAY_MS * 1.1;
      },
    ),
  );
});

describe('Retry-After', () => {
  const nowMs = Date.parse('2027-01-01T00:00:00Z');

  test('is seconds or a date', () => {
    expect(parseRetryAfter('120', nowMs)).toBe(120_000);
    expect(parseRetryAfter(' 0 ', nowMs)).toBe(0);
    expect(parseRetryAfter('Fri, 01 Jan 2027 00:10:00 GMT', nowMs)).toBe(600_000);
    expect(parseRetryAfter('Thu, 31 Dec 2026 00:00:00 GMT', nowMs)).toBe(0);
  });

  test('is at most 24 hours', () => {
    expect(parseRetryAfter('999999999', nowMs)).toBe(DAY_MS);
    expect(parseRetryAfter('Fri, 01 Jan 2100 00:00:00 GMT', nowMs)).toBe(DAY_MS);
  });

  test('is ignored when it is anything else', () => {
    for (const text of [
      undefined,
      '',
      '-1',
      '1e9',
      '1.5',
      'soon',
      '9999999999999',
      'Foo, 99 Bar',
      '2027-01-01',
      'null',
    ]) {
      expect(parseRetryAfter(text, nowMs)).toBeUndefined();
    }
  });
});
