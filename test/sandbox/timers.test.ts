import { describe, expect, test } from '@jest/globals';
import { createTimers } from '../../src/sandbox/timers.ts';
import { until } from './wire.ts';

describe('timers', () => {
  test('run in order, never early, also beyond one turn of the wheel', async () => {
    const timers = createTimers();
    const startMs = performance.now();
    const delays = [4200, 30, 5, 0, -10, 5.5];
    const ran: { delay: number; lateMs: number }[] = [];
    for (const delay of delays) {
      timers.at(startMs + delay, () => ran.push({ delay, lateMs: performance.now() - startMs - delay }));
    }
    await until(() => timers.pending() === 0);
    expect(ran.map(({ delay }) => delay).filter((delay) => delay > 0)).toEqual([5, 5.5, 30, 4200]);
    expect(ran).toHaveLength(delays.length);
    expect(ran.every(({ lateMs }) => lateMs >= 0)).toBe(true);
  });

  test('a cancelled timer never runs, twice cancelled counts once', async () => {
    const timers = createTimers();
    const nowMs = performance.now();
    let ran = '';
    const cancelled = timers.at(nowMs + 2, () => (ran += 'cancelled'));
    timers.at(nowMs + 6, () => (ran += 'kept'));
    timers.cancel(cancelled);
    timers.cancel(cancelled);
    expect(timers.pending()).toBe(1);
    await until(() => timers.pending() === 0);
    expect(ran).toBe('kept');
  });

  test('a timer set by a timer runs, and clear forgets the rest', async () => {
    const timers = createTimers();
    const steps: number[] = [];
    const step = () => {
      steps.push(steps.length);
      if (steps.length < 5) timers.at(performance.now(), step);
    };
    timers.at(0, step);
    await until(() => steps.length === 5);
    timers.at(performance.now() + 1, () => steps.push(99));
    timers.clear();
    expect(timers.pending()).toBe(0);
    let after = false;
    timers.at(performance.now() + 10, () => (after = true));
    await until(() => after);
    expect(steps).toEqual([0, 1, 2, 3, 4]);
  });
});
