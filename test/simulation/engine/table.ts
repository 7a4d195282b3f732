import { type Filter, matches } from './filter.ts';
import { refusalOf } from './schema.ts';
import { inserted, type Update, updated } from './update.ts';
import { frozen, isRow, type Row } from './values.ts';

/** One collection: rows by `_id`, unique indexes, the product's own validator. Every call is atomic. */

export type Change = { before: Row | undefined; after: Row };
export type UniqueIndex = { fields: readonly string[]; onlyWith?: string };
export type TableOptions = {
  validator?: Readonly<Record<string, unknown>>;
  unique?: readonly UniqueIndex[];
  /** Told of every row that changed, at once. */
  onChange?: (change: Change) => void;
};

export class DuplicateKey extends Error {
  override readonly name = 'DuplicateKey';
}
/** The server's own validator had to step in: the code let something through. */
export class Refused extends Error {
  override readonly name = 'Refused';
}

export type Table = ReturnType<typeof createTable>;

export function createTable(options: TableOptions = {}) {
  const rows = new Map<string, Row>();
  const unique = (options.unique ?? []).map((index) => ({ ...index, taken: new Map<string, string>() }));

  const keyOf = (row: Row, { fields, onlyWith }: UniqueIndex) =>
    onlyWith !== undefined && row[onlyWith] === undefined
      ? undefined
      : fields.map((field) => String(row[field])).join('\u0000');

  function store(before: Row | undefined, after: Row): void {
    const id = String(after._id);
    const refusal = options.validator && refusalOf(after, options.validator);
    if (refusal) throw new Refused(refusal);
    for (const index of unique) {
      const key = keyOf(after, index);
      if (key !== undefined && (index.taken.get(key) ?? id) !== id) throw new DuplicateKey(index.fields.join());
    }
    for (const index of unique) {
      const left = before && keyOf(before, index);
      const key = keyOf(after, index);
      if (left !== undefined && left !== key) index.taken.delete(left);
      if (key !== undefined) index.taken.set(key, id);
    }
    rows.set(id, after);
    options.onChange?.({ before, after });
  }

  /** Narrowed by `_id` where the filter names it, in order of insertion. */
  function candidates(filter: Filter): Iterable<Row> {
    const id = filter._id;
    if (typeof id === 'string') return present([id]);
    if (isRow(id) && Array.isArray(id.$in)) return present(id.$in as string[]);
    return rows.values();
  }

  const present = (ids: readonly string[]): Row[] =>
    ids.flatMap((id): Row[] => [rows.get(id)].filter((row) => row !== undefined));

  function find(filter: Filter): Row[] {
    const found: Row[] = [];
    for (const row of candidates(filter)) if (matches(row, filter)) found.push(row);
    return found;
  }

  function first(filter: Filter): Row | undefined {
    for (const row of candidates(filter)) if (matches(row, filter)) return row;
    return undefined;
  }

  function apply(before: Row, update: Update, now: Date): Row {
    const after = updated(before, update, now);
    if (after !== before) store(before, after);
    return after;
  }

  return {
    rows,
    find,
    get: (id: string) => rows.get(id),
    insert(document: object): void {
      const row = frozen(document) as Row;
      if (rows.has(String(row._id))) throw new DuplicateKey('_id');
      store(undefined, row);
    },
    /** The first match after the update; undefined when nothing matched. */
    updateOne(filter: Filter, update: Update, now: Date): Change | undefined {
      const before = first(filter);
      return before && { before, after: apply(before, update, now) };
    },
    upsert(filter: Filter, update: Update, now: Date): Row {
      const row = inserted(filter, update, now);
      store(undefined, row);
      return row;
    },
    updateMany(filter: Filter, update: Update, now: Date): number {
      const found = find(filter);
      for (const row of found) apply(row, update, now);
      return found.length;
    },
  };
}
