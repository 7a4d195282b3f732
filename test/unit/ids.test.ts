import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { isId, lowestIdAt, newId, timeOfId } from '../../src/ids.ts';

const timeMs = fc.integer({ min: 0, max: 2 ** 48 - 1 });

test('an id says what it is and when it was made', () => {
  fc.assert(
    fc.property(timeMs, (at) => {
      const id = newId('req', at);
      expect(isId('req', id)).toBe(true);
      expect(isId('acc', id)).toBe(false);
      expect(timeOfId(id)).toBe(at);
    }),
  );
});

test('ids sort by time, and the lowest id of a moment bounds every id made then', () => {
  fc.assert(
    fc.property(timeMs, timeMs, (a, b) => {
      const [earlier, later] = a < b ? [a, b] : [b, a];
      expect(lowestIdAt('req', later) <= newId('req', later)).toBe(true);
      if (earlier < later) expect(newId('req', earlier) < lowestIdAt('req', later)).toBe(true);
    }),
  );
});

test('a hundred thousand ids of one millisecond are all different', () => {
  const ids = new Set(Array.from({ length: 100_000 }, () => newId('req', 1_700_000_000_000)));
  expect(ids.size).toBe(100_000);
});

test('an id can be a field name: nothing in it but letters, digits and one underscore', () => {
  for (let i = 0; i < 1_000; i++) expect(newId('key')).toMatch(/^key_[0-9a-z]{26}$/);
});

test('nothing else passes for an id', () => {
  const id = newId('req');
  fc.assert(
    fc.property(
      fc.nat({ max: id.length - 1 }),
      fc.constantFrom('.', '$', '/', ' ', '\n', 'I', 'A', 'é', ''),
      (at, character) => {
        expect(isId('req', id.slice(0, at) + character + id.slice(at + 1))).toBe(false);
      },
    ),
  );
  for (const text of ['', 'req_', `${id}\n`, `${id}a`, ` ${id}`, id.toUpperCase(), `req-${id.slice(4)}`])
    expect(isId('req', text)).toBe(false);
});
