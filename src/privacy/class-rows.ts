import type { Document } from 'mongodb';
import { nativeCollection } from '../models/connect.ts';
import type { ContentCipher } from './content-key.ts';
import type { DataClass, MongoStore, Removal, SealedField } from './data-class.ts';
import { toBytes } from './sealing.ts';

/** What every class of the registry can do for one subject: find, export, erase, verify. Derived from its row. */

type Row = Document & { _id: string };
type RowClass = DataClass<MongoStore>;

const BATCH_MAX = 500;
const COUNT_MAX = 1_000_000;

/** The driver's collection of a class. */
export function rowsOf({ store }: Pick<RowClass, 'store'>) {
  return nativeCollection<Row>({ collection: { collectionName: store.collection } });
}

/** The rows of a subject that (still) hold data of the class. */
export function subjectFilter({ store, erasure }: RowClass, accountId: string): Document {
  const holds = 'holds' in erasure ? erasure.holds : {};
  return { [store.owner]: accountId, ...holds };
}

/** How many rows of the subject hold data of the class; at most a million are counted. */
export function countRows(row: RowClass, accountId: string): Promise<number> {
  return rowsOf(row).countDocuments(subjectFilter(row, accountId), { limit: COUNT_MAX });
}

/** What an erasure has left behind that it must not: 0 when it is complete. Kept classes have nothing to show. */
export async function verifyErased(row: RowClass, accountId: string): Promise<number> {
  return 'holds' in row.erasure ? countRows(row, accountId) : 0;
}

/** Applies a removal to the rows that match the filter and still hold the data; gives how many it changed. */
export async function removeFrom(row: RowClass, removal: Removal, filter: Document): Promise<number> {
  const matching = { $and: [filter, removal.holds] };
  if (removal.update === 'delete') return (await rowsOf(row).deleteMany(matching as never)).deletedCount;
  return (await rowsOf(row).updateMany(matching as never, removal.update)).modifiedCount;
}

/** Some of the subject's rows that hold data of the class; none when all of it is erased. */
export async function rowsToErase(row: RowClass, accountId: string): Promise<string[]> {
  const batch = await rowsOf(row)
    .find(subjectFilter(row, accountId) as never, { projection: { _id: 1 } })
    .limit(BATCH_MAX)
    .toArray();
  return batch.map(({ _id }) => _id);
}

/**
 * Erases these rows of a subject. Gives how many it changed: what another process has erased meanwhile is not among them.
 * @throws when the class is kept, or is the data key, which the key store destroys.
 */
export async function eraseRows(row: RowClass, accountId: string, ids: readonly string[]): Promise<number> {
  const { erasure } = row;
  if (!('update' in erasure)) throw new Error(`rows of class ${row.id} are not erased one by one`);
  const { update, holds } = erasure;
  if (update === 'delete' || ids.length === 0)
    return removeFrom(row, erasure, { _id: { $in: ids }, [row.store.owner]: accountId });
  // One by one, for an act counts them: of an update of many rows, the evaluation engine also counts those that another
  // process has changed before it, and writes over them (decision 45).
  const updates = ids.map((_id) => {
    const filter = { $and: [{ _id, [row.store.owner]: accountId }, holds] };
    return { updateOne: { filter: filter as never, update } };
  });
  return (await rowsOf(row).bulkWrite(updates, { ordered: false })).modifiedCount;
}

/** The subject's rows with the fields of this class only, opened; in pages, oldest first. */
export async function* exportRows(
  row: RowClass,
  accountId: string,
  cipher: Pick<ContentCipher, 'open'>,
  pageRows = BATCH_MAX,
): AsyncGenerator<Row[]> {
  const { fields, owner, sealed = [] } = row.store;
  const projection = fields === '*' ? {} : Object.fromEntries(['_id', ...fields].map((field) => [field, 1]));
  for (let afterId = ''; ; ) {
    const range = owner === '_id' ? accountId : { $gt: afterId };
    const page = await rowsOf(row)
      .find({ [owner]: accountId, _id: range } as never, { projection })
      .sort({ _id: 1 })
      .limit(pageRows)
      .toArray();
    const last = page.at(-1);
    if (!last) return;
    yield await Promise.all(page.map((one) => opened(one, accountId, sealed, cipher)));
    if (owner === '_id') return;
    afterId = last._id;
  }
}

/** The row, which is the reader's own, with every sealed text in its place. */
async function opened(
  row: Row,
  accountId: string,
  sealed: readonly SealedField[],
  cipher: Pick<ContentCipher, 'open'>,
): Promise<Row> {
  for (const { field, context, isList } of sealed) {
    const names = field.split('.');
    const name = names.pop() ?? field;
    const parent = names.reduce<Document | undefined>((at, step) => at?.[step], row);
    const value: unknown = parent?.[name];
    if (!parent || value === undefined || value === null) continue;
    const open = async (bytes: Uint8Array) =>
      (await cipher.open(accountId, context(row._id), toBytes(bytes))).toString();
    parent[name] = isList ? await Promise.all((value as Uint8Array[]).map(open)) : await open(value as Uint8Array);
  }
  return row;
}
