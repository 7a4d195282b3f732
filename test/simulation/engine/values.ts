/**
 * Values of the in-memory engine: BSON as the driver gives it to the product (`useBigInt64`): int64 is `bigint`, int32
 * and double are `number`. Documents are frozen, and an update makes a new one along its path, so a read needs no copy.
 */
export type Row = Readonly<Record<string, unknown>>;

/** Something the engine does not know. Loud, because a guess here would make the simulation prove nothing. */
export class NotSimulated extends Error {
  override readonly name = 'NotSimulated';
  constructor(what: string) {
    super(`the in-memory engine does not know ${what}: add it to test/simulation/engine and to the conformance test`);
  }
}

const INT32_MAX = 2 ** 31 - 1;
const INT64_MAX = 2n ** 63n - 1n;

export function isRow(value: unknown): value is Row {
  if (typeof value !== 'object' || value === null) return false;
  const prototype = Object.getPrototypeOf(value) as object | null;
  return prototype === Object.prototype || prototype === null;
}

type Kind = 'missing' | 'null' | 'number' | 'string' | 'object' | 'array' | 'bytes' | 'boolean' | 'date';

/** BSON's order of types, as far as it is needed. */
const KIND_ORDER: readonly Kind[] = [
  'missing',
  'null',
  'number',
  'string',
  'object',
  'array',
  'bytes',
  'boolean',
  'date',
];

export function kindOf(value: unknown): Kind {
  switch (typeof value) {
    case 'undefined':
      return 'missing';
    case 'number':
    case 'bigint':
      return 'number';
    case 'string':
      return 'string';
    case 'boolean':
      return 'boolean';
  }
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (value instanceof Date) return 'date';
  if (value instanceof Uint8Array) return 'bytes';
  if (isRow(value)) return 'object';
  throw new NotSimulated(`values of type ${typeof value}`);
}

/** Order of two values of any types: negative, 0 or positive. */
export function compare(a: unknown, b: unknown): number {
  const [left, right] = [kindOf(a), kindOf(b)];
  if (left !== right) return KIND_ORDER.indexOf(left) - KIND_ORDER.indexOf(right);
  switch (left) {
    case 'missing':
    case 'null':
      return 0;
    case 'number':
    case 'string':
    case 'boolean':
      return order(a as number, b as number);
    case 'date':
      return order((a as Date).getTime(), (b as Date).getTime());
    default:
      throw new NotSimulated(`the order of two ${left} values`);
  }
}

function order(a: number, b: number): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

export function equal(a: unknown, b: unknown): boolean {
  const kind = kindOf(a);
  if (kind !== kindOf(b)) return false;
  if (kind === 'array') {
    const [left, right] = [a as unknown[], b as unknown[]];
    return left.length === right.length && left.every((item, index) => equal(item, right[index]));
  }
  if (kind === 'bytes') return Buffer.compare(a as Uint8Array, b as Uint8Array) === 0;
  if (kind === 'object') throw new NotSimulated('equality of embedded documents');
  return compare(a, b) === 0;
}

type Numeric = number | bigint;

function isNumeric(value: unknown): value is Numeric {
  return typeof value === 'number' || typeof value === 'bigint';
}

/** Sum of two numbers: int64 when one of them is, exact or refused. */
export function sum(a: unknown, b: unknown): Numeric {
  if (!isNumeric(a) || !isNumeric(b)) throw new NotSimulated(`the sum of ${kindOf(a)} and ${kindOf(b)}`);
  if (typeof a === 'number' && typeof b === 'number') {
    const total = a + b;
    if (!Number.isInteger(a) || !Number.isInteger(b) || Math.abs(total) > INT32_MAX)
      throw new NotSimulated('arithmetic of numbers beyond int32');
    return total;
  }
  const total = BigInt(a) + BigInt(b);
  if (total > INT64_MAX || total < -INT64_MAX) throw new NotSimulated('overflow of int64');
  return total;
}

/** A frozen copy of a value that comes from outside. Bytes are shared: nothing writes into them. */
export function frozen(value: unknown): unknown {
  if (Array.isArray(value)) return Object.freeze(value.map(frozen));
  if (!isRow(value)) return value;
  const copy: Record<string, unknown> = {};
  for (const key in value) {
    const member = value[key];
    // The driver leaves undefined members out.
    if (member !== undefined) copy[key] = frozen(member);
  }
  return Object.freeze(copy);
}

/** The value at a path of plain members; undefined when it is missing. Arrays on the way are refused. */
export function valueAt(row: Row, path: string): unknown {
  if (!path.includes('.')) return row[path];
  let value: unknown = row;
  for (const part of path.split('.')) {
    if (value === undefined) return undefined;
    if (!isRow(value)) throw new NotSimulated(`the path ${path} through a ${kindOf(value)}`);
    value = value[part];
  }
  return value;
}

/** A document with the value at a path replaced; `undefined` removes it. */
export function withValueAt(row: Row, path: string, value: unknown): Row {
  return withParts(row, path.split('.'), 0, value, path);
}

function withParts(row: Row, parts: readonly string[], at: number, value: unknown, path: string): Row {
  const part = parts[at] ?? '';
  const copy: Record<string, unknown> = { ...row };
  if (at === parts.length - 1) {
    if (value === undefined) delete copy[part];
    else copy[part] = value;
    return Object.freeze(copy);
  }
  const inner = row[part];
  if (inner === undefined && value === undefined) return row;
  if (inner !== undefined && !isRow(inner)) throw new NotSimulated(`an update of ${path} through a ${kindOf(inner)}`);
  copy[part] = withParts(inner ?? {}, parts, at + 1, value, path);
  return Object.freeze(copy);
}
