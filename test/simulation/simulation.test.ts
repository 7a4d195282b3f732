import { expect, jest, test } from '@jest/globals';
import { MUTANTS } from './mutants.ts';
import { simulate } from './simulate.ts';

/**
 * The money protocol under seeded faults: processes killed and paused, writes applied late or not told, Redis losing jobs.
 * The long run is `npm run simulate`.
 */

jest.setTimeout(300_000);
const SEEDS = 300;

async function violating(seeds: number, mutant?: (typeof MUTANTS)[number]): Promise<[number, string[]][]> {
  const found: [number, string[]][] = [];
  for (let seed = 1; seed <= seeds && found.length === 0; seed++) {
    const { violations } = await simulate(seed, mutant ? { mutant } : {});
    if (violations.length > 0) found.push([seed, violations]);
  }
  return found;
}

test(`in ${SEEDS} histories no invariant is broken at any write, and all come to rest`, async () => {
  expect(await violating(SEEDS)).toEqual([]);
});

test('a history follows from its seed alone, so that a failing one can be seen again', async () => {
  const [first, again, other] = [await simulate(7), await simulate(7), await simulate(8)];
  expect(again).toEqual(first);
  expect(other.hash).not.toBe(first.hash);
  expect(first.counts.kills + first.counts.pauses).toBeGreaterThan(0);
});

// Some need thousands of histories; `npm run simulate -- --mutant NAME` shows them.
test.each(
  MUTANTS.filter(({ seedsMax }) => seedsMax > 0).map(({ name, wrong, seedsMax }) => [name, wrong, seedsMax] as const),
)('the wrong variant %s is caught: %s (within %i seeds)', async (name, _wrong, seedsMax) => {
  const mutant = MUTANTS.find((one) => one.name === name);
  expect(await violating(seedsMax, mutant)).toHaveLength(1);
});
