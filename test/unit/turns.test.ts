import { expect, test } from '@jest/globals';
import { takeTurns } from '../../src/turns.ts';

/** Long work in small turns: what comes meanwhile is not held up by all of it. */

function workFor(ms: number): void {
  const untilMs = performance.now() + ms;
  while (performance.now() < untilMs);
}

/** Counts the turns that others have until it is told to stop. */
function countOthers(): { stop: () => number } {
  let turns = 0;
  let immediate = setImmediate(function other() {
    turns++;
    immediate = setImmediate(other);
  });
  return {
    stop: () => {
      clearImmediate(immediate);
      return turns;
    },
  };
}

test('a loop whose rows take longer than a turn lets others go first after each of them', async () => {
  const others = countOthers();
  const turn = takeTurns();
  for (let row = 0; row < 10; row++) {
    workFor(2);
    const pause = turn();
    expect(pause).toBeDefined();
    await pause;
  }
  expect(others.stop()).toBeGreaterThanOrEqual(10);
});

test('a loop of many short rows is not held up by all of them, nor does it wait after each', async () => {
  const others = countOthers();
  const turn = takeTurns();
  let pauses = 0;
  for (let row = 0; row < 1_000; row++) {
    workFor(0.02);
    const pause = turn();
    if (!pause) continue;
    pauses++;
    await pause;
  }
  // 20 ms of work, a millisecond of it in each turn: far from one turn for all, and from one for each row.
  expect(pauses).toBeGreaterThanOrEqual(10);
  expect(pauses).toBeLessThan(500);
  expect(others.stop()).toBeGreaterThanOrEqual(pauses);
});
