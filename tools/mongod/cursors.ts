/** Cursors: the engine keeps the state in files and gives a continuation, which is kept here between two pages. */
import { bigintOf } from './bson-scan.ts';
import { WireError } from './errors.ts';
import { bsonOf, bsonReply, LOOKUP, type Request, runStatement, type Storage } from './storage.ts';

type Cursor = { database: string; continuation: Buffer; usedAtMs: number };
export type FirstPage = 'find' | 'aggregate' | 'list_indexes' | 'list_collections';

export type Cursors = {
  /** Runs the query in `spec` and gives the whole reply. */
  firstPage(request: Request, kind: FirstPage, spec: Buffer): Promise<Buffer>;
  nextPage(request: Request): Promise<Buffer>;
  /** Whether there was such a cursor. */
  kill(id: string): boolean;
  /** Drops cursors that were not used for ten minutes. */
  sweep(): void;
};

const LIFE_MS = 10 * 60_000;
const CURSORS_MAX = 10_000;

export function createCursors(storage: Storage): Cursors {
  const open = new Map<string, Cursor>();

  function kill(id: string): boolean {
    if (!open.delete(id)) return false;
    const text = 'SELECT documentdb_api_internal.delete_cursors($1)';
    runStatement(storage, { ...LOOKUP, isRead: false }, 'delete-cursors', text, [[id]]).catch(() => undefined);
    return true;
  }

  return {
    async firstPage(request, kind, spec) {
      const text = `SELECT cursorpage, continuation, cursorid FROM documentdb_api.${kind}_cursor_first_page($1, $2)`;
      const [page, continuation, id] = await runStatement(storage, request, kind, text, [request.database, spec]);
      const rest = bsonOf(continuation);
      if (rest !== undefined && typeof id === 'string') {
        const [oldest] = open.keys();
        if (open.size >= CURSORS_MAX && oldest !== undefined) kill(oldest);
        open.set(id, { database: request.database, continuation: rest, usedAtMs: Date.now() });
      }
      return bsonReply(page);
    },
    async nextPage(request) {
      const id = String(bigintOf(request.body, request.fields.get('getMore')));
      const cursor = open.get(id);
      if (cursor === undefined) throw new WireError(43, 'CursorNotFound', `cursor id ${id} not found`);
      const text = 'SELECT cursorpage, continuation FROM documentdb_api.cursor_get_more($1, $2, $3)';
      const values = [cursor.database, request.body, cursor.continuation];
      const [page, continuation] = await runStatement(storage, request, 'get-more', text, values);
      const rest = bsonOf(continuation);
      if (rest === undefined) open.delete(id);
      else {
        cursor.continuation = rest;
        cursor.usedAtMs = Date.now();
      }
      return bsonReply(page);
    },
    kill,
    sweep() {
      const now = Date.now();
      for (const [id, cursor] of open) if (now - cursor.usedAtMs > LIFE_MS) kill(id);
    },
  };
}
