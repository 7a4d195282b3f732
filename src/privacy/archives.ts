import { randomBytes } from 'node:crypto';
import { AppError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { nativeCollection } from '../models/connect.ts';
import {
  type Archive,
  type HistoryEntry,
  PrivacyRequest,
  type PrivacyRequestDocument,
} from '../models/privacy-request.ts';
import { zipOf } from '../papers/zip.ts';
import type { AnswerSources } from './access-answer.ts';
import { archiveFiles } from './access-archive.ts';
import { removePieces, writePieces } from './archive-pieces.ts';
import type { ContentCipher } from './content-key.ts';
import { findPrivacyRequest } from './privacy-requests.ts';

/** Archives that answer requests of access, as the workers build them. Links to them: archive-links.ts. */

export type BuildDependencies = {
  sources: AnswerSources;
  cipher: Pick<ContentCipher, 'seal' | 'open'>;
  signal: AbortSignal;
  now: () => number;
};

const FAILURES_MAX = 3;
const WANTED_MAX = 100;

const store = () => nativeCollection<PrivacyRequestDocument>(PrivacyRequest);

/** An entry of a request's history that changes no state. */
export function entryOf(
  event: string,
  by: string,
  { state }: Pick<PrivacyRequestDocument, 'state'>,
  note?: string,
): HistoryEntry {
  return { at: new Date(), by, event, state, ...(note === undefined ? {} : { note }) };
}

/** Has the queue build what is wanted: archives of requests of access whose subject is known, the next due first. */
export async function proposeArchives(
  enqueue: (requestId: string) => Promise<void>,
  log: Pick<Logger, 'warn'>,
): Promise<void> {
  const wanted = await store()
    .find(
      { type: 'access', state: 'verified', 'archive.state': { $nin: ['ready', 'failed'] } },
      { projection: { _id: 1 } },
    )
    .sort({ dueAt: 1 })
    .limit(WANTED_MAX)
    .toArray();
  for (const { _id } of wanted)
    await enqueue(_id).catch((error: unknown) => log.warn({ err: error }, 'archive not proposed'));
}

/**
 * Builds the archive of a request that still wants one. Two at once do no harm: one is kept. What fails is counted, and
 * after three times a person has to look.
 * @returns whether it is there now.
 */
export async function buildArchive(requestId: string, deps: BuildDependencies): Promise<boolean> {
  const request = await findPrivacyRequest(requestId);
  const { type, state, archive, accountId } = request;
  if (type !== 'access' || state !== 'verified' || archive?.state === 'ready') return archive?.state === 'ready';
  const buildId = randomBytes(8).toString('hex');
  const { sources, cipher, signal } = deps;
  const at = new Date(deps.now());
  try {
    const file = zipOf(archiveFiles(request, sources, cipher, at), at);
    const written = await writePieces({ requestId, accountId, buildId }, file, { cipher, signal, at });
    const ready: Archive = { state: 'ready', failures: 0, buildId, ...written, readyAt: at };
    const { modifiedCount } = await store().updateOne(
      { _id: requestId, state: 'verified', 'archive.state': { $ne: 'ready' } },
      { $set: { archive: ready }, $push: { history: entryOf('archive_ready', 'workers', request, written.sha256) } },
    );
    const isOurs = modifiedCount === 1;
    await removePieces(requestId, isOurs ? { but: buildId } : { only: buildId });
    return isOurs;
  } catch (error) {
    await removePieces(requestId, { only: buildId });
    if (!signal.aborted) await countFailure(request);
    throw error;
  }
}

async function countFailure({ _id, archive }: PrivacyRequestDocument): Promise<void> {
  const failures = (archive?.failures ?? 0) + 1;
  const state = failures >= FAILURES_MAX ? 'failed' : 'wanted';
  await store().updateOne(
    { _id, 'archive.state': { $ne: 'ready' } },
    { $set: { archive: { state, failures } satisfies Archive } },
  );
}

/** Has the archive built anew. @throws `not_found`, or `state_conflict` unless the request is one of access that is being answered. */
export async function rebuildArchive(requestId: string, by: string): Promise<void> {
  await findPrivacyRequest(requestId);
  const { matchedCount } = await store().updateOne(
    { _id: requestId, type: 'access', state: 'verified' },
    {
      $set: { archive: { state: 'wanted', failures: 0 } satisfies Archive },
      $push: { history: entryOf('archive_wanted', by, { state: 'verified' }) },
    },
  );
  if (matchedCount === 0)
    throw new AppError('state_conflict', {
      message: 'Only a request of access whose subject is known has an archive.',
    });
  await removePieces(requestId);
}
