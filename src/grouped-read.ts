import type { Collection, Document, FindOptions, WithId } from 'mongodb';
import { createGroupCommit } from './group-commit.ts';

type Row = Document & { _id: string };

/**
 * Reads rows by identifier, those that are asked for at about the same time with one command. Each call sees the row as
 * it is after the call began, or `null` when there is none.
 * @param itemsMax rows of one command; bounds the reply, so small for large rows.
 */
export function createGroupedRead<T extends Row>(
  collection: () => Collection<T>,
  options: FindOptions,
  itemsMax: number,
): (id: string) => Promise<WithId<T> | null> {
  const reads = createGroupCommit<string, WithId<T> | null>({
    flush: async (ids) => {
      const filter = { _id: { $in: [...new Set(ids)] } } as Parameters<Collection<T>['find']>[0];
      const found = await collection().find(filter, options).toArray();
      const rows = new Map(found.map((row) => [row._id as string, row]));
      return ids.map((id) => rows.get(id) ?? null);
    },
    itemsMax,
    flightsMax: 2,
  });
  return (id) => reads.submit(id);
}
