import { describe, expect, test } from '@jest/globals';
import { PLACES, placeOf } from '../../src/queue/backlog.ts';
import { createWaitEstimate } from '../../src/requests/wait-estimate.ts';

const NONE = PLACES.map(() => 0);
const LAST = PLACES.length - 1;
const STEP_MS = 250;

/** Feeds samples `STEP_MS` apart; the queue's length is given, and what was started meanwhile. */
function feed(estimate = createWaitEstimate(2_000)) {
  let atMs = 0;
  let started = 0;
  const sample = (ahead: number | readonly number[], more: { started: number; accepting?: number }) => {
    atMs += STEP_MS;
    started += more.started;
    const list = typeof ahead === 'number' ? PLACES.map(() => ahead) : ahead;
    estimate.sampled({ ahead: list, started }, more.accepting ? PLACES.map(() => more.accepting ?? 0) : NONE, atMs);
  };
  return {
    estimate,
    sample,
    waitMs: (place = 0, laterMs = 0) => estimate.waitMs(place, atMs + laterMs),
    forgetStarted: () => {
      started = 0;
    },
  };
}

describe('the estimated wait', () => {
  test('is unknown before anything was seen, and while nothing that waited has been seen to move', () => {
    const { sample, waitMs } = feed();
    expect(waitMs()).toBeUndefined();
    sample(100, { started: 0 });
    expect(waitMs()).toBeUndefined();
    sample(100, { started: 0 });
    expect(waitMs()).toBeUndefined();
  });

  test('is nothing while nothing waits, however little is started', () => {
    const { sample, waitMs } = feed();
    for (let step = 0; step < 20; step++) sample(0, { started: step % 2 });
    expect(waitMs()).toBe(0);
  });

  test('a burst on an idle system is not measured by the little that was started before', () => {
    const { sample, waitMs } = feed();
    sample(0, { started: 1 });
    sample(200, { started: 3 });
    expect(waitMs()).toBeUndefined();
  });

  test('is what stands in front, divided by what is started per second', () => {
    const { sample, waitMs } = feed();
    sample(100, { started: 0 });
    for (let step = 0; step < 40; step++) sample(100, { started: 25 });
    expect(waitMs()).toBeCloseTo(1_000, 0);
    expect(waitMs(0, 500)).toBeCloseTo(500, 0);
  });

  test('grows at once with every request that is let in, for its place and later ones', () => {
    const { estimate, sample, waitMs } = feed();
    sample(100, { started: 0 });
    sample(100, { started: 25 });
    for (let count = 0; count < 100; count++) estimate.admitted(0);
    expect(waitMs(0)).toBeCloseTo(2_000, 0);
    const later = feed();
    later.sample(NONE.with(LAST, 100), { started: 0 });
    later.sample(NONE.with(LAST, 100), { started: 25 });
    for (let count = 0; count < 100; count++) later.estimate.admitted(2);
    expect(later.waitMs(1)).toBe(0);
    expect(later.waitMs(2)).toBeCloseTo(1_000, 0);
    expect(later.waitMs(LAST)).toBeCloseTo(2_000, 0);
  });

  test('counts only what is served before the place that is asked for', () => {
    const { sample, waitMs } = feed();
    const flood = PLACES.map((_most, place) => (place < 5 ? 0 : 40 * (place - 4)));
    sample(flood, { started: 0 });
    sample(flood, { started: 25 });
    expect(waitMs(4)).toBe(0);
    expect(waitMs(5)).toBeCloseTo(400, 0);
  });

  test('counts requests that have not reached the queue when they are many', () => {
    const { sample, waitMs } = feed();
    sample(0, { started: 25, accepting: 10 });
    sample(0, { started: 25, accepting: 10 });
    expect(waitMs()).toBe(0);
    sample(0, { started: 25, accepting: 200 });
    sample(0, { started: 25, accepting: 200 });
    expect(waitMs()).toBeCloseTo(2_000, 0);
  });

  test('follows workers that become slower, and those that become faster', () => {
    const { sample, waitMs } = feed();
    sample(100, { started: 0 });
    sample(100, { started: 25 });
    for (let step = 0; step < 40; step++) sample(100, { started: 5 });
    expect(waitMs()).toBeGreaterThan(4_000);
    for (let step = 0; step < 40; step++) sample(100, { started: 50 });
    expect(waitMs()).toBeLessThan(600);
  });

  test('is nothing again as soon as the queue is empty, and its speed is forgotten after a while', () => {
    const { sample, waitMs } = feed();
    sample(100, { started: 0 });
    sample(100, { started: 1 });
    expect(waitMs()).toBeGreaterThan(10_000);
    sample(0, { started: 100 });
    expect(waitMs()).toBe(0);
    for (let step = 0; step < 60; step++) sample(0, { started: 0 });
    sample(100, { started: 0 });
    expect(waitMs()).toBeUndefined();
  });

  test('is unknown when the last sample is old, and survives a Redis that lost its counters', () => {
    const { sample, waitMs, forgetStarted } = feed();
    sample(100, { started: 0 });
    sample(100, { started: 25 });
    expect(waitMs(0, 1_900)).toBe(0);
    expect(waitMs(0, 2_100)).toBeUndefined();
    forgetStarted();
    sample(100, { started: 0 });
    expect(waitMs()).toBeCloseTo(1_000, 0);
  });
});

test('a request that all new ones overtake has no end of waiting in sight', () => {
  const { sample, waitMs } = feed();
  const busy = PLACES.map((_most, place) => 20 + place);
  for (let step = 0; step < 100; step++) sample(busy, { started: 25 });
  expect(waitMs(0)).toBeCloseTo(200, 0);
  expect(waitMs(1)).toBeGreaterThan(60_000);
  const calm = PLACES.map((_most, place) => 5 * place);
  for (let step = 0; step < 100; step++) sample(calm, { started: 25 });
  expect(waitMs(1)).toBeCloseTo(50, 0);
});

test('a place is the first whose bound holds the priority', () => {
  expect([0, 1, 2, 3, 4, 5, 33, 64, 65, 100_000].map(placeOf)).toEqual([0, 1, 2, 3, 3, 4, 7, 7, 8, 8]);
});
