/**
 * How often a property is tried: as often as the test says, or PROPERTY_RUNS times (`npm run properties`). fast-check prints
 * the seed of a failure; PROPERTY_SEED replays it.
 */
export function runs(numRuns: number): { numRuns: number; seed?: number } {
  const { PROPERTY_RUNS, PROPERTY_SEED } = process.env;
  return {
    numRuns: PROPERTY_RUNS === undefined ? numRuns : Number(PROPERTY_RUNS),
    ...(PROPERTY_SEED === undefined ? {} : { seed: Number(PROPERTY_SEED) }),
  };
}
