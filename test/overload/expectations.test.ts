import { expect, test } from '@jest/globals';
import { judge, type OverloadFigures, type StepFigures } from '../../scripts/overload/expectations.ts';

function step(share: number, changes: Partial<StepFigures> = {}): StepFigures {
  const latency = { count: 100, mean: 5, p50: 4, p95: 8, p99: 10, max: 12 };
  return {
    share,
    offeredPerSecond: 100 * share,
    goodputPerSecond: Math.min(100, 100 * share),
    accepted: { count: 1_000, p50Ms: 2_000, p99Ms: share > 1 ? 3_600 : 2_100 },
    refused: { count: share > 1 ? 500 : 0, p99Ms: share > 1 ? 5 : Number.NaN, withoutRetryAfter: 0 },
    otherFailures: {},
    reads: { latency, failures: 0 },
    generatorLagMs: 1,
    foreignCores: 0,
    ...changes,
  };
}

function figures(last: Partial<StepFigures> = {}, more: Partial<OverloadFigures> = {}): OverloadFigures {
  return {
    capacityPerSecond: 100,
    steps: [step(0.5), step(1), step(2), step(4, last)],
    recovery: { lastRefusalMs: 1_000, answered: 500, p99Ms: 2_100 },
    moneyProblems: [],
    ...more,
  };
}

const failing = (seen: OverloadFigures) => judge(seen).flatMap(({ what, holds }) => (holds ? [] : [what]));

test('a system that refuses early and stays fast is as expected', () => {
  expect(failing(figures())).toEqual([]);
});

test.each<[string, OverloadFigures, RegExp]>([
  ['congestion collapse', figures({ goodputPerSecond: 80 }), /goodput/],
  ['accepted requests that wait', figures({ accepted: { count: 9, p50Ms: 1, p99Ms: 4_300 } }), /p99 of accepted/],
  [
    'refusals that do not say when to come again',
    figures({ refused: { count: 9, p99Ms: 5, withoutRetryAfter: 1 } }),
    /Retry-After/,
  ],
  ['slow refusals', figures({ refused: { count: 9, p99Ms: 30, withoutRetryAfter: 0 } }), /p99 of refusals/],
  ['broken connections', figures({ otherFailures: { closed: 1 } }), /other failures/],
  ['a slow recovery', figures({}, { recovery: { lastRefusalMs: 11_000, answered: 9, p99Ms: 1 } }), /after the spike/],
  ['wrong money', figures({}, { moneyProblems: ['acc'] }), /money/],
])('%s is not', (_name, seen, what) => {
  expect(failing(seen)).toEqual([expect.stringMatching(what)]);
});

test('reads that become slow or fail are not', () => {
  const latency = { count: 100, mean: 5, p50: 4, p95: 8, p99: 150, max: 300 };
  expect(failing(figures({ reads: { latency, failures: 0 } }))).toEqual([expect.stringMatching(/reads/)]);
  expect(failing(figures({ reads: { latency: { ...latency, p99: 5 }, failures: 1 } }))).toEqual([
    expect.stringMatching(/reads/),
  ]);
});
