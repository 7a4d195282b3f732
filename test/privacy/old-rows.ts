import { newId } from '../../src/ids.ts';
import { createLogger } from '../../src/log.ts';
import { ApiKey } from '../../src/models/api-key.ts';
import { nativeCollection } from '../../src/models/connect.ts';
import { Delivery } from '../../src/models/delivery.ts';
import { DestructionAct, DestructionEvent } from '../../src/models/destruction.ts';
import { LegalHold } from '../../src/models/legal-hold.ts';
import type { RequestDocument } from '../../src/models/request.ts';
import { RetentionClass } from '../../src/models/retention-class.ts';
import { RetentionRun, type RetentionRunDocument } from '../../src/models/retention-run.ts';
import { NO_JOURNAL } from '../../src/privacy/deletion-journal.ts';
import { runRetention } from '../../src/privacy/retention.ts';
import { requests } from '../helpers/invariants.ts';

/** Rows past their term, and runs that purge them. */

const DAY_MS = 86_400_000;
const log = createLogger({ role: 'test', level: 'silent' });

export const daysAgo = (days: number) => new Date(Date.now() - days * DAY_MS);

/** Empties everything that these tests fill. */
export async function noRows(): Promise<void> {
  const all = [RetentionClass, RetentionRun, DestructionAct, DestructionEvent, LegalHold, ApiKey, Delivery];
  await Promise.all([requests().deleteMany({}), ...all.map((model) => nativeCollection(model).deleteMany({}))]);
}

export function runOnce(signal = new AbortController().signal, nowMs = Date.now()): Promise<RetentionRunDocument> {
  return runRetention({ nowMs, trigger: 'manual', by: 'a test', defaults: {}, signal, journal: NO_JOURNAL, log });
}

/** A request that ended so many days ago, with content; gives its id. */
export async function oldRequest(days: number, row: Partial<RequestDocument>): Promise<string> {
  const _id = newId('req', daysAgo(days).getTime());
  const plain = { keyId: 'k', state: 'done', settled: true, attempt: 1, holdMicros: 1n, input: Buffer.from('text') };
  await requests().insertOne({ _id, ...plain, ...row } as RequestDocument);
  return _id;
}
