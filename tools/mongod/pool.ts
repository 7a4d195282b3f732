/** Connections to postgres: opened when needed, kept, bounded in number and in waiting time. */
import pg from 'pg';
import { StorageError } from './errors.ts';
import { type Address, clientSettings } from './postgres.ts';

/** A column as PostgreSQL's text form gives it. */
export type Cell = string | null;
export type Row = readonly Cell[];
export type Parameter = string | number | boolean | Buffer | null | readonly string[];

const CONNECT_WAIT_MS = 15_000; // Longer than postgres needs to recover from a crash.
const CONNECT_PAUSE_MS = 50;
const WAITERS_MAX = 20_000;
const SESSION = [
  'documentdb.useFileBasedPersistedCursors=on', // No connection is tied to a cursor.
  'documentdb.defaultCursorExpiryTimeLimitSeconds=600',
  'documentdb_core.enableCollation=on',
  'client_min_messages=error',
  'enable_sort=off', // Keeps the order of $sort in a following $group with $push.
];
const AS_TEXT = {
  getTypeParser:
    () =>
    (value: string): string =>
      value,
};

export type Connection = {
  /** Runs one statement, prepared once under `name` (which must be unique for its text). Gives the first row. */
  query(name: string, text: string, values: readonly Parameter[]): Promise<Row | undefined>;
  /** Runs statements without parameters; gives the rows of the last one. */
  execute(sql: string): Promise<Row[]>;
  isBroken(): boolean;
  close(): void;
};

function asStorageError(error: unknown): StorageError {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof pg.DatabaseError) {
    // Nobody cancels statements here: this is a lock timeout whose reason PostgreSQL lost while the engine handled another error.
    const isLockTimeout = error.code === '57014' && message.includes('user request');
    return new StorageError(message, isLockTimeout ? '55P03' : (error.code ?? 'XX000'), error.constraint);
  }
  return new StorageError(message, '08000');
}

/** Opens one connection, waiting while postgres starts or recovers. */
async function connect(address: Address, settings: readonly string[]): Promise<Connection> {
  const deadline = Date.now() + CONNECT_WAIT_MS;
  for (;;) {
    const options = [...SESSION, ...settings].map((setting) => `-c ${setting}`).join(' ');
    const client = new pg.Client({ ...clientSettings(address), options });
    let broken = false;
    client.on('error', () => {
      broken = true;
    });
    client.on('end', () => {
      broken = true;
    });
    try {
      await client.connect();
      return connectionOf(client, () => broken);
    } catch (error) {
      if (Date.now() > deadline) throw asStorageError(error);
      await new Promise((resolve) => setTimeout(resolve, CONNECT_PAUSE_MS));
    }
  }
}

function connectionOf(client: pg.Client, isBroken: () => boolean): Connection {
  return {
    query: async (name, text, values) => {
      try {
        const query = { name, text, values: [...values], rowMode: 'array' as const, types: AS_TEXT };
        const result = await client.query<Cell[]>(query);
        return result.rows[0];
      } catch (error) {
        throw asStorageError(error);
      }
    },
    execute: async (sql) => {
      try {
        const results: unknown = await client.query({ text: sql, rowMode: 'array', types: AS_TEXT });
        const last: unknown = Array.isArray(results) ? results.at(-1) : results;
        return (last as pg.QueryArrayResult<Cell[]>).rows;
      } catch (error) {
        throw asStorageError(error);
      }
    },
    isBroken,
    close: () => {
      client.end().catch(() => undefined);
    },
  };
}

export type Pool = {
  /** Takes a connection; rejects with what `onBusy` gives when none is free within `patienceMs`. */
  take(patienceMs: number, onBusy: () => Error): Promise<Connection>;
  /** Gives it back; a broken one is thrown away. */
  give(connection: Connection, isBad?: boolean): void;
  close(): void;
};

type Waiter = { resolve(connection: Connection): void; reject(error: unknown): void; timer: NodeJS.Timeout };

export function createPool(address: Address, connectionsMax: number, settings: readonly string[]): Pool {
  const idle: Connection[] = [];
  const waiters = new Set<Waiter>();
  let open = 0;
  let closed = false;

  async function connectNew(): Promise<Connection> {
    open++;
    try {
      return await connect(address, settings);
    } catch (error) {
      open--;
      throw error;
    }
  }

  function nextWaiter(): Waiter | undefined {
    const [waiter] = waiters;
    if (waiter === undefined) return undefined;
    waiters.delete(waiter);
    clearTimeout(waiter.timer);
    return waiter;
  }

  return {
    async take(patienceMs, onBusy) {
      for (let connection = idle.pop(); connection !== undefined; connection = idle.pop()) {
        if (!connection.isBroken()) return connection;
        open--;
      }
      if (open < connectionsMax) return await connectNew();
      if (waiters.size >= WAITERS_MAX) throw onBusy();
      return await new Promise<Connection>((resolve, reject) => {
        const timer = setTimeout(() => {
          waiters.delete(waiter);
          reject(onBusy());
        }, patienceMs);
        const waiter: Waiter = { resolve, reject, timer };
        waiters.add(waiter);
      });
    },
    give(connection, isBad = false) {
      if (!isBad && !connection.isBroken() && !closed) {
        const waiter = nextWaiter();
        if (waiter === undefined) idle.push(connection);
        else waiter.resolve(connection);
        return;
      }
      open--;
      connection.close();
      const waiter = closed ? undefined : nextWaiter();
      if (waiter === undefined) return;
      connectNew().then(
        (fresh) => waiter.resolve(fresh),
        (error: unknown) => waiter.reject(error),
      );
    },
    close() {
      closed = true;
      for (const connection of idle.splice(0)) connection.close();
    },
  };
}
