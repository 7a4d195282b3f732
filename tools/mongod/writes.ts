/** insert, update and delete: one statement or many, each acknowledged write applied exactly once. */

import { type Doc, decode, encode, isDoc } from './bson.ts';
import { bytesOf, type Field, isTrue, scan, splitDocuments, stringOf } from './bson-scan.ts';
import { duplicateKeysOf } from './duplicate-key.ts';
import type { Engine } from './engine.ts';
import {
  codeOfState,
  DUPLICATE_KEY,
  isConflictState,
  isLost,
  StorageError,
  stateOfPackedCode,
  WRITE_CONFLICT,
} from './errors.ts';
import type { Connection, Parameter } from './pool.ts';
import { NEEDS_LONG_WAY, RETRIES_KEY } from './schema.ts';
import { bsonReply, mayTryAgain, pauseBefore, type Request, runStatement, takeConnection } from './storage.ts';

export type WriteKind = 'insert' | 'update' | 'delete';

/** The engine's answer: the whole reply, and whether every statement succeeded. */
type Outcome = { reply: Buffer; succeeded: boolean };
type WriteError = Doc & { index: number; code: number; errmsg: string };

const LIST_NAMES = { insert: 'documents', update: 'updates', delete: 'deletes' } as const;
const CONFLICT_TRIES = 50;
const UPSERT_TRIES = 20;

/** Runs the command; plain writes to one document take turns, and so do inserts of many into one collection. */
export function write(engine: Engine, request: Request, kind: WriteKind): Promise<Buffer> {
  const keys = request.transaction === undefined ? lanesOf(request, kind) : [];
  const work = (): Promise<Buffer> => writeNow(engine, request, kind);
  return keys.length === 0 ? work() : engine.lanes.run(keys, work);
}

function lanesOf(request: Request, kind: WriteKind): string[] {
  if (kind !== 'insert') return laneKeys(request, kind);
  // One transaction each: those that name the same values of a unique index would wait for each other in a circle.
  return hasMany(request, kind) ? [collectionOf(request)] : [];
}

function collectionOf(request: Request): string {
  return `${request.database}\0${stringOf(request.body, request.fields.get(request.name))}`;
}

/** Names the documents that the statements aim at, as far as their filters tell. */
function laneKeys(request: Request, kind: 'update' | 'delete'): string[] {
  const keys: string[] = [];
  for (const statement of statementsOf(request, kind)) {
    const fields = scan(statement);
    const query = fields.get('q');
    const isSingle =
      kind === 'update' ? !isTrue(statement, fields.get('multi')) : isTrue(statement, fields.get('limit'));
    if (query !== undefined && isSingle) keys.push(laneKey(request, statement, query));
  }
  return keys;
}

/** The lane of a filter: by its _id when it has one, else by all of it. */
export function laneKey(request: Request, bytes: Buffer, query: Field): string {
  const id = scan(bytes, query.start).get('_id');
  const aim = id === undefined ? bytesOf(bytes, query) : bytesOf(bytes, id);
  return `${collectionOf(request)}\0${id?.type ?? 0}\0${aim.toString('latin1')}`;
}

function statementsOf(request: Request, kind: WriteKind): Buffer[] {
  const name = LIST_NAMES[kind];
  const sequence = request.sequences.get(name);
  if (sequence !== undefined) return splitDocuments(sequence);
  const field = request.fields.get(name);
  if (field === undefined) return [];
  const array = bytesOf(request.body, field);
  return [...scan(array).values()].map((item) => bytesOf(array, item));
}

function hasMany(request: Request, kind: WriteKind): boolean {
  const sequence = request.sequences.get(LIST_NAMES[kind]);
  if (sequence === undefined) return statementsOf(request, kind).length > 1;
  return sequence.length >= 4 && sequence.readInt32LE(0) < sequence.length;
}

async function writeNow(engine: Engine, request: Request, kind: WriteKind): Promise<Buffer> {
  for (let tries = 0; ; tries++) {
    const outcome = await runWrite(engine, request, kind);
    if (outcome.succeeded) return outcome.reply;
    const reply = await describeErrors(engine, request, kind, outcome.reply, tries < UPSERT_TRIES);
    if (reply !== undefined) return reply;
  }
}

/** Runs the statements until they went through without a conflict. */
function runWrite(engine: Engine, request: Request, kind: WriteKind): Promise<Outcome> {
  const isMany = hasMany(request, kind);
  if (isMany && request.transaction === undefined) return runMany(engine, request, kind);
  const text = `SELECT p_result, p_success FROM documentdb_api.${kind}($1, $2, $3, $4)`;
  const key = isMany ? null : (request.retryKey ?? null); // The engine's own retry records cover a single statement only.
  return runOne(engine, request, kind, text, [...parameters(request, kind), key]);
}

function parameters(request: Request, kind: WriteKind): Parameter[] {
  return [request.database, request.body, request.sequences.get(LIST_NAMES[kind]) ?? null];
}

async function runOne(
  engine: Engine,
  request: Request,
  kind: WriteKind,
  text: string,
  values: Parameter[],
): Promise<Outcome> {
  for (let tries = 0; ; tries++) {
    await pauseBefore(tries);
    const [reply, succeeded] = await runStatement(engine.storage, request, kind, text, values);
    const outcome = { reply: bsonReply(reply), succeeded: succeeded === 't' };
    if (request.transaction !== undefined || tries >= CONFLICT_TRIES || !hasConflict(outcome)) return outcome;
  }
}

/**
 * Several statements run in one database transaction, in which the whole reply is recorded as well: sent again, the command is
 * answered from the record and not applied twice. Plain success, by far the most common, takes one call of a database function;
 * everything else is undone by that function and goes the long way, where the reply is looked at before the commit.
 */
async function runMany(engine: Engine, request: Request, kind: WriteKind): Promise<Outcome> {
  const text = `SELECT answer FROM gateway.${kind}_once($1, $2, $3, $4)`;
  const values = [...parameters(request, kind), request.retryKey ?? null];
  try {
    const [answer] = await runStatement(engine.storage, request, `${kind}-once`, text, values);
    return { reply: bsonReply(answer), succeeded: true };
  } catch (error) {
    const isUndone =
      error instanceof StorageError && (error.state === NEEDS_LONG_WAY || error.constraint === RETRIES_KEY);
    if (!isUndone) throw error;
    return await runManyLongWay(engine, request, kind);
  }
}

async function runManyLongWay(engine: Engine, request: Request, kind: WriteKind): Promise<Outcome> {
  const pool = engine.storage.writes;
  for (let tries = 0; ; tries++) {
    await pauseBefore(tries);
    const connection = await takeConnection(pool);
    let isBad = false;
    try {
      const outcome = await attemptMany(connection, request, kind, tries);
      if (outcome !== undefined) return outcome;
    } catch (error) {
      isBad = isLost(error) || !(await rollback(connection));
      if (!mayTryAgain(error, request, tries)) throw error;
    } finally {
      pool.give(connection, isBad);
    }
  }
}

/** One attempt; undefined when it was rolled back and should be made again. */
async function attemptMany(
  connection: Connection,
  request: Request,
  kind: WriteKind,
  tries: number,
): Promise<Outcome | undefined> {
  await connection.execute('BEGIN');
  const text = `SELECT p_result, p_success FROM documentdb_api.${kind}($1, $2, $3, NULL)`;
  const [reply, succeeded] = (await connection.query(`${kind}-many`, text, parameters(request, kind))) ?? [];
  const outcome = { reply: bsonReply(reply), succeeded: succeeded === 't' };
  const again =
    !outcome.succeeded &&
    ((tries < CONFLICT_TRIES && hasConflict(outcome)) || (tries < 3 && hasRacedUpsert(request, kind, outcome)));
  if (again) {
    await connection.execute('ROLLBACK');
    return undefined;
  }
  if (request.retryKey !== undefined) {
    const insert =
      'INSERT INTO gateway.retries (id, reply, succeeded) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING id';
    const inserted = await connection.query('retry-insert', insert, [
      request.retryKey,
      reply ?? null,
      succeeded ?? null,
    ]);
    if (inserted === undefined) {
      await connection.execute('ROLLBACK');
      const select = 'SELECT reply, succeeded FROM gateway.retries WHERE id = $1';
      const [earlier, earlierSucceeded] = (await connection.query('retry-select', select, [request.retryKey])) ?? [];
      return { reply: bsonReply(earlier), succeeded: earlierSucceeded === 't' };
    }
  }
  await connection.execute('COMMIT');
  return outcome;
}

async function rollback(connection: Connection): Promise<boolean> {
  try {
    await connection.execute('ROLLBACK');
    return true;
  } catch {
    return false;
  }
}

function writeErrorsOf(reply: Doc): WriteError[] {
  const found = reply.writeErrors;
  return Array.isArray(found) ? (found.filter(isDoc) as WriteError[]) : [];
}

function hasConflict(outcome: Outcome): boolean {
  if (outcome.succeeded) return false;
  return writeErrorsOf(decode(outcome.reply)).some((error) => isConflictState(stateOfPackedCode(error.code)));
}

/** Two upserts of one key can meet: one of them inserts, and the other should find that document when it tries again. */
function hasRacedUpsert(request: Request, kind: WriteKind, outcome: Outcome): boolean {
  if (kind !== 'update') return false;
  const statements = statementsOf(request, kind);
  return writeErrorsOf(decode(outcome.reply)).some((error) => {
    const statement = statements[error.index];
    return (
      statement !== undefined &&
      codeOf(error, false) === DUPLICATE_KEY &&
      isTrue(statement, scan(statement).get('upsert'))
    );
  });
}

function codeOf(error: WriteError, inTransaction: boolean): number {
  return codeOfState(stateOfPackedCode(error.code), inTransaction)[0];
}

/**
 * Puts MongoDB's codes and texts into a reply with writeErrors. Gives undefined when the write should be made again: a single upsert
 * that raced, where `mayRetryUpsert` allows it.
 * @throws StorageError for a conflict, so that it ends the transaction as MongoDB does.
 */
async function describeErrors(
  engine: Engine,
  request: Request,
  kind: WriteKind,
  raw: Buffer,
  mayRetryUpsert: boolean,
): Promise<Buffer | undefined> {
  const inTransaction = request.transaction !== undefined;
  const reply = decode(raw);
  const errors = writeErrorsOf(reply);
  const statements = statementsOf(request, kind);
  const duplicates = duplicateKeysOf(engine.storage, request);
  for (const error of errors) {
    const state = stateOfPackedCode(error.code);
    error.code = codeOfState(state, inTransaction)[0];
    if (error.code === WRITE_CONFLICT) throw new StorageError(error.errmsg, state);
    if (error.code !== DUPLICATE_KEY) continue;
    const statement = statements[error.index];
    const described = await duplicates.describe(error.errmsg, statement);
    const isOnlyUpsert =
      !inTransaction &&
      kind === 'update' &&
      statements.length === 1 &&
      statement !== undefined &&
      isTrue(statement, scan(statement).get('upsert'));
    if (mayRetryUpsert && isOnlyUpsert && isPinned(described.keyPattern, decode(statement).q)) return undefined;
    Object.assign(error, described);
  }
  if (request.transaction !== undefined && errors.length > 0) await engine.transactions.abort(request.transaction);
  return encode(reply);
}

/** Whether the filter names every field of the unique key, so that trying again will find the other upsert's document. */
export function isPinned(keyPattern: Doc | undefined, query: unknown): boolean {
  return keyPattern !== undefined && isDoc(query) && Object.keys(keyPattern).every((key) => key in query);
}
