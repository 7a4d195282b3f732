import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { PayloadStore } from '../../src/requests/payload-store.ts';
import { runs } from '../helpers/property-runs.ts';

const payload = fc.uint8Array({ maxLength: 20_000 }).map((bytes) => Buffer.from(bytes));

test('gives back what was pushed, in order, whatever its length, and keeps copies of it', () => {
  fc.assert(
    fc.property(fc.array(payload, { maxLength: 20 }), (payloads) => {
      const store = new PayloadStore();
      const expected = payloads.map((one) => Buffer.from(one));
      for (const one of payloads) {
        store.push(one);
        one.fill(0);
      }
      expect(store.count).toBe(expected.length);
      expect(store.all()).toEqual(expected);
    }),
    runs(200),
  );
});
