import { describe, expect, test } from '@jest/globals';
import { Binary, BSONRegExp, Code, Decimal128, Long, MaxKey, MinKey, ObjectId, Timestamp } from 'bson';
import fc from 'fast-check';
import { decode, encode } from './bson.ts';
import { bigintOf, bytesOf, isTrue, numberOf, scan, splitDocuments, stringOf } from './bson-scan.ts';

describe('scan', () => {
  test('finds every field of every type where it lies', () => {
    const document = {
      a: 1.5,
      b: 'text\u0000with zero',
      c: { x: 1 },
      d: [1, 2],
      e: new Binary(Buffer.from('bytes')),
      f: new ObjectId(),
      g: true,
      h: new Date(),
      i: null,
      j: new BSONRegExp('a.b', 'im'),
      k: new Code('return 1', { y: 2 }),
      l: 7,
      m: new Timestamp({ t: 1, i: 2 }),
      n: Long.MAX_VALUE,
      o: Decimal128.fromString('1.5'),
      p: new MinKey(),
      q: new MaxKey(),
      z: 'last',
    };
    const bytes = encode(document);
    const fields = scan(bytes);
    expect([...fields.keys()]).toEqual(Object.keys(document));
    const at = (name: string): Parameters<typeof stringOf> => [bytes, fields.get(name)];
    expect(stringOf(...at('b'))).toBe('text\u0000with zero');
    expect(numberOf(...at('a'))).toBe(1.5);
    expect(bigintOf(...at('n'))).toBe(2n ** 63n - 1n);
    expect(isTrue(...at('g'))).toBe(true);
    expect(isTrue(...at('l'))).toBe(true);
    expect(isTrue(...at('i'))).toBe(false);
    expect(stringOf(...at('z'))).toBe('last');
    expect(stringOf(...at('missing'))).toBeUndefined();
    const inner = fields.get('c');
    expect(inner === undefined ? undefined : decode(bytesOf(bytes, inner))).toEqual({ x: 1 });
  });

  test('gives the same field names as decoding, whatever the document', () => {
    const document = fc.dictionary(
      fc.string().filter((name) => !name.includes('\0') && name !== '__proto__'),
      fc.oneof(fc.string(), fc.integer(), fc.double(), fc.boolean(), fc.constant(null), fc.array(fc.string())),
    );
    fc.assert(
      fc.property(document, (value) =>
        expect([...scan(encode(value)).keys()]).toEqual(Object.keys(decode(encode(value)))),
      ),
    );
  });

  test('refuses damaged bytes instead of reading past them or looping', () => {
    const bytes = encode({ a: 'text', b: { c: [1, 2, 3] }, d: 5 });
    const damage = fc.tuple(fc.nat(bytes.length - 1), fc.nat(255), fc.nat(bytes.length));
    fc.assert(
      fc.property(damage, ([place, value, cut]) => {
        const damaged = Buffer.from(bytes);
        damaged[place] = value;
        for (const candidate of [damaged, bytes.subarray(0, cut)]) {
          try {
            for (const field of scan(candidate).values()) expect(field.end).toBeLessThanOrEqual(candidate.length);
          } catch (error) {
            expect(error).toMatchObject({ codeName: 'InvalidBSON' });
          }
        }
      }),
      { numRuns: 2000 },
    );
  });
});

test('a document sequence is cut into its documents, and a broken one is refused', () => {
  const documents = [{ a: 1 }, {}, { b: 'two' }];
  const sequence = Buffer.concat(documents.map(encode));
  expect(splitDocuments(sequence).map(decode)).toEqual(documents);
  expect(() => splitDocuments(sequence.subarray(0, -1))).toThrow('document sequence');
});
