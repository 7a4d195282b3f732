/** Takes a message through one command: reads the envelope, enters the transaction, and turns every failure into a reply. */
import { bigintOf, bytesOf, type Fields, scan, splitDocuments, stringOf } from './bson-scan.ts';
import { handlerOf, isReadCommand, type ServerControl } from './commands.ts';
import type { Engine } from './engine.ts';
import {
  codeOfState,
  isLost,
  RETRYABLE,
  StorageError,
  TRANSIENT,
  UNKNOWN_COMMIT,
  WireError,
  WRITE_CONFLICT,
} from './errors.ts';
import { mendCommand, needsMending } from './mend.ts';
import type { Request } from './storage.ts';
import type { Message } from './wire.ts';

const CONFLICT_TEXT =
  'WriteConflict error: this operation conflicted with another operation. Please retry your operation or multi-document transaction.';

/** Gives the reply document; never throws. */
export async function dispatch(engine: Engine, message: Message, peer: string, server: ServerControl): Promise<Buffer> {
  let request: Request | undefined;
  try {
    request = readRequest(message, peer);
    const handler = handlerOf(request.name);
    const session = sessionOf(request);
    const number = bigintOf(request.body, request.fields.get('txnNumber'));
    if (session === undefined || number === undefined) return await handler(engine, request, server);
    if (!request.fields.has('autocommit')) {
      request.retryKey = `${session}:${number}`;
      return await handler(engine, request, server);
    }
    request.transaction = await engine.transactions.enter(request, session, number);
    return await handler(engine, request, server);
  } catch (error) {
    if (request?.transaction !== undefined && !isHarmless(error)) await engine.transactions.abort(request.transaction);
    return toWireError(error, request).toReply();
  }
}

function readRequest(message: Message, peer: string): Request {
  const { body, fields, sequences } = mended(message);
  const [name = ''] = fields.keys();
  const database = stringOf(body, fields.get('$db')) ?? 'admin';
  const isRead = isReadCommand({ name, body });
  return { name, database, body, fields, sequences, peer, transaction: undefined, retryKey: undefined, isRead };
}

function mended(message: Message): { body: Buffer; fields: Fields; sequences: ReadonlyMap<string, Buffer> } {
  const { body, sequences } = message;
  const fields = scan(body);
  if (fields.has('insert')) return { body, fields, sequences };
  const mendedBody = needsMending(body) ? mendCommand(body) : body;
  const mendedSequences = new Map(
    [...sequences].map(([name, bytes]) => [
      name,
      needsMending(bytes) ? Buffer.concat(splitDocuments(bytes).map(mendCommand)) : bytes,
    ]),
  );
  return { body: mendedBody, fields: mendedBody === body ? fields : scan(mendedBody), sequences: mendedSequences };
}

function sessionOf(request: Request): string | undefined {
  const session = request.fields.get('lsid');
  const id = session === undefined ? undefined : scan(request.body, session.start).get('id');
  return id === undefined ? undefined : bytesOf(request.body, id).toString('hex', 5);
}

/** A cursor that is gone does not end the transaction. */
function isHarmless(error: unknown): boolean {
  return error instanceof WireError && error.code === 43;
}

function toWireError(error: unknown, request: Request | undefined): WireError {
  if (error instanceof WireError) return error;
  if (!(error instanceof StorageError)) {
    console.error('a fault of the gateway:', error);
    return new WireError(1, 'InternalError', error instanceof Error ? error.message : String(error));
  }
  if (isLost(error)) {
    return new WireError(6, 'HostUnreachable', `storage engine connection lost: ${error.message}`, {
      labels: lostLabels(request),
    });
  }
  const inTransaction = request?.transaction !== undefined;
  const [code, codeName] = codeOfState(error.state, inTransaction);
  const isConflict = code === WRITE_CONFLICT;
  return new WireError(code, codeName, isConflict ? `${CONFLICT_TEXT} (${error.message})` : error.message, {
    labels: isConflict && inTransaction ? [TRANSIENT] : [],
    extra: codeName === 'InternalError' ? { sqlstate: error.state } : {},
  });
}

function lostLabels(request: Request | undefined): string[] {
  if (request?.name === 'commitTransaction') return [RETRYABLE, UNKNOWN_COMMIT];
  if (request?.fields.has('autocommit') === true) return [TRANSIENT];
  return request?.retryKey === undefined ? [] : [RETRYABLE];
}
