import { MongoBulkWriteError, MongoServerError } from 'mongodb';
import mongoose from 'mongoose';
import type { Filter } from './engine/filter.ts';
import { type Projection, projected } from './engine/projection.ts';
import { DuplicateKey, Refused, type Table } from './engine/table.ts';
import type { Update } from './engine/update.ts';
import { compare, type Row, valueAt } from './engine/values.ts';
import type { StoreCall } from './faults.ts';

/**
 * The driver's collections as the product uses them, over the in-memory engine: the product's own modules do not notice
 * the difference. A method or option that is not here throws.
 */

export type Sent = { collection: string; filter: Filter; update: Update };
/** Changes an update on its way to the store; mutants are made with it. */
export type Rewrite = (sent: Sent) => Sent;

export type CollectionsOptions = {
  tables: Readonly<Record<string, Table>>;
  call: StoreCall;
  rewrite: Rewrite;
  now: () => Date;
  onRefusal: (message: string) => void;
};

type Options = { projection?: Projection; returnDocument?: 'before' | 'after'; upsert?: boolean };
type BulkOperation = { updateOne: { filter: Filter; update: Update } };

const DUPLICATE_KEY = 11_000;

function bulkError(message: string, writeErrors: { index: number; code: number }[]): MongoBulkWriteError {
  return new MongoBulkWriteError({ message, code: writeErrors[0]?.code ?? 0, writeErrors } as never, {} as never);
}

/** Makes `nativeCollection` give these collections. Returns the function that takes them away again. */
export function installCollections(options: CollectionsOptions): () => void {
  const collections = new Map<string, object>();
  const client = {
    db: () => ({
      collection: (name: string) => {
        const known = collections.get(name) ?? createCollection(name, options);
        collections.set(name, known);
        return known;
      },
    }),
  };
  Object.defineProperty(mongoose.connection, 'getClient', { value: () => client, configurable: true });
  return () => {
    delete (mongoose.connection as unknown as Record<string, unknown>).getClient;
  };
}

function createCollection(name: string, { tables, call, rewrite, now, onRefusal }: CollectionsOptions): object {
  const table = tables[name];
  if (!table) throw new Error(`the collection ${name} is not simulated`);

  /** The server's refusals as the driver throws them; that one was needed at all is a violation. */
  function guarded<T>(act: () => T): T {
    try {
      return act();
    } catch (error) {
      if (error instanceof DuplicateKey) throw new MongoServerError({ message: 'E11000', code: DUPLICATE_KEY });
      if (!(error instanceof Refused)) throw error;
      onRefusal(error.message);
      throw new MongoServerError({ message: error.message, code: 121 });
    }
  }

  function updateOne(filter: Filter, update: Update) {
    const sent = rewrite({ collection: name, filter, update });
    return guarded(() => table?.updateOne(sent.filter, sent.update, now()));
  }

  function bulk(operations: readonly BulkOperation[]): { matchedCount: number } {
    let matchedCount = 0;
    const writeErrors: { index: number; code: number }[] = [];
    operations.forEach(({ updateOne: { filter, update } }, index) => {
      try {
        if (updateOne(filter, update)) matchedCount++;
      } catch (error) {
        if (!(error instanceof MongoServerError)) throw error;
        writeErrors.push({ index, code: Number(error.code) });
      }
    });
    if (writeErrors.length > 0) throw bulkError('bulk write failed', writeErrors);
    return { matchedCount };
  }

  function insertMany(documents: readonly object[]): void {
    const writeErrors: { index: number; code: number }[] = [];
    documents.forEach((document, index) => {
      try {
        guarded(() => table?.insert(document));
      } catch (error) {
        if (!(error instanceof MongoServerError)) throw error;
        writeErrors.push({ index, code: Number(error.code) });
      }
    });
    if (writeErrors.length > 0) throw bulkError('insert failed', writeErrors);
  }

  /** The driver tells of a broken line as a bulk error that says nothing about any write. */
  const bulkCall = async <T>(label: string, apply: () => T): Promise<T> => {
    try {
      return await call(label, apply);
    } catch (error) {
      throw error instanceof MongoServerError ? error : bulkError('the connection broke', []);
    }
  };

  function find(filter: Filter, findOptions: Options = {}) {
    let sorted: [string, unknown][] = [];
    let limit = Number.POSITIVE_INFINITY;
    let projection = findOptions.projection;
    const read = () =>
      [...(table?.find(filter) ?? [])]
        .sort((a, b) => orderOf(a, b, sorted))
        .slice(0, limit)
        .map((row) => projected(row, projection));
    const cursor = {
      sort: (by: Row) => {
        sorted = Object.entries(by);
        return cursor;
      },
      limit: (count: number) => {
        limit = count;
        return cursor;
      },
      project: (by: Projection) => {
        projection = by;
        return cursor;
      },
      toArray: () => call(`${name}.find`, read),
    };
    return cursor;
  }

  return {
    find,
    findOne: (filter: Filter, { projection }: Options = {}) =>
      call(`${name}.findOne`, () => {
        const [row] = table.find(filter);
        return row ? projected(row, projection) : null;
      }),
    updateOne: (filter: Filter, update: Update) =>
      call(`${name}.updateOne`, () => ({ matchedCount: updateOne(filter, update) ? 1 : 0 })),
    updateMany: (filter: Filter, update: Update) =>
      call(`${name}.updateMany`, () => ({ matchedCount: guarded(() => table.updateMany(filter, update, now())) })),
    findOneAndUpdate: (filter: Filter, update: Update, { projection, returnDocument }: Options = {}) =>
      call(`${name}.findOneAndUpdate`, () => {
        const change = updateOne(filter, update);
        const row = returnDocument === 'after' ? change?.after : change?.before;
        return row ? projected(row, projection) : null;
      }),
    bulkWrite: (operations: readonly BulkOperation[]) => bulkCall(`${name}.bulkWrite`, () => bulk(operations)),
    insertMany: (documents: readonly object[]) => bulkCall(`${name}.insertMany`, () => insertMany(documents)),
  };
}

function orderOf(a: Row, b: Row, sorted: readonly [string, unknown][]): number {
  for (const [path, direction] of sorted) {
    const order = compare(valueAt(a, path), valueAt(b, path));
    if (order !== 0) return order * Number(direction);
  }
  return 0;
}
