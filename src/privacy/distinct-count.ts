import { createHash } from 'node:crypto';

/**
 * Counts different names in at most 16 bytes of memory for each, however long they are: only 64 bits of each one's hash
 * are kept. That two of ten million share them happens in one count of 300 000.
 */

const FIRST_PLACES = 1_024;

export type DistinctCount = { add(name: string): void; count(): number };

export function distinctCount(): DistinctCount {
  let places = new BigUint64Array(FIRST_PLACES);
  let used = 0;

  /** Brings equal ones together and keeps one of each. */
  const compact = () => {
    const sorted = places.subarray(0, used).sort();
    used = 0;
    for (const hash of sorted) if (used === 0 || hash !== sorted[used - 1]) sorted[used++] = hash;
  };
  const makeRoom = () => {
    compact();
    if (used * 2 <= places.length) return;
    const wider = new BigUint64Array(places.length * 2);
    wider.set(places.subarray(0, used));
    places = wider;
  };

  return {
    add(name) {
      if (used === places.length) makeRoom();
      places[used++] = createHash('sha256').update(name).digest().readBigUInt64LE();
    },
    count() {
      compact();
      return used;
    },
  };
}
