import { randomBytes } from 'node:crypto';
import { newId } from '../../src/ids.ts';
import { nativeCollection } from '../../src/models/connect.ts';
import { Request, type RequestDocument } from '../../src/models/request.ts';

const BATCH = 1_000;
const DAY_MS = 86_400_000;
/** Past the term of content, far from that of usage records. */
const AGE_DAYS = 60;
const INPUT_BYTES = 400;
const RESULT_BYTES = 1_200;

/** Inserts finished requests of two months ago with content of a usual size. The connection is the caller's. */
export async function insertOldRequests(rows: number, signal: AbortSignal): Promise<void> {
  const requests = nativeCollection<RequestDocument>(Request);
  const startMs = Date.now() - AGE_DAYS * DAY_MS;
  for (let done = 0; done < rows; done += BATCH) {
    signal.throwIfAborted();
    const batch = Array.from({ length: Math.min(BATCH, rows - done) }, (_, n) => oldRequest(startMs + done + n));
    await requests.insertMany(batch, { ordered: false });
  }
}

function oldRequest(atMs: number): RequestDocument {
  const row = {
    _id: newId('req', atMs),
    accountId: newId('acc', atMs - (atMs % BATCH)),
    keyId: 'key_bench',
    endpoint: 'chat.completions',
    model: 'bench',
    mode: 'sync',
    state: 'done',
    settled: true,
    attempt: 1,
    holdMicros: 1_000n,
    costMicros: 500n,
    input: randomBytes(INPUT_BYTES),
    result: randomBytes(RESULT_BYTES),
    createdAt: new Date(atMs),
    finishedAt: new Date(atMs),
  };
  return row as unknown as RequestDocument;
}
