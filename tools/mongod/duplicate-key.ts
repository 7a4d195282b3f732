/** The E11000 error as MongoDB words it, with keyPattern and keyValue, rebuilt from what the engine says. */
import { EJSON, ObjectId } from 'bson';
import { type Doc, decode, encode, isDoc } from './bson.ts';
import { stringOf } from './bson-scan.ts';
import { bsonOf, LOOKUP, type Request, runStatement, type Storage } from './storage.ts';

export type DuplicateKey = { errmsg: string; keyPattern?: Doc; keyValue?: Doc };

/** Looks up index keys once for a command, however many of its statements fail. */
export type DuplicateKeys = {
  /**
   * @param message the engine's message.
   * @param statement the document inserted, or the update statement.
   */
  describe(message: string, statement: Buffer | undefined, constraint?: string): Promise<DuplicateKey>;
};

export function duplicateKeysOf(storage: Storage, request: Request): DuplicateKeys {
  const collection = stringOf(request.body, request.fields.get(request.name)) ?? '';
  const patterns = new Map<string, Promise<Doc | undefined>>();
  const patternOf = (index: string): Promise<Doc | undefined> => {
    const known = patterns.get(index) ?? findPattern(storage, request.database, collection, index);
    patterns.set(index, known);
    return known;
  };
  return {
    async describe(message, statement, constraint) {
      const index = await indexName(storage, message, constraint);
      const errmsg = `E11000 duplicate key error collection: ${request.database}.${collection}${index === undefined ? '' : ` index: ${index}`}`;
      const keyPattern = index === undefined ? undefined : await patternOf(index);
      if (keyPattern === undefined) return { errmsg };
      const valueAt =
        statement === undefined ? undefined : await resultOf(storage, request.database, collection, decode(statement));
      if (valueAt === undefined) return { errmsg, keyPattern };
      const keyValue = Object.fromEntries(Object.keys(keyPattern).map((key) => [key, valueAt(key) ?? null]));
      const shown = Object.entries(keyValue).map(([key, value]) => `${key}: ${show(value)}`);
      return { errmsg: `${errmsg} dup key: { ${shown.join(', ')} }`, keyPattern, keyValue };
    },
  };
}

async function indexName(storage: Storage, message: string, constraint = ''): Promise<string | undefined> {
  const named = /[Ii]ndex '([^']*)'/.exec(message)?.[1];
  if (named !== undefined) return named;
  if (constraint.startsWith('collection_pk_')) return '_id_';
  const id = /_rum_index_(\d+)$/.exec(constraint)?.[1];
  if (id === undefined) return undefined;
  const text = 'SELECT (index_spec).index_name FROM documentdb_api_catalog.collection_indexes WHERE index_id = $1';
  const [name] = await runStatement(storage, LOOKUP, 'index-name', text, [id]);
  return name ?? undefined;
}

function firstBatch(reply: Buffer | undefined): Doc[] {
  const cursor = reply === undefined ? undefined : decode(reply).cursor;
  const batch = isDoc(cursor) ? cursor.firstBatch : undefined;
  return Array.isArray(batch) ? batch.filter(isDoc) : [];
}

async function findPattern(
  storage: Storage,
  database: string,
  collection: string,
  index: string,
): Promise<Doc | undefined> {
  const spec = encode({ listIndexes: collection, cursor: { batchSize: 1000 } });
  const text = 'SELECT cursorpage FROM documentdb_api.list_indexes_cursor_first_page($1, $2)';
  const [page] = await runStatement(storage, LOOKUP, 'index-keys', text, [database, spec]);
  const key = firstBatch(bsonOf(page)).find((found) => found.name === index)?.key;
  return isDoc(key) ? key : undefined;
}

/** A function that gives the value which a path would have had after the write; undefined where that cannot be told. */
async function resultOf(
  storage: Storage,
  database: string,
  collection: string,
  statement: Doc,
): Promise<((path: string) => unknown) | undefined> {
  const update = statement.u ?? statement.update;
  const query = statement.q ?? statement.query;
  if (!isDoc(query)) return (path) => valueAt(statement, path);
  if (!isDoc(update)) return undefined; // A pipeline.
  const spec = encode({ find: collection, filter: query, limit: 1, singleBatch: true });
  const text = 'SELECT cursorpage FROM documentdb_api.find_cursor_first_page($1, $2)';
  const [page] = await runStatement(storage, LOOKUP, 'find-hit', text, [database, spec]);
  const [old] = firstBatch(bsonOf(page));
  const changed = changesOf(update, old);
  const wanted = Object.fromEntries(
    Object.entries(query).filter(([key, value]) => !key.startsWith('$') && !isOperators(value)),
  );
  return (path) => (path in changed ? changed[path] : (valueAt(changed, path) ?? wanted[path] ?? valueAt(old, path)));
}

function isOperators(value: unknown): boolean {
  return isDoc(value) && Object.keys(value)[0]?.startsWith('$') === true;
}

function changesOf(update: Doc, old: Doc | undefined): Doc {
  if (!isOperators(update)) return update;
  const part = (name: string): Doc => {
    const value = update[name];
    return isDoc(value) ? value : {};
  };
  const added = Object.entries(part('$inc')).map(([path, by]): [string, unknown] => [
    path,
    Number(valueAt(old, path) ?? 0) + Number(by),
  ]);
  return { ...(old === undefined ? part('$setOnInsert') : {}), ...part('$set'), ...Object.fromEntries(added) };
}

/** The value at a dotted path; of an array, the first element that has one. */
function valueAt(value: unknown, path: string): unknown {
  let current = value;
  for (const key of path.split('.')) {
    if (Array.isArray(current)) {
      current = /^\d+$/.test(key)
        ? current[Number(key)]
        : current.map((item) => (isDoc(item) ? item[key] : undefined)).find((item) => item !== undefined);
    } else current = isDoc(current) ? current[key] : undefined;
  }
  return current;
}

function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (value instanceof ObjectId) return `ObjectId('${value.toHexString()}')`;
  if (value instanceof Date) return `new Date(${value.getTime()})`;
  if (typeof value === 'object' && value !== null) return EJSON.stringify(value);
  return String(value);
}
