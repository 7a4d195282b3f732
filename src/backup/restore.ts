import { BSON, type Collection, type Document } from 'mongodb';
import { newId } from '../ids.ts';
import { type DatabaseHandle, databases, migrate, nativeCollection } from '../models/connect.ts';
import { Restore, type RestoreDocument } from '../models/restore.ts';
import { type ArchivedDocument, type ArchiveKind, readArchive } from './archive.ts';
import { BackupError } from './backup-error.ts';
import { readSealed } from './sealed-file.ts';

/**
 * Puts a backup into an empty database, which is marked from the first write on until `endRestore`: whatever was deleted
 * since the backup is deleted again in between, before anybody may look.
 */
export type RestoreSource = {
  dataFile: string;
  /** May be left out when the store of keys was not lost: its own keys are newer. */
  keysFile?: string | undefined;
  /** The private key, `AGE-SECRET-KEY-1…`. */
  identity: string;
};
export type Restored = { restoreId: string; takenAt: Date; documents: number; keys: number };

const BATCH_DOCUMENTS_MAX = 1_000;
const BATCH_BYTES_MAX = 4 * 1024 * 1024;
const DUPLICATE_KEY = 11_000;
/** Numbers stay the kind of number they were. */
const AS_STORED = { promoteValues: false } as const;

const marks = () => nativeCollection<RestoreDocument>(Restore);

/**
 * The files are read whole before anything is written. A restore that died is begun again from nothing.
 * @throws `BackupError` when a file cannot be used, or there is something in the database.
 */
export async function beginRestore(source: RestoreSource, now: () => number): Promise<Restored> {
  const takenAt = await check(source.dataFile, 'data', source.identity);
  if (source.keysFile !== undefined) await check(source.keysFile, 'keys', source.identity);
  await emptied(source.keysFile !== undefined);
  const restoreId = newId('rst', now());
  await marks().insertOne({ _id: restoreId, takenAt, startedAt: new Date(now()) });
  await migrate();
  const documents = await load(source.dataFile, 'data', source.identity);
  const keys = source.keysFile === undefined ? 0 : await load(source.keysFile, 'keys', source.identity);
  return { restoreId, takenAt, documents, keys };
}

/** From here on everybody may connect. */
export async function endRestore(restoreId: string, now: () => number): Promise<void> {
  await marks().updateMany({ endedAt: { $exists: false } }, { $set: { endedAt: new Date(now()) } });
  const ended = await marks().findOne({ _id: restoreId });
  if (!ended?.endedAt) throw new BackupError(`${restoreId} is not known to this database`);
}

/** Reads a file to its end; gives when it was taken. */
async function check(file: string, kind: ArchiveKind, identity: string): Promise<Date> {
  const { header, documents } = await readArchive(readSealed(file, identity), kind);
  for await (const _document of documents);
  return header.takenAt;
}

/** Only what an unfinished restore has left is thrown away. */
async function emptied(hasKeysFile: boolean): Promise<void> {
  const { data, keys } = databases();
  const left = await collectionsOf(data);
  const isUnfinished = (await marks().findOne({ endedAt: { $exists: false } })) !== null;
  if (isUnfinished) for (const one of left.filter(({ collectionName }) => !isMarks(collectionName))) await one.drop();
  else if (await holdsAnything(left))
    throw new BackupError(`the database ${data.name} is not empty: choose another one (MONGODB_DATABASE), or drop it`);
  if (!hasKeysFile && !(await holdsAnything(await collectionsOf(keys))))
    throw new BackupError(`there are no keys in ${keys.name}, and content is dark without them: give their backup too`);
}

const isMarks = (name: string): boolean => name === Restore.collection.collectionName;

async function collectionsOf({ client, name }: DatabaseHandle): Promise<Collection[]> {
  const found = await client.db(name).listCollections({}, { nameOnly: true }).toArray();
  return found.filter((one) => !one.name.startsWith('system.')).map((one) => client.db(name).collection(one.name));
}

async function holdsAnything(collections: readonly Collection[]): Promise<boolean> {
  for (const one of collections) if (await one.findOne({}, { projection: { _id: 1 } })) return true;
  return false;
}

/** Inserts what the file holds; gives how many documents that was. A key that is there already is newer, or destroyed. */
async function load(file: string, kind: ArchiveKind, identity: string): Promise<number> {
  const { client, name } = databases()[kind];
  const { documents } = await readArchive(readSealed(file, identity), kind);
  let count = 0;
  for await (const { collection, batch } of batches(documents)) {
    const inserting = client.db(name).collection(collection).insertMany(batch, { ordered: false });
    await inserting.catch((error: unknown) => {
      if (kind === 'data' || !isDuplicate(error)) throw error;
    });
    count += batch.length;
  }
  return count;
}

async function* batches(
  documents: AsyncIterable<ArchivedDocument>,
): AsyncGenerator<{ collection: string; batch: Document[] }> {
  let open = { collection: '', batch: [] as Document[] };
  let bytes = 0;
  for await (const document of documents) {
    const isFull = open.batch.length >= BATCH_DOCUMENTS_MAX || bytes >= BATCH_BYTES_MAX;
    if (open.batch.length > 0 && (isFull || document.collection !== open.collection)) {
      yield open;
      open = { collection: '', batch: [] };
      bytes = 0;
    }
    open.collection = document.collection;
    open.batch.push(BSON.deserialize(document.bytes, AS_STORED));
    bytes += document.bytes.byteLength;
  }
  if (open.batch.length > 0) yield open;
}

function isDuplicate(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === DUPLICATE_KEY;
}
