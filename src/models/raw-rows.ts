import { BSON } from 'mongodb';

/**
 * Rows as the bytes in which they came, for what is read over and over: whether bytes are the same is told a hundred times
 * faster than objects are made of them. Reading gives them with `{ raw: true }`.
 */
export type RawRow = Uint8Array;

/** A row as every other read gives it: 64-bit integers as bigint. */
export function fromRaw<Row>(raw: RawRow): Row {
  return BSON.deserialize(raw, { useBigInt64: true }) as Row;
}

/** Rows of a read with `{ raw: true }`, which the driver's types do not know. */
export const asRaw = (rows: readonly unknown[]): RawRow[] => rows as RawRow[];
