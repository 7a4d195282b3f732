import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { formatRub, minMicros, parseRub, roundUpToMicros, tokenCost } from '../../src/money.ts';

const AMOUNT_MAX = 10n ** 18n - 1n;

test('P10 (text form): an amount survives being written and read again', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: AMOUNT_MAX }), (micros) => {
      expect(parseRub(formatRub(micros))).toBe(micros);
    }),
  );
});

test('a written amount is an exact plain decimal without a needless zero', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -AMOUNT_MAX, max: AMOUNT_MAX }), (micros) => {
      const text = formatRub(micros);
      expect(text).toMatch(/^-?\d+(\.\d{0,5}[1-9])?$/);
      const [whole = '', fraction = ''] = text.replace('-', '').split('.');
      const absolute = BigInt(whole) * 1_000_000n + BigInt(fraction.padEnd(6, '0'));
      expect(text.startsWith('-') ? -absolute : absolute).toBe(micros);
    }),
  );
  expect([0n, 1n, -1n, 12_500_000n, 1_000_000n].map(formatRub)).toEqual(['0', '0.000001', '-0.000001', '12.5', '1']);
});

test.each([
  '',
  ' 1',
  '1 ',
  '-1',
  '+1',
  '1.',
  '.5',
  '1.0000001',
  '1e3',
  '1,5',
  '0x10',
  'NaN',
  'Infinity',
  '1_000',
  '1234567890123',
  '١',
  '1\n',
  '1.5.5',
])('%j is no amount', (text) => {
  expect(parseRub(text)).toBeUndefined();
});

test('leading and trailing zeros do not change an amount', () => {
  expect(['1', '01', '1.0', '1.000000', '000001.00'].map(parseRub)).toEqual(new Array(5).fill(1_000_000n));
});

test('token costs are exact and rounded up once, never down', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat({ max: 100_000_000 }), fc.bigInt({ min: 0n, max: 10n ** 12n })), { maxLength: 5 }),
      (classes) => {
        const exact = classes.reduce((sum, [tokens, rate]) => sum + BigInt(tokens) * rate, 0n);
        const rounded = roundUpToMicros(classes.reduce((sum, [tokens, rate]) => sum + tokenCost(tokens, rate), 0n));
        expect(rounded * 1_000_000n >= exact && (rounded - 1n) * 1_000_000n < exact).toBe(true);
      },
    ),
  );
});

test('a token count that is not whole is refused by arithmetic itself', () => {
  for (const tokens of [1.5, Number.NaN, Number.POSITIVE_INFINITY])
    expect(() => tokenCost(tokens, 1n)).toThrow(RangeError);
});

test('the smaller amount is the smaller one', () => {
  expect([minMicros(1n, 2n), minMicros(2n, 1n), minMicros(-1n, 0n)]).toEqual([1n, 1n, -1n]);
});
