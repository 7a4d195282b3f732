import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { distinctCount } from '../../src/privacy/distinct-count.ts';

/** How many subjects an act of destruction is about. */

test('names are counted once each, in whatever order they come and however often it is asked', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ maxLength: 3 })), fc.array(fc.string({ maxLength: 3 })), (first, later) => {
      const subjects = distinctCount();
      for (const name of first) subjects.add(name);
      expect(subjects.count()).toBe(new Set(first).size);
      for (const name of later) subjects.add(name);
      expect(subjects.count()).toBe(new Set([...first, ...later]).size);
    }),
  );
});

test('it stays exact beyond its first places', () => {
  const subjects = distinctCount();
  for (let n = 0; n < 20_000; n++) subjects.add(`acc_${n % 5_000}`);
  expect(subjects.count()).toBe(5_000);
  for (let n = 0; n < 5_000; n++) subjects.add(`acc_${n + 2_500}`);
  expect(subjects.count()).toBe(7_500);
});
