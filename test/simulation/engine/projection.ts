import { isRow, NotSimulated, type Row } from './values.ts';

/** Projections as far as the product uses them: members in, members out, and the first elements of an array. */
export type Projection = Readonly<Record<string, unknown>>;

export function projected(row: Row, projection: Projection | undefined): Row {
  if (!projection) return row;
  const sliced = Object.entries(projection).filter(([, value]) => isRow(value));
  const plain = Object.entries(projection).filter(([, value]) => !isRow(value));
  const isInclusion = plain.some(([path, value]) => value === 1 && path !== '_id');
  if (isInclusion && sliced.length > 0) throw new NotSimulated('a projection with both members and slices');
  let result: Row = isInclusion || (plain.length === 1 && projection._id === 1) ? { _id: row._id } : row;
  for (const [path, value] of plain) {
    if (value === 1) result = included(row, path.split('.'), result);
    else if (value === 0 && !path.includes('.')) {
      const { [path]: _left, ...rest } = result;
      result = rest;
    } else throw new NotSimulated(`the projection ${path}: ${String(value)}`);
  }
  for (const [path, value] of sliced) result = { ...result, [path]: sliceOf(row[path], value as Projection) };
  return result;
}

function sliceOf(value: unknown, { $slice: count, ...rest }: Projection): unknown {
  if (typeof count !== 'number' || count < 0 || Object.keys(rest).length > 0) throw new NotSimulated('this projection');
  return Array.isArray(value) ? value.slice(0, count) : value;
}

/** `into` with the member at this path of `from` taken in; documents on the way are made even when it is missing. */
function included(from: Row, parts: readonly string[], into: Row): Row {
  const [part = '', ...rest] = parts;
  const value = from[part];
  if (value === undefined) return into;
  if (rest.length === 0) return { ...into, [part]: value };
  const before = into[part];
  if (Array.isArray(value)) {
    if (before !== undefined) throw new NotSimulated('two members of an array in one projection');
    return { ...into, [part]: value.filter(isRow).map((element) => included(element, rest, {})) };
  }
  if (!isRow(value)) return into;
  return { ...into, [part]: included(value, rest, isRow(before) ? before : {}) };
}
