/** findAndModify: finds one document, changes it and gives it back, all at once. */

import { decode } from './bson.ts';
import { BSON_TYPE, bytesOf, isTrue, numberOf, scan } from './bson-scan.ts';
import { duplicateKeysOf } from './duplicate-key.ts';
import type { Engine } from './engine.ts';
import { codeOfState, DUPLICATE_KEY, StorageError, WireError } from './errors.ts';
import { bsonReply, type Request, runStatement } from './storage.ts';
import { isPinned, laneKey } from './writes.ts';

const UPSERT_TRIES = 20;

/** Runs the command; plain ones on one document take turns. */
export function findAndModify(engine: Engine, request: Request): Promise<Buffer> {
  const query = request.transaction === undefined ? request.fields.get('query') : undefined;
  const work = (): Promise<Buffer> => findAndModifyNow(engine, request);
  return query === undefined ? work() : engine.lanes.run([laneKey(request, request.body, query)], work);
}

async function findAndModifyNow(engine: Engine, request: Request): Promise<Buffer> {
  const text = 'SELECT p_result FROM documentdb_api.find_and_modify($1, $2, $3)';
  const values = [request.database, request.body, request.retryKey ?? null];
  for (let tries = 0; ; tries++) {
    try {
      const [reply] = await runStatement(engine.storage, request, 'find-and-modify', text, values);
      return mendLastError(bsonReply(reply), request);
    } catch (error) {
      if (!(error instanceof StorageError) || codeOfState(error.state, false)[0] !== DUPLICATE_KEY) throw error;
      const described = await duplicateKeysOf(engine.storage, request).describe(
        error.message,
        request.body,
        error.constraint,
      );
      const query = request.fields.get('query');
      const isUpsert = request.transaction === undefined && isTrue(request.body, request.fields.get('upsert'));
      const hasRaced =
        isUpsert && query !== undefined && isPinned(described.keyPattern, decode(bytesOf(request.body, query)));
      if (hasRaced && tries < UPSERT_TRIES) continue;
      const { errmsg, ...extra } = described;
      throw new WireError(DUPLICATE_KEY, 'DuplicateKey', errmsg, { extra });
    }
  }
}

/** For an update that found a document but changed nothing the engine says n: 0; MongoDB says n: 1. Mended in place. */
function mendLastError(reply: Buffer, request: Request): Buffer {
  const fields = scan(reply);
  const lastError = fields.get('lastErrorObject');
  const isRemove = isTrue(request.body, request.fields.get('remove'));
  if (lastError === undefined || isRemove || fields.get('value')?.type !== BSON_TYPE.object) return reply;
  const inner = scan(reply, lastError.start);
  const count = inner.get('n');
  const existing = inner.get('updatedExisting');
  if (
    inner.has('upserted') ||
    count?.type !== BSON_TYPE.int32 ||
    existing === undefined ||
    numberOf(reply, count) !== 0
  )
    return reply;
  reply.writeInt32LE(1, count.start);
  reply.writeUInt8(1, existing.start);
  return reply;
}
