import { expect, jest, test } from '@jest/globals';
import { MUTANTS } from './mutants.ts';
import { simulate } from './simulate.ts';

/**
 * The money protocol under seeded faults: processes killed and paused, writes applied late or not told, Redis losing jobs.
 * The long run is `npm run simulate`.
 */

jest.setTimeout(300_000);
const SEEDS = 300;
const LATE_SEEDS = 40;

async function violating(seeds: number, options: Parameters<typeof simulate>[1] = {}): Promise<[number, string[]][]> {
  const found: [number, string[]][] = [];
  for (let seed = 1; seed <= seeds && found.length === 0; seed++) {
    const { violations } = await simulate(seed, options);
    if (violations.length > 0) found.push([seed, violations]);
  }
  return found;
}

test(`in ${SEEDS} histories no invariant is broken at any write, and all come to rest`, async () => {
  expect(await violating(SEEDS)).toEqual([]);
});

test(`nor in ${LATE_SEEDS} in which writes land late all the time, after others were made in their stead`, async () => {
  expect(await violating(LATE_SEEDS, { weather: 'late' })).toEqual([]);
});

test('a history follows from its seed alone, so that a failing one can be seen again', async () => {
  const [first, again, other] = [await simulate(7), await simulate(7), await simulate(8)];
  expect(again).toEqual(first);
  expect(other.hash).not.toBe(first.hash);
  expect(first.counts.kills + first.counts.pauses).toBeGreaterThan(0);
});

test.each(MUTANTS.map(({ name, wrong, seedsMax }) => [name, wrong, seedsMax] as const))(
  'the wrong variant %s is caught: %s (within %i seeds)',
  async (name, _wrong, seedsMax) => {
    const mutant = MUTANTS.find((one) => one.name === name);
    if (!mutant) throw new Error('no such mutant');
    expect(await violating(seedsMax, { mutant })).toHaveLength(1);
  },
);
