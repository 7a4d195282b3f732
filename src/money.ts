/**
 * Money is an integer number of micro-rubles (1 RUB = 1 000 000) held in a bigint, in BSON an int64.
 * Floating point never touches it.
 */

export const MICROS_PER_RUB = 1_000_000n;
const TOKENS_PER_PRICE_UNIT = 1_000_000n;

/** Largest amount one operation may move: 10^12 RUB. Far above any balance, far below int64. */
export const AMOUNT_MICROS_MAX = 10n ** 18n;

/**
 * Price of `tokens` at `microsPerMillion` (micro-rubles for a million tokens), in millionths of a micro-ruble.
 * Sum several of these and round once with `roundUpToMicros`.
 */
export function tokenCost(tokens: number, microsPerMillion: bigint): bigint {
  return BigInt(tokens) * microsPerMillion;
}

/** Rounds a sum of `tokenCost` up to whole micro-rubles. Done once for a request, never for each token class. */
export function roundUpToMicros(scaled: bigint): bigint {
  return (scaled + TOKENS_PER_PRICE_UNIT - 1n) / TOKENS_PER_PRICE_UNIT;
}

/** "12.5" or "-0.000001": exact decimal rubles for people and JSON. */
export function formatRub(micros: bigint): string {
  const sign = micros < 0n ? '-' : '';
  const absolute = micros < 0n ? -micros : micros;
  const fraction = (absolute % MICROS_PER_RUB).toString().padStart(6, '0').replace(/0+$/, '');
  return `${sign}${absolute / MICROS_PER_RUB}${fraction === '' ? '' : `.${fraction}`}`;
}

/**
 * Exact micro-rubles of a decimal string such as "12.34". At most 6 decimals and 12 integer digits, no exponent,
 * no sign; anything else is `undefined`.
 */
export function parseRub(text: string): bigint | undefined {
  const match = /^(\d{1,12})(?:\.(\d{1,6}))?$/.exec(text);
  if (!match) return undefined;
  const [, whole = '0', fraction = ''] = match;
  return BigInt(whole) * MICROS_PER_RUB + BigInt(fraction.padEnd(6, '0'));
}

export function maxMicros(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}

export function minMicros(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}
