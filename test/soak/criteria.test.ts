import { expect, test } from '@jest/globals';
import { type Criterion, judge, type SoakFigures } from '../../scripts/soak/criteria.ts';
import type { ProcessSample, Sample } from '../../scripts/soak/watch.ts';

const MINUTES = 12;
const STEP_MS = 5_000;

function sample(atMs: number, api: Partial<ProcessSample> = {}, more: Partial<Sample> = {}): Sample {
  const healthy = { residentMb: 120, descriptors: 40, databaseConnections: 12, loopLagMs: 12 };
  return { atMs, processes: { api: { ...healthy, ...api } }, redisKeys: 30, endless: 0, ...more };
}

function figures(
  changes: Partial<SoakFigures> = {},
  apiAt: (minute: number) => Partial<ProcessSample> = () => ({}),
): SoakFigures {
  const samples = Array.from({ length: (MINUTES * 60_000) / STEP_MS }, (_, index) =>
    sample(index * STEP_MS, apiAt((index * STEP_MS) / 60_000)),
  );
  return {
    samples,
    before: sample(0),
    after: sample(MINUTES * 60_000),
    unhandled: 0,
    logBytes: 1_000,
    requests: 1_000,
    failures: {},
    moneyProblems: [],
    poolMax: 20,
    ...changes,
  };
}

const failing = (criteria: readonly Criterion[]) =>
  criteria.filter(({ verdict }) => verdict === 'fails').map(({ what }) => what);

test('a system that holds what it held fails nothing, and everything was measurable', () => {
  const criteria = judge(figures());
  expect(criteria.map(({ verdict }) => verdict)).toEqual(criteria.map(() => 'holds'));
});

test.each<[string, SoakFigures, RegExp]>([
  ['two megabytes in ten minutes', figures({}, (minute) => ({ residentMb: 120 + 0.2 * minute })), /resident memory/],
  ['six descriptors', figures({ after: sample(1, { descriptors: 46 }) }), /descriptors/],
  ['more connections than the pool may have', figures({}, () => ({ databaseConnections: 23 })), /MongoDB, at most/],
  ['a blocked event loop', figures({}, () => ({ loopLagMs: 80 })), /event-loop/],
  ['three keys', figures({ after: sample(1, {}, { redisKeys: 33 }) }), /Redis keys/],
  ['a stream log without an end', figures({ after: sample(1, {}, { endless: 1 }) }), /without an end/],
  ['an unhandled rejection', figures({ unhandled: 1 }), /unhandled/],
  ['a log that is longer than the answers', figures({ logBytes: 2_000_000 }), /log per request/],
  ['a failed request', figures({ failures: { http_500: 1 } }), /requests that failed/],
  ['money that does not add up', figures({ moneyProblems: ['acc: balance'] }), /money/],
])('%s fails', (_name, seen, what) => {
  expect(failing(judge(seen))).toEqual([expect.stringMatching(what)]);
});

test('idle connections that were closed meanwhile are no fault', () => {
  expect(failing(judge(figures({ after: sample(1, { descriptors: 30 }) })))).toEqual([]);
});

test('nor is a pool that grew to its bound', () => {
  expect(failing(judge(figures({ after: sample(1, { databaseConnections: 22 }) })))).toEqual([]);
});

test('a process that ended fails', () => {
  const gone = figures({ after: { ...sample(1), processes: {} } });
  expect(failing(judge(gone))).toEqual(expect.arrayContaining(['processes that ended']));
});

test('what a run is too short or too noisy to show is said to be unclear', () => {
  const short = figures();
  const twoMinutes = short.samples.filter(({ atMs }) => atMs <= 120_000);
  const settling = twoMinutes.map(({ atMs }) => sample(atMs, { residentMb: 120 + atMs / 60_000 }));
  const resident = (seen: SoakFigures) => judge(seen).find(({ what }) => what.includes('resident'))?.verdict;
  expect(resident({ ...short, samples: settling })).toBe('unclear');
  const leaking = twoMinutes.map(({ atMs }) => sample(atMs, { residentMb: 120 + (atMs * 20) / 60_000 }));
  expect(resident({ ...short, samples: leaking })).toBe('fails');
  expect(resident({ ...short, samples: [] })).toBe('unclear');
});
