/** Transactions: one connection belongs to a session from its first statement to commit or abort. */
import { isTrue } from './bson-scan.ts';
import { isLost, RETRYABLE, StorageError, TRANSIENT, UNKNOWN_COMMIT, WireError } from './errors.ts';
import type { Connection } from './pool.ts';
import {
  LOOKUP,
  type Request,
  runStatement,
  type Storage,
  type Transaction,
  takeTransactionConnection,
} from './storage.ts';

export type Transactions = {
  /** The transaction that a command belongs to; opens it when the command says so. */
  enter(request: Request, session: string, number: bigint): Promise<Transaction>;
  commit(transaction: Transaction): Promise<void>;
  abort(transaction: Transaction): Promise<void>;
  /** Aborts what the session left open. */
  endSession(session: string): Promise<void>;
  /** Aborts transactions that were not used for a minute, and forgets old ones. */
  sweep(): void;
};

const LOCK_WAIT_MS = 40; // A blocked statement is a write conflict after this; less than postgres waits to look for deadlocks.
const LIFE_MS = 60_000;
const MEMORY_MS = 30 * 60_000;
const SETTLE_MS = 15_000;

function gone(message: string): WireError {
  return new WireError(251, 'NoSuchTransaction', message, { labels: [TRANSIENT] });
}

function commitRecord(session: string, number: bigint): string {
  return `commit:${session}:${number}`;
}

export function createTransactions(storage: Storage): Transactions {
  const bySession = new Map<string, Transaction>();

  async function open(session: string, number: bigint): Promise<Transaction> {
    const connection = await takeTransactionConnection(storage);
    try {
      const begin = `BEGIN ISOLATION LEVEL REPEATABLE READ; SET LOCAL lock_timeout = '${LOCK_WAIT_MS}ms'; SELECT pg_current_xact_id()`;
      const [row] = await connection.execute(begin);
      return { session, number, connection, state: 'open', usedAtMs: Date.now(), xid: row?.[0] ?? '' };
    } catch (error) {
      storage.transactions.give(connection, true);
      throw error;
    }
  }

  async function abort(transaction: Transaction): Promise<void> {
    const { connection } = transaction;
    if (connection === undefined) return;
    transaction.connection = undefined;
    transaction.state = 'aborted';
    try {
      await connection.execute('ROLLBACK');
      storage.transactions.give(connection);
    } catch {
      storage.transactions.give(connection, true); // A closed connection rolls back as well.
    }
  }

  async function commitOpen(transaction: Transaction, connection: Connection): Promise<void> {
    transaction.connection = undefined;
    transaction.state = 'unknown';
    const id = commitRecord(transaction.session, transaction.number);
    try {
      // The record is part of the transaction: a commit that is asked for again, even after a restart, finds out how it ended.
      await connection.execute(`INSERT INTO gateway.retries (id, succeeded) VALUES ('${id}', 't'); COMMIT`);
      transaction.state = 'committed';
      storage.transactions.give(connection);
    } catch (error) {
      storage.transactions.give(connection, true);
      if (isLost(error)) throw error;
      transaction.state = 'aborted';
      if (error instanceof StorageError && error.state === '25P02') throw gone('The transaction has been aborted.');
      throw error;
    }
  }

  /** Finds out how a commit ended whose connection broke. */
  async function settle(transaction: Transaction): Promise<void> {
    const deadline = Date.now() + SETTLE_MS;
    for (;;) {
      const [status] = await runStatement(storage, LOOKUP, 'xact-status', 'SELECT pg_xact_status($1::xid8)', [
        transaction.xid,
      ]);
      if (status === 'committed') transaction.state = 'committed';
      else if (status !== 'in progress') transaction.state = 'aborted';
      if (transaction.state !== 'unknown') return;
      if (Date.now() > deadline)
        throw new WireError(50, 'MaxTimeMSExpired', 'the commit is still running', {
          labels: [RETRYABLE, UNKNOWN_COMMIT],
        });
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** A commit from before this gateway started. */
  async function forgottenCommit(session: string, number: bigint): Promise<Transaction | undefined> {
    const id = commitRecord(session, number);
    const [found] = await runStatement(
      storage,
      LOOKUP,
      'commit-record',
      'SELECT 1 FROM gateway.retries WHERE id = $1',
      [id],
    );
    if (found === undefined) return undefined;
    return { session, number, connection: undefined, state: 'committed', usedAtMs: Date.now(), xid: '' };
  }

  return {
    async enter(request, session, number) {
      const known = bySession.get(session);
      if (isTrue(request.body, request.fields.get('startTransaction'))) {
        if (known !== undefined) await abort(known);
        const started = await open(session, number);
        bySession.set(session, started);
        return started;
      }
      const current = known?.number === number ? known : undefined;
      const found =
        current ?? (request.name === 'commitTransaction' ? await forgottenCommit(session, number) : undefined);
      if (found === undefined)
        throw gone(`Given transaction number ${number} does not match any in-progress transactions.`);
      const isEnd = request.name === 'commitTransaction' || request.name === 'abortTransaction';
      if (found.connection === undefined && !isEnd) throw gone(`Transaction ${number} has been ${found.state}.`);
      found.usedAtMs = Date.now();
      return found;
    },
    async commit(transaction) {
      if (transaction.connection !== undefined) await commitOpen(transaction, transaction.connection);
      if (transaction.state === 'unknown') await settle(transaction);
      if (transaction.state !== 'committed') throw gone('The transaction has been aborted.');
    },
    abort,
    async endSession(session) {
      const transaction = bySession.get(session);
      if (transaction === undefined) return;
      bySession.delete(session);
      await abort(transaction);
    },
    sweep() {
      const now = Date.now();
      for (const [session, transaction] of bySession) {
        const idleMs = now - transaction.usedAtMs;
        if (transaction.connection !== undefined && idleMs > LIFE_MS) void abort(transaction);
        else if (idleMs > MEMORY_MS) bySession.delete(session);
      }
    },
  };
}
