/** The table of commands. What is not here is refused, and what the engine cannot do it refuses itself. */
import { Binary, Long, MinKey } from 'bson';
import { type Doc, decode, decodeExact, encode, isDoc } from './bson.ts';
import { bytesOf, isTrue, numberOf, stringOf } from './bson-scan.ts';
import type { Engine } from './engine.ts';
import { DUPLICATE_KEY, StorageError, WireError } from './errors.ts';
import { explain } from './explain.ts';
import { findAndModify } from './find-and-modify.ts';
import type { Parameter } from './pool.ts';
import { buildInfo, hostInfo, serverStatus, startSession } from './server-info.ts';
import { bsonReply, type Request, runStatement } from './storage.ts';
import { write } from './writes.ts';

export type Handler = (engine: Engine, request: Request, server: ServerControl) => Buffer | Promise<Buffer>;
export type ServerControl = { connections(): number; shutdown(): void };

const OK = encode({ ok: 1 });

/** Commands that change nothing. */
const READS = new Set([
  'find',
  'aggregate',
  'count',
  'distinct',
  'listIndexes',
  'listCollections',
  'getMore',
  'collStats',
  'dbStats',
  'listDatabases',
]);

export function isReadCommand(request: { name: string; body: Buffer }): boolean {
  // $out and $merge write.
  const writes = request.name === 'aggregate' && (request.body.includes('$out') || request.body.includes('$merge'));
  return READS.has(request.name) && !writes;
}

/** A command that is one call of an engine function. */
function call(name: string, text: string, parameters: (request: Request) => Parameter[]): Handler {
  return async (engine, request) => {
    const [reply] = await runStatement(engine.storage, request, name, text, parameters(request));
    return bsonReply(reply);
  };
}

function target(request: Request): string {
  return stringOf(request.body, request.fields.get(request.name)) ?? '';
}

function scale(request: Request): number {
  return numberOf(request.body, request.fields.get('scale')) ?? 1;
}

const whole = (request: Request): Parameter[] => [request.database, request.body];

/** Without a filter the engine answers from planner statistics, which can be off; MongoDB's count is exact. */
function countParameters(request: Request): Parameter[] {
  const query = request.fields.get('query');
  const hasFilter = query !== undefined && query.end - query.start > 5;
  return [
    request.database,
    hasFilter ? request.body : encode({ ...decodeExact(request.body), query: { _id: { $gte: new MinKey() } } }),
  ];
}

async function createIndexes(engine: Engine, request: Request): Promise<Buffer> {
  const text = 'SELECT documentdb_api_internal.create_indexes_non_concurrently($1, $2, true)';
  try {
    const [reply] = await runStatement(engine.storage, request, 'create-indexes', text, whole(request));
    return bsonReply(reply);
  } catch (error) {
    if (!(error instanceof StorageError) || (error.state !== '23P01' && error.state !== '23505')) throw error;
    const namespace = `${request.database}.${target(request)}`;
    throw new WireError(
      DUPLICATE_KEY,
      'DuplicateKey',
      `E11000 duplicate key error collection: ${namespace} (index build)`,
    );
  }
}

async function drop(engine: Engine, request: Request): Promise<Buffer> {
  const text = 'SELECT documentdb_api.drop_collection($1, $2)';
  await runStatement(engine.storage, request, 'drop', text, [request.database, target(request)]);
  return encode({ ns: `${request.database}.${target(request)}`, ok: 1 });
}

async function dropDatabase(engine: Engine, request: Request): Promise<Buffer> {
  await runStatement(engine.storage, request, 'drop-database', 'SELECT documentdb_api.drop_database($1)', [
    request.database,
  ]);
  return encode({ dropped: request.database, ok: 1 });
}

function killCursors(engine: Engine, request: Request): Buffer {
  const listed: unknown = decodeExact(request.body).cursors;
  const ids = Array.isArray(listed) ? listed.filter((id): id is Long => id instanceof Long) : [];
  const killed = ids.filter((id) => engine.cursors.kill(id.toString()));
  const notFound = ids.filter((id) => !killed.includes(id));
  return encode({ cursorsKilled: killed, cursorsNotFound: notFound, cursorsAlive: [], cursorsUnknown: [], ok: 1 });
}

async function endSessions(engine: Engine, request: Request): Promise<Buffer> {
  const listed: unknown = decodeExact(request.body)[request.name];
  for (const session of Array.isArray(listed) ? listed.filter(isDoc) : []) {
    const id = session.id;
    if (id instanceof Binary) await engine.transactions.endSession(Buffer.from(id.buffer).toString('hex'));
  }
  return OK;
}

async function commit(engine: Engine, request: Request): Promise<Buffer> {
  if (request.transaction === undefined)
    throw new WireError(125, 'CommandFailed', 'commitTransaction outside of a transaction');
  await engine.transactions.commit(request.transaction);
  return OK;
}

async function abort(engine: Engine, request: Request): Promise<Buffer> {
  if (request.transaction !== undefined) await engine.transactions.abort(request.transaction);
  return OK;
}

function replica(change: (engine: Engine, config: unknown) => Doc): Handler {
  return (engine, request) => encode({ ...change(engine, decode(request.body)[request.name]), ok: 1 });
}

const HANDLERS: Record<string, Handler> = {
  // Documents
  find: (engine, request) => engine.cursors.firstPage(request, 'find', request.body),
  aggregate: (engine, request) =>
    isTrue(request.body, request.fields.get('explain'))
      ? explain(engine, request, request.body)
      : engine.cursors.firstPage(request, 'aggregate', request.body),
  getMore: (engine, request) => engine.cursors.nextPage(request),
  killCursors,
  insert: (engine, request) => write(engine, request, 'insert'),
  update: (engine, request) => write(engine, request, 'update'),
  delete: (engine, request) => write(engine, request, 'delete'),
  findAndModify,
  count: call('count', 'SELECT document FROM documentdb_api.count_query($1, $2)', countParameters),
  distinct: call('distinct', 'SELECT document FROM documentdb_api.distinct_query($1, $2)', whole),
  explain: (engine, request) => {
    const spec = request.fields.get('explain');
    if (spec === undefined) throw new WireError(9, 'FailedToParse', 'explain what?');
    const verbosity = stringOf(request.body, request.fields.get('verbosity'));
    return explain(engine, request, bytesOf(request.body, spec), verbosity !== 'queryPlanner');
  },

  // Collections, indexes, databases
  create: call('create', 'SELECT documentdb_api.create_collection_view($1, $2)', whole),
  collMod: call('coll-mod', 'SELECT documentdb_api.coll_mod($1, $2, $3)', (request) => [
    request.database,
    target(request),
    request.body,
  ]),
  renameCollection: call('rename', 'SELECT documentdb_api.rename_collection($1::documentdb_core.bson)', (request) => [
    request.body,
  ]),
  drop,
  dropDatabase,
  createIndexes,
  dropIndexes: call('drop-indexes', 'SELECT documentdb_api_internal.drop_indexes_non_concurrently($1, $2)', whole),
  listIndexes: (engine, request) => engine.cursors.firstPage(request, 'list_indexes', request.body),
  listCollections: (engine, request) => engine.cursors.firstPage(request, 'list_collections', request.body),
  listDatabases: call('list-databases', 'SELECT documentdb_api.list_databases($1)', (request) => [request.body]),
  collStats: call('coll-stats', 'SELECT documentdb_api.coll_stats($1, $2, $3)', (request) => [
    request.database,
    target(request),
    scale(request),
  ]),
  dbStats: call('db-stats', 'SELECT documentdb_api.db_stats($1, $2, $3)', (request) => [
    request.database,
    scale(request),
    false,
  ]),
  validate: call('validate', 'SELECT document FROM documentdb_api.validate($1, $2)', whole),
  currentOp: call('current-op', 'SELECT document FROM documentdb_api.current_op_command($1)', (request) => [
    request.body,
  ]),

  // Sessions and transactions
  startSession,
  refreshSessions: () => OK,
  endSessions,
  killSessions: endSessions,
  commitTransaction: commit,
  abortTransaction: abort,

  // The replica set
  replSetInitiate: replica((engine, config) => {
    engine.replicaSet.initiate(config);
    return {};
  }),
  replSetReconfig: replica((engine, config) => {
    engine.replicaSet.reconfigure(config);
    return {};
  }),
  replSetGetConfig: replica((engine) => ({ config: engine.replicaSet.config() })),
  replSetGetStatus: replica((engine) => engine.replicaSet.status()),

  // The server
  buildInfo,
  hostInfo,
  serverStatus: (engine, _request, server) => serverStatus(engine, server.connections()),
  connectionStatus: () => encode({ authInfo: { authenticatedUsers: [], authenticatedUserRoles: [] }, ok: 1 }),
  getParameter: () => encode({ featureCompatibilityVersion: { version: '7.0' }, authenticationMechanisms: [], ok: 1 }),
  getCmdLineOpts: () => encode({ argv: [], parsed: {}, ok: 1 }),
  getLog: () => encode({ totalLinesWritten: 0, log: [], ok: 1 }),
  whatsmyuri: (_engine, request) => encode({ you: request.peer, ok: 1 }),
  logout: () => OK,
  shutdown: (_engine, _request, server) => {
    server.shutdown();
    return OK;
  },
};

const BY_NAME: ReadonlyMap<string, Handler> = new Map([
  ...Object.entries(HANDLERS),
  ...Object.entries({
    buildinfo: buildInfo,
    findandmodify: findAndModify,
    deleteIndexes: HANDLERS.dropIndexes,
  }).filter((entry): entry is [string, Handler] => entry[1] !== undefined),
]);

/** @throws WireError for an unknown command. */
export function handlerOf(name: string): Handler {
  const handler = BY_NAME.get(name);
  if (handler === undefined) throw new WireError(59, 'CommandNotFound', `no such command: '${name}'`);
  return handler;
}
