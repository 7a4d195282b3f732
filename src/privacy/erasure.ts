import { crashPoint } from '../crash-point.ts';
import { AppError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { nativeCollection } from '../models/connect.ts';
import { type ManifestClass, PrivacyRequest, type PrivacyRequestDocument } from '../models/privacy-request.ts';
import { eraseRows, rowsToErase, verifyErased } from './class-rows.ts';
import { CACHE_TTL_MS } from './content-key.ts';
import type { DataClass, MongoStore } from './data-class.ts';
import type { DeletionJournal } from './deletion-journal.ts';
import { countDestroyed, drawAct, recorded } from './destruction-acts.ts';
import type { KeyStore } from './key-store.ts';
import { buildManifest, hasDrifted } from './manifest.ts';
import { findPrivacyRequest, moveRequest } from './privacy-requests.ts';
import { termsOf } from './request-terms.ts';
import { ROW_CLASSES } from './row-classes.ts';
import { oweNotices } from './third-party-notices.ts';

/**
 * Carries out an approved erasure: class after class with a checkpoint after each, the account's row and its key last, then
 * a pass that shows that nothing is left. Whoever calls it again goes on where it stopped; two at once do no harm.
 */
export type ErasureDependencies = {
  keys: Pick<KeyStore, 'destroy'>;
  journal: Pick<DeletionJournal, 'append'>;
  /** Milliseconds since the epoch. */
  now: () => number;
  /** Stops between batches. */
  signal: AbortSignal;
};

const ACTOR = 'erasure';
const DUE_MAX = 20;
/** Another process may be faster with a batch, but not with so many one after the other. */
const BATCHES_IN_VAIN_MAX = 20;

const store = () => nativeCollection<PrivacyRequestDocument>(PrivacyRequest);

/**
 * Takes a scheduled erasure as far as it goes now. It stays `verifying` until no process can have the key in its memory.
 * @throws `state_conflict` before the cooling-off is over, or when it is not scheduled; what fails on the way leaves it as
 *   it is, to be called again.
 */
export async function executeErasure(requestId: string, deps: ErasureDependencies): Promise<PrivacyRequestDocument> {
  let request = await findPrivacyRequest(requestId);
  if (request.state === 'scheduled') request = await begin(request, deps);
  if (request.state === 'executing') request = await destroyAll(request, deps);
  if (request.state === 'verifying') request = await verifyAll(request, deps);
  return request;
}

/** Beyond this there is no way back. What has changed since the approval goes back to planning instead. */
async function begin(request: PrivacyRequestDocument, { now }: ErasureDependencies): Promise<PrivacyRequestDocument> {
  if (!request.manifest || !request.scheduledFor || request.scheduledFor.getTime() > now())
    throw new AppError('state_conflict', { message: 'The cooling-off is not over.' });
  const manifest = await buildManifest(request.accountId);
  if (!hasDrifted(request.manifest, manifest)) return moveRequest(request, 'begin', { by: ACTOR });
  return moveRequest(request, 'plan', { by: ACTOR, note: 'changed since its approval', set: { manifest } });
}

async function destroyAll(request: PrivacyRequestDocument, deps: ErasureDependencies): Promise<PrivacyRequestDocument> {
  const { _id: causeId, accountId } = request;
  crashPoint('erase.after_begin');
  await deps.journal.append({ kind: 'erasure', causeId, accountId, at: new Date(deps.now()) });
  crashPoint('erase.after_journal');
  await oweNotices(request);
  const done = new Set(request.checkpoints.map(({ classId }) => classId));
  for (const row of ROW_CLASSES) {
    if (done.has(row.id) || row.erasure.action === 'keep') continue;
    await eraseClass(row, { causeId, accountId }, deps);
    if (deps.signal.aborted) return request;
    const removed = await countDestroyed(causeId, row.id);
    crashPoint('erase.before_checkpoint');
    await store().updateOne(
      { _id: request._id, state: 'executing', 'checkpoints.classId': { $ne: row.id } },
      { $push: { checkpoints: { classId: row.id, removed, at: new Date(deps.now()) } } },
    );
    crashPoint('erase.after_checkpoint');
  }
  crashPoint('erase.before_verify');
  return moveRequest(await findPrivacyRequest(request._id), 'destroyed', { by: ACTOR });
}

/** Erases what an account has of one class; again it does nothing. Gives how many rows that were. */
export async function eraseClass(
  row: DataClass<MongoStore>,
  { causeId, accountId }: { causeId: string; accountId: string },
  { keys, signal }: Pick<ErasureDependencies, 'keys' | 'signal'>,
): Promise<number> {
  const cause = { causeId, classId: row.id };
  if (row.erasure.action === 'destroy_key')
    return recorded({ ...cause, accountIds: [accountId] }, async () => Number(await keys.destroy(accountId)));
  let [removed, inVain] = [0, 0];
  while (!signal.aborted) {
    const ids = await rowsToErase(row, accountId);
    if (ids.length === 0) break;
    const batch = { ...cause, accountIds: ids.map(() => accountId) };
    const count = await recorded(batch, () => eraseRows(row, accountId, ids));
    inVain = count === 0 ? inVain + 1 : 0;
    if (inVain === BATCHES_IN_VAIN_MAX) throw new Error(`rows of ${row.id} are there after they were erased`);
    removed += count;
  }
  return removed;
}

async function verifyAll(request: PrivacyRequestDocument, deps: ErasureDependencies): Promise<PrivacyRequestDocument> {
  const { _id, accountId, checkpoints } = request;
  const darkAtMs = (checkpoints.find(({ classId }) => classId === 'data_key')?.at.getTime() ?? 0) + CACHE_TTL_MS;
  if (deps.now() < darkAtMs) return request;
  for (const row of ROW_CLASSES) {
    const left = await verifyErased(row, accountId);
    if (left > 0) return fail(request, `${left} rows of ${row.id} are left`);
  }
  const { classes } = await buildManifest(accountId);
  const retained = classes.filter(isRetained);
  const act = await drawAct(_id, termsOf(request).norm, deps.journal);
  crashPoint('erase.before_end');
  const event = retained.length > 0 ? 'complete_with_retained' : 'complete';
  return moveRequest(request, event, { by: ACTOR, set: { retained, ...(act ? { actNumber: act._id } : {}) } });
}

const isRetained = ({ action, rows }: ManifestClass): boolean => action === 'keep' && rows > 0;

/** Found incomplete: the classes are gone through once more after somebody has looked. */
function fail(request: PrivacyRequestDocument, failure: string): Promise<PrivacyRequestDocument> {
  return moveRequest(request, 'fail', { by: ACTOR, note: failure, set: { failure, checkpoints: [] } });
}

/** Takes every erasure that is due one step on; one that cannot go on is logged, and the others do. */
export async function executeDue(deps: ErasureDependencies, log: Pick<Logger, 'warn'>): Promise<void> {
  const due = await store()
    .find({
      $or: [
        { state: 'scheduled', scheduledFor: { $lte: new Date(deps.now()) } },
        { state: { $in: ['executing', 'verifying'] } },
      ],
    })
    .limit(DUE_MAX)
    .toArray();
  for (const { _id } of due) {
    if (deps.signal.aborted) return;
    await executeErasure(_id, deps).catch((error: unknown) =>
      log.warn({ reason: _id, err: error }, 'erasure not finished'),
    );
  }
}
