import { BSON, type ClientSession, type Db, type Document } from 'mongodb';
import { BackupError } from './backup-error.ts';
import type { SnapshotKind } from './snapshot.ts';

/**
 * A database as one stream of BSON: a header; for each collection a document that names it, its documents as the server
 * gave them, and four zero bytes; at the end a document with the counts.
 */

export type ArchiveKind = 'data' | 'keys';
export type ArchiveHeader = { format: 1; kind: ArchiveKind; takenAt: Date; snapshot: SnapshotKind };
/** A document of a collection, as BSON. */
export type ArchivedDocument = { collection: string; bytes: Uint8Array };
export type ArchiveCounts = Record<string, number>;

const FORMAT = 1;
const LENGTH_BYTES = 4;
const DOCUMENT_BYTES_MIN = 5;
/** What MongoDB allows, and its own bookkeeping around it. */
const DOCUMENT_BYTES_MAX = 16 * 1024 * 1024 + 16 * 1024;
const BATCH_DOCUMENTS = 500;
const END_OF_COLLECTION = Buffer.alloc(LENGTH_BYTES);

/** Reads the collections in the session's moment, and gives pieces of some hundred documents. */
export async function* writeArchive(
  db: Db,
  session: ClientSession,
  header: ArchiveHeader,
  collections: readonly string[],
): AsyncGenerator<Uint8Array> {
  const counts: ArchiveCounts = {};
  yield BSON.serialize(header);
  for (const collection of collections) {
    yield BSON.serialize({ collection });
    let count = 0;
    const cursor = db.collection(collection).find({}, { session, raw: true, batchSize: BATCH_DOCUMENTS });
    for await (const document of cursor) {
      yield document as unknown as Uint8Array;
      count++;
    }
    yield END_OF_COLLECTION;
    counts[collection] = count;
  }
  yield BSON.serialize({ counts });
}

/** Gives documents one by one out of pieces of any size. */
class DocumentReader {
  readonly #pieces: AsyncIterator<Uint8Array>;
  #bytes: Buffer = Buffer.alloc(0);

  constructor(pieces: AsyncIterable<Uint8Array>) {
    this.#pieces = pieces[Symbol.asyncIterator]();
  }

  /** The next document; `undefined` for the end of a collection. */
  async next(): Promise<Buffer | undefined> {
    await this.#fill(LENGTH_BYTES);
    const length = this.#bytes.readInt32LE(0);
    if (length === 0) {
      this.#take(LENGTH_BYTES);
      return undefined;
    }
    if (length < DOCUMENT_BYTES_MIN || length > DOCUMENT_BYTES_MAX)
      throw new BackupError('the archive is damaged: there is no document where one should be');
    await this.#fill(length);
    return this.#take(length);
  }

  async atEnd(): Promise<boolean> {
    return this.#bytes.length === 0 && (await this.#pieces.next()).done === true;
  }

  #take(length: number): Buffer {
    const taken = this.#bytes.subarray(0, length);
    this.#bytes = this.#bytes.subarray(length);
    return taken;
  }

  async #fill(length: number): Promise<void> {
    if (this.#bytes.length >= length) return;
    const pieces = [this.#bytes];
    for (let have = this.#bytes.length; have < length; ) {
      const { done, value } = await this.#pieces.next();
      if (done) throw new BackupError('the archive is cut: it ends in the middle');
      pieces.push(Buffer.from(value.buffer, value.byteOffset, value.byteLength));
      have += value.byteLength;
    }
    this.#bytes = Buffer.concat(pieces);
  }
}

export type ArchiveContent = {
  header: ArchiveHeader;
  /** Throws at its end when something is missing. */
  documents: AsyncGenerator<ArchivedDocument>;
};

/** @throws `BackupError` when it is no archive of this kind. */
export async function readArchive(pieces: AsyncIterable<Uint8Array>, kind: ArchiveKind): Promise<ArchiveContent> {
  const reader = new DocumentReader(pieces);
  const header = decode(await reader.next());
  if (header.format !== FORMAT) throw new BackupError('the archive has a format that this version does not know');
  if (header.kind !== kind) throw new BackupError(`this is a backup of ${String(header.kind)}, not of ${kind}`);
  return { header: header as ArchiveHeader, documents: readDocuments(reader) };
}

async function* readDocuments(reader: DocumentReader): AsyncGenerator<ArchivedDocument> {
  const found: ArchiveCounts = {};
  for (;;) {
    const { collection, counts } = decode(await reader.next());
    if (typeof collection !== 'string') {
      if (JSON.stringify(counts) !== JSON.stringify(found) || !(await reader.atEnd()))
        throw new BackupError('the archive is damaged: it does not hold what it says');
      return;
    }
    let count = 0;
    for (let bytes = await reader.next(); bytes; bytes = await reader.next(), count++) yield { collection, bytes };
    found[collection] = count;
  }
}

function decode(bytes: Uint8Array | undefined): Document {
  if (!bytes) throw new BackupError('the archive is damaged: a collection ends where none began');
  return BSON.deserialize(bytes);
}
