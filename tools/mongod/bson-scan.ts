/** Looks at the top level of a BSON document without decoding what is inside: commands pass through the gateway as bytes. */
import { WireError } from './errors.ts';

/** Where a field's value lies in the bytes. */
export type Field = { readonly type: number; readonly start: number; readonly end: number };
export type Fields = ReadonlyMap<string, Field>;

export const BSON_TYPE = { double: 1, string: 2, object: 3, array: 4, bool: 8, int32: 16, int64: 18 } as const;

/** Bytes of a value with a fixed length, by type; the others carry their length. */
const FIXED_BYTES = new Map([
  [1, 8],
  [6, 0],
  [7, 12],
  [8, 1],
  [9, 8],
  [10, 0],
  [16, 4],
  [17, 8],
  [18, 8],
  [19, 16],
  [127, 0],
  [255, 0],
]);

/**
 * Lists the top-level fields of the document that starts at `offset`.
 * @throws WireError when the bytes are no BSON document.
 */
export function scan(bytes: Buffer, offset = 0): Fields {
  if (bytes.length < offset + 5) throw invalid('too short');
  const end = offset + bytes.readInt32LE(offset) - 1;
  if (end >= bytes.length || end < offset + 4) throw invalid('wrong length');
  const fields = new Map<string, Field>();
  let at = offset + 4;
  while (at < end) {
    const type = bytes[at] ?? 0;
    const nameEnd = stringEnd(bytes, at + 1);
    const start = nameEnd + 1;
    const valueEnd = start + valueLength(bytes, type, start);
    if (valueEnd > end) throw invalid('a value passes the end');
    fields.set(bytes.toString('utf8', at + 1, nameEnd), { type, start, end: valueEnd });
    at = valueEnd;
  }
  return fields;
}

function valueLength(bytes: Buffer, type: number, start: number): number {
  const fixed = FIXED_BYTES.get(type);
  if (fixed !== undefined) return fixed;
  if (type === 11) return stringEnd(bytes, stringEnd(bytes, start) + 1) + 1 - start;
  if (start + 4 > bytes.length) throw invalid('a length passes the end');
  const length = bytes.readInt32LE(start);
  if (length < 0) throw invalid('negative length');
  if (type === 2 || type === 13 || type === 14) return 4 + length;
  if (type === 3 || type === 4 || type === 15) return length;
  if (type === 5) return 5 + length;
  if (type === 12) return 16 + length;
  throw invalid(`unknown type ${type}`);
}

function stringEnd(bytes: Buffer, start: number): number {
  let at = start;
  while (bytes[at]) at++; // Stops at the zero byte, and past the end.
  return at;
}

function invalid(why: string): WireError {
  return new WireError(22, 'InvalidBSON', `invalid BSON: ${why}`);
}

export function stringOf(bytes: Buffer, field: Field | undefined): string | undefined {
  return field?.type === BSON_TYPE.string ? bytes.toString('utf8', field.start + 4, field.end - 1) : undefined;
}

export function numberOf(bytes: Buffer, field: Field | undefined): number | undefined {
  if (field?.type === BSON_TYPE.int32) return bytes.readInt32LE(field.start);
  if (field?.type === BSON_TYPE.int64) return Number(bytes.readBigInt64LE(field.start));
  if (field?.type === BSON_TYPE.double) return bytes.readDoubleLE(field.start);
  return undefined;
}

export function bigintOf(bytes: Buffer, field: Field | undefined): bigint | undefined {
  if (field?.type === BSON_TYPE.int64) return bytes.readBigInt64LE(field.start);
  const number = numberOf(bytes, field);
  return number === undefined ? undefined : BigInt(Math.trunc(number));
}

/** MongoDB's truth for flags: a boolean, or any number but zero. */
export function isTrue(bytes: Buffer, field: Field | undefined): boolean {
  if (field?.type === BSON_TYPE.bool) return bytes[field.start] === 1;
  const number = numberOf(bytes, field);
  return number !== undefined && number !== 0;
}

export function bytesOf(bytes: Buffer, field: Field): Buffer {
  return bytes.subarray(field.start, field.end);
}

/** Cuts a row of documents (an OP_MSG document sequence) into its documents. */
export function splitDocuments(sequence: Buffer): Buffer[] {
  const documents: Buffer[] = [];
  for (let at = 0; at < sequence.length; ) {
    const length = at + 4 <= sequence.length ? sequence.readInt32LE(at) : 0;
    if (length < 5 || at + length > sequence.length) throw invalid('wrong length in a document sequence');
    documents.push(sequence.subarray(at, at + length));
    at += length;
  }
  return documents;
}
