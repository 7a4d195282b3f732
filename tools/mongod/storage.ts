/** A command, the connections it may use, and how a statement reaches postgres. */
import type { Fields } from './bson-scan.ts';
import { isConflict, isLost, RETRYABLE, StorageError, TRANSIENT, WireError } from './errors.ts';
import { type Connection, createPool, type Parameter, type Pool, type Row } from './pool.ts';
import type { Address } from './postgres.ts';

export type Transaction = {
  session: string;
  number: bigint;
  /** Undefined once it has ended. */
  connection: Connection | undefined;
  state: 'open' | 'committed' | 'aborted' | 'unknown';
  usedAtMs: number;
  /** PostgreSQL's own number, which tells how it ended when the connection broke during the commit. */
  xid: string;
};

export type Request = {
  name: string;
  database: string;
  /** The command as it came. */
  body: Buffer;
  /** The top-level fields of `body`. */
  fields: Fields;
  sequences: ReadonlyMap<string, Buffer>;
  peer: string;
  transaction: Transaction | undefined;
  /** Names a retryable write: session and number. */
  retryKey: string | undefined;
  /** Changes nothing, so that it may be sent again and uses the readers' connections. */
  isRead: boolean;
};

/** The part of a request that decides how its statements run. */
export type Scope = Pick<Request, 'transaction' | 'retryKey' | 'isRead'>;

/** For the gateway's own lookups. */
export const LOOKUP: Scope = { transaction: undefined, retryKey: undefined, isRead: true };

export type Storage = {
  /** Readers have their own connections, so that writers waiting for a row never stop them. */
  reads: Pool;
  writes: Pool;
  transactions: Pool;
};

const PATIENCE_MS = 30_000;
const TRANSACTION_PATIENCE_MS = 150;
const CONFLICT_TRIES = 50;
const LOST_TRIES = 3;
const STALE_PLAN_TRIES = 3;

/** Opens the pools; connections are made when first needed. `settings` are PostgreSQL session settings as `name=value`. */
export function openStorage(address: Address, settings: readonly string[]): Storage {
  return {
    reads: createPool(address, 12, settings),
    writes: createPool(address, 20, settings),
    transactions: createPool(address, 64, settings),
  };
}

export function closeStorage(storage: Storage): void {
  storage.reads.close();
  storage.writes.close();
  storage.transactions.close();
}

/** Takes a connection for something outside a transaction. */
export function takeConnection(pool: Pool): Promise<Connection> {
  return pool.take(
    PATIENCE_MS,
    () => new WireError(262, 'ExceededTimeLimit', 'no free connection', { labels: [RETRYABLE] }),
  );
}

/**
 * Takes a connection for a transaction. It does not wait long: clients that hold open transactions may be waiting for connections
 * themselves, and the driver tries a transient error again.
 */
export function takeTransactionConnection(storage: Storage): Promise<Connection> {
  const busy = (): WireError =>
    new WireError(112, 'WriteConflict', 'too many open transactions, try again', { labels: [TRANSIENT] });
  return storage.transactions.take(TRANSACTION_PATIENCE_MS, busy);
}

/** A growing pause before the next try; none for the first few. */
export async function pauseBefore(tries: number): Promise<void> {
  if (tries < 4) return;
  await new Promise((resolve) => setTimeout(resolve, Math.random() * Math.min(tries * 4, 100)));
}

/** Whether a statement that failed may be sent again. */
export function mayTryAgain(error: unknown, scope: Scope, tries: number): boolean {
  if (isConflict(error)) return tries < CONFLICT_TRIES; // MongoDB, too, hides conflicts outside of transactions.
  if (isLost(error)) return (scope.isRead || scope.retryKey !== undefined) && tries < LOST_TRIES;
  const isStalePlan = error instanceof StorageError && error.message.includes('cached plan');
  return isStalePlan && tries < STALE_PLAN_TRIES;
}

/** Runs one statement: inside the request's transaction, or by itself and then again after conflicts and lost connections. */
export async function runStatement(
  storage: Storage,
  scope: Scope,
  name: string,
  text: string,
  values: readonly Parameter[],
): Promise<Row> {
  const open = scope.transaction?.connection;
  if (open !== undefined) return (await open.query(name, text, values)) ?? [];
  const pool = scope.isRead ? storage.reads : storage.writes;
  for (let tries = 0; ; tries++) {
    await pauseBefore(tries);
    const connection = await takeConnection(pool);
    try {
      const row = await connection.query(name, text, values);
      pool.give(connection);
      return row ?? [];
    } catch (error) {
      pool.give(connection, isLost(error));
      if (!mayTryAgain(error, scope, tries)) throw error;
    }
  }
}

/** A document from PostgreSQL's text form, `BSONHEX...`. */
export function bsonOf(cell: string | null | undefined): Buffer | undefined {
  return cell === null || cell === undefined ? undefined : Buffer.from(cell.slice(7), 'hex');
}

/** The document that a statement must give. */
export function bsonReply(cell: string | null | undefined): Buffer {
  const bytes = bsonOf(cell);
  if (bytes === undefined) throw new WireError(1, 'InternalError', 'the engine gave no reply');
  return bytes;
}
