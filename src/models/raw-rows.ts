import { BSON, type Document, type Filter } from 'mongodb';
import { takeTurns } from '../turns.ts';
import { databases, nativeCollection } from './connect.ts';

/**
 * Rows as the bytes in which they came, for what is read over and over: whether bytes are the same is told a hundred times
 * faster than objects are made of them.
 */
export type RawRow = Uint8Array;

/** A row as every other read gives it: 64-bit integers as bigint. */
export function fromRaw<Row>(raw: RawRow): Row {
  return BSON.deserialize(raw, { useBigInt64: true }) as Row;
}

/** The same for many of them, over as many turns of the event loop as they need. */
export async function allFromRaw<Row>(raw: readonly RawRow[]): Promise<Row[]> {
  const rows: Row[] = [];
  const turn = takeTurns();
  for (const bytes of raw) {
    rows.push(fromRaw<Row>(bytes));
    const pause = turn();
    if (pause) await pause;
  }
  return rows;
}

export type RawPage = { projection?: Document; sort?: Document; limit?: number };

/** More than any caller reads: all rows come in one answer, unless it would be larger than the server makes them. */
const BATCH_ROWS = 100_000;

/**
 * Reads rows as bytes. The caller bounds how many there are.
 * @throws whatever the driver's `find` throws.
 */
export async function readRaw<Row extends Document>(
  model: { collection: { collectionName: string } },
  filter: Filter<Row>,
  page: RawPage = {},
): Promise<RawRow[]> {
  const atOnce = await readAtOnce(model.collection.collectionName, filter, page);
  // The driver's types do not know what `raw` gives.
  return (
    atOnce ??
    ((await nativeCollection<Row>(model)
      .find(filter, { ...page, raw: true })
      .toArray()) as never)
  );
}

/**
 * All rows of one answer, cut from its bytes; the driver's cursor makes an object with an index of members for each row, even
 * for one that is wanted raw. Undefined when they do not fit into one answer, or it failed, for a cursor tries again.
 */
async function readAtOnce(find: string, filter: Document, page: RawPage): Promise<RawRow[] | undefined> {
  const { client, name } = databases().data;
  const raw = { raw: true };
  try {
    const reply = await client.db(name).command({ find, filter, ...page, batchSize: BATCH_ROWS }, raw);
    const fields = { useBigInt64: true, fieldsAsRaw: { firstBatch: true } };
    const cursor = BSON.deserialize(reply.cursor as Uint8Array, fields) as { id: bigint; firstBatch: RawRow[] };
    return cursor.id === 0n ? cursor.firstBatch : undefined;
  } catch {
    return undefined;
  }
}
