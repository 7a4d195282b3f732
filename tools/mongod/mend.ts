/**
 * Faults of the engine (DocumentDB 1.0) that give silently wrong answers, mended by rewriting the expression:
 *  - $dateTrunc by day, week, month, quarter and year is wrong for most dates;
 *  - $dateAdd and $dateSubtract with a timezone are off when the sum crosses a clock change;
 *  - $bucket and $bucketAuto give their groups unsorted.
 */
import { type Doc, decodeExact, encode, isDoc } from './bson.ts';

const LONG_UNITS = ['day', 'week', 'month', 'quarter', 'year'] as const;
type LongUnit = (typeof LONG_UNITS)[number];

const DATE_PARTS = ['year', 'month', 'day', 'hour', 'minute', 'second', 'millisecond'];
/** The first such weekday in January 2000, which began on a Saturday. */
const FIRST_WEEKDAY: Record<string, number> = { sat: 1, sun: 2, mon: 3, tue: 4, wed: 5, thu: 6, fri: 7 };

/** Whether the raw command contains something that needs mending; a quick look, since most do not. */
export function needsMending(bytes: Buffer): boolean {
  if (bytes.includes('$dateTrunc') || bytes.includes('$bucket')) return true;
  return bytes.includes('timezone') && (bytes.includes('$dateAdd') || bytes.includes('$dateSubtract'));
}

/** The command with the faulty expressions replaced. */
export function mendCommand(bytes: Buffer): Buffer {
  const mended = mend(literals(decodeExact(bytes)));
  return isDoc(mended) ? encode(mended) : bytes;
}

/** Turns the wrappers around strings and 32-bit integers into plain values; they encode to the same types again. */
function literals(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(literals);
  if (isDoc(value)) return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, literals(inner)]));
  if (typeof value === 'object' && value !== null && '_bsontype' in value && value._bsontype === 'Int32')
    return Number(value);
  return value;
}

function mend(value: unknown): unknown {
  if (Array.isArray(value))
    return value.flatMap((item: unknown) => (isBucket(item) ? [mend(item), { $sort: { _id: 1 } }] : [mend(item)]));
  if (!isDoc(value)) return value;
  const [[operator, argument] = []] = Object.entries(value);
  if (Object.keys(value).length === 1 && isDoc(argument)) {
    if (operator === '$dateTrunc' && isLongUnit(argument.unit)) return truncated(argument, argument.unit);
    const isShift = operator === '$dateAdd' || operator === '$dateSubtract';
    if (isShift && argument.timezone !== undefined && isLongUnit(argument.unit)) return shifted(operator, argument);
  }
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, mend(inner)]));
}

function isBucket(stage: unknown): boolean {
  return isDoc(stage) && (isDoc(stage.$bucket) || isDoc(stage.$bucketAuto));
}

function isLongUnit(unit: unknown): unit is LongUnit {
  return LONG_UNITS.some((known) => known === unit);
}

/** Local date parts, the sum in UTC, and back to the zone. */
function shifted(operator: string, argument: Doc): Doc {
  const { startDate, timezone, ...rest } = argument;
  const zone = mend(timezone);
  const sum = {
    [operator]: { startDate: rezone(mend(startDate), { from: zone }), ...rest, amount: mend(rest.amount) },
  };
  return rezone(sum, { to: zone });
}

function rezone(date: unknown, zones: { from?: unknown; to?: unknown }): Doc {
  const from = zones.from === undefined ? {} : { timezone: zones.from };
  const to = zones.to === undefined ? {} : { timezone: zones.to };
  const parts = Object.fromEntries(DATE_PARTS.map((part) => [part, `$$parts.${part}`]));
  return {
    $let: { vars: { parts: { $dateToParts: { date, ...from } } }, in: { $dateFromParts: { ...parts, ...to } } },
  };
}

/** The reference date (January 2000) plus the whole units since then, which the engine computes right. */
function truncated(argument: Doc, unit: LongUnit): Doc {
  const timezone = argument.timezone === undefined ? {} : { timezone: mend(argument.timezone) };
  const startOfWeek = typeof argument.startOfWeek === 'string' ? argument.startOfWeek.toLowerCase() : 'sunday';
  const firstDay = unit === 'week' ? (FIRST_WEEKDAY[startOfWeek.slice(0, 3)] ?? 2) : 1;
  const reference = { $dateFromParts: { year: 2000, month: 1, day: firstDay, ...timezone } };
  const week = unit === 'week' ? { startOfWeek } : {};
  const units = { $dateDiff: { startDate: reference, endDate: mend(argument.date), unit, ...timezone, ...week } };
  const binSize = argument.binSize === undefined ? 1 : mend(argument.binSize);
  const whole = binSize === 1 ? units : { $multiply: [binSize, { $floor: { $divide: [units, binSize] } }] };
  return { $dateFromParts: { ...datePartsAfter(unit, whole, firstDay), ...timezone } };
}

function datePartsAfter(unit: LongUnit, units: Doc, firstDay: number): Doc {
  const plus = (start: number, times: number): Doc => ({
    $toInt: { $add: [start, times === 1 ? units : { $multiply: [times, units] }] },
  });
  switch (unit) {
    case 'day':
      return { year: 2000, month: 1, day: plus(1, 1) };
    case 'week':
      return { year: 2000, month: 1, day: plus(firstDay, 7) };
    case 'month':
      return { year: 2000, month: plus(1, 1) };
    case 'quarter':
      return { year: 2000, month: plus(1, 3) };
    case 'year':
      return { year: plus(2000, 1) };
  }
}
