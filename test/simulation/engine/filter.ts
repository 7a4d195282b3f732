import { compare, equal, isRow, kindOf, NotSimulated, type Row } from './values.ts';

/** Query filters as far as the product uses them. Anything else throws. */

type Test = (found: readonly unknown[], operand: unknown) => boolean;

const some = (accept: (order: number) => boolean): Test => {
  return (found, operand) =>
    found.some((value) => kindOf(value) === kindOf(operand) && accept(compare(value, operand)));
};

const isIn: Test = (found, operand) => {
  if (!Array.isArray(operand)) throw new NotSimulated('$in without a list');
  return operand.some((one) => found.some((value) => equal(value, one)));
};

const TESTS: Readonly<Record<string, Test>> = {
  $eq: (found, operand) => found.some((value) => equal(value, operand)),
  $ne: (found, operand) => !found.some((value) => equal(value, operand)),
  $gt: some((order) => order > 0),
  $gte: some((order) => order >= 0),
  $lt: some((order) => order < 0),
  $lte: some((order) => order <= 0),
  $in: isIn,
  $nin: (found, operand) => !isIn(found, operand),
  $exists: (found, operand) => found.some((value) => value !== undefined) === operand,
  $not: (found, operand) => !meets(found, operand),
};

export type Filter = Readonly<Record<string, unknown>>;

/** Whether a document matches a filter. */
export function matches(row: Row, filter: Filter): boolean {
  for (const path in filter) {
    if (path.startsWith('$')) throw new NotSimulated(`the filter operator ${path}`);
    if (!meets(found(row, path), filter[path])) return false;
  }
  return true;
}

function meets(values: readonly unknown[], condition: unknown): boolean {
  if (condition === null || condition === undefined) throw new NotSimulated('filters for null');
  if (!isRow(condition)) return values.some((value) => equal(value, condition));
  const names = Object.keys(condition);
  if (names.length === 0 || !names.every((name) => name.startsWith('$')))
    throw new NotSimulated('filters for a whole embedded document');
  return names.every((name) => {
    const test = TESTS[name];
    if (!test) throw new NotSimulated(`the filter operator ${name}`);
    return test(values, condition[name]);
  });
}

/** Everything a path may mean: the value, and the elements of arrays at its end or on its way. */
function found(row: Row, path: string): readonly unknown[] {
  if (!path.includes('.')) return withElements(row[path]);
  return walk(row, path.split('.'), 0);
}

function withElements(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? [value, ...(value as unknown[])] : [value];
}

function walk(value: unknown, parts: readonly string[], at: number): readonly unknown[] {
  const part = parts[at];
  if (part === undefined) return withElements(value);
  if (Array.isArray(value)) {
    if (/^\d+$/.test(part)) return walk(value[Number(part)], parts, at + 1);
    return value.flatMap((element) => (isRow(element) ? walk(element, parts, at) : []));
  }
  return isRow(value) ? walk(value[part], parts, at + 1) : [undefined];
}
