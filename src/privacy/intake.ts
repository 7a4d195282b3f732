import { MongoServerError } from 'mongodb';
import { AppError } from '../errors.ts';
import { isId, lowestIdAt } from '../ids.ts';
import { bytesOf, nativeCollection } from '../models/connect.ts';
import { PrivacyRequest, type PrivacyRequestDocument, type PrivacyRequestType } from '../models/privacy-request.ts';
import type { ContentCipher } from './content-key.ts';
import { closeRequest, contactContext, detailsContext, fileRequest, verifyIdentity } from './privacy-requests.ts';

/** Requests of data subjects as an account's owner files them, with a key of the account as the session. */

const DAY_MS = 24 * 3_600_000;
const FILED_PER_DAY_MAX = 20;
const LISTED_MAX = 100;
const DUPLICATE_KEY = 11_000;

const store = () => nativeCollection<PrivacyRequestDocument>(PrivacyRequest);

/** An account and the key of it that speaks for its owner. */
export type Owner = { accountId: string; keyId: string };
export type OwnFiling = { type: PrivacyRequestType; contact?: string | undefined; details?: string | undefined };
type IntakeCipher = Pick<ContentCipher, 'seal' | 'open'>;

/**
 * Takes a request in and takes its owner for verified, so that what it blocks is blocked at once. There is one open request
 * of a type: filed again, it is given back as it is.
 * @throws `state_conflict` while one of the type is open that says something else, `rate_limit_exceeded` after too many in
 *   a day, `invalid_request` for texts that are too long.
 */
export async function fileByOwner(
  { accountId, keyId }: Owner,
  { type, contact, details }: OwnFiling,
  cipher: IntakeCipher,
): Promise<{ request: PrivacyRequestDocument; isNew: boolean }> {
  const intakeKey = `${accountId}|${type}`;
  const open = await store().findOne({ intakeKey }, { promoteBuffers: true });
  if (open) return { request: await repeated(open, details, keyId, cipher), isNew: false };
  await refuseFlood(accountId);
  const filing = { accountId, type, channel: 'cabinet', contact, details, intakeKey, by: keyId } as const;
  try {
    const filed = await fileRequest({ ...filing, receivedAt: new Date() }, cipher);
    return { request: await verified(filed, keyId), isNew: true };
  } catch (error) {
    if (!(error instanceof MongoServerError && error.code === DUPLICATE_KEY)) throw error;
    const other = await store().findOne({ intakeKey }, { promoteBuffers: true });
    if (!other)
      throw new AppError('state_conflict', { message: 'It was filed and ended at this moment. File it again.' });
    return { request: await repeated(other, details, keyId, cipher), isNew: false };
  }
}

async function repeated(
  open: PrivacyRequestDocument,
  details: string | undefined,
  keyId: string,
  cipher: IntakeCipher,
): Promise<PrivacyRequestDocument> {
  if ((await readTexts(open, cipher)).details === details) return verified(open, keyId);
  throw new AppError('state_conflict', {
    message: 'A request of this type is open. Cancel it, or wait for its end, to file another.',
    details: { privacy_request: open._id },
  });
}

/** A process that ended before this step, or a repeat that overtook it, leaves it to the next one. */
async function verified(request: PrivacyRequestDocument, keyId: string): Promise<PrivacyRequestDocument> {
  if (request.state !== 'received') return request;
  try {
    return await verifyIdentity(request._id, 'session', keyId);
  } catch (error) {
    if (!(error instanceof AppError && error.code === 'state_conflict')) throw error;
    return ownRequest({ accountId: request.accountId }, request._id);
  }
}

/** What the subject wrote and where to answer, opened; nothing of it once its term is over. */
export async function readTexts(
  { _id, contact, details }: PrivacyRequestDocument,
  cipher: Pick<ContentCipher, 'open'>,
): Promise<{ contact: string | undefined; details: string | undefined }> {
  const open = async (context: string, sealed: Uint8Array | undefined) =>
    sealed && (await cipher.open(_id, context, bytesOf(sealed))).toString();
  return { contact: await open(contactContext(_id), contact), details: await open(detailsContext(_id), details) };
}

async function refuseFlood(accountId: string): Promise<void> {
  const since = lowestIdAt('dsr', Date.now() - DAY_MS);
  const filed = await store().countDocuments({ accountId, _id: { $gte: since } }, { limit: FILED_PER_DAY_MAX });
  if (filed < FILED_PER_DAY_MAX) return;
  throw new AppError('rate_limit_exceeded', {
    message: `At most ${FILED_PER_DAY_MAX} requests may be filed in a day. Write a letter instead.`,
    retryAfterMs: DAY_MS,
  });
}

/** @throws `not_found`, also for one of another account. */
export async function ownRequest(
  { accountId }: Pick<Owner, 'accountId'>,
  requestId: string,
): Promise<PrivacyRequestDocument> {
  const found = isId('dsr', requestId) ? await store().findOne({ _id: requestId, accountId }) : null;
  if (!found) throw new AppError('not_found', { message: 'There is no such request.' });
  return found;
}

/** The account's requests, also those that came by letter, the newest first; at most 100. */
export function ownRequests({ accountId }: Pick<Owner, 'accountId'>): Promise<PrivacyRequestDocument[]> {
  return store().find({ accountId }).sort({ _id: -1 }).limit(LISTED_MAX).toArray();
}

/**
 * Takes a request back, until the cooling-off is over. Once more is no error.
 * @throws `not_found`, or `state_conflict` when it is too late.
 */
export async function cancelByOwner(owner: Owner, requestId: string): Promise<PrivacyRequestDocument> {
  const { state } = await ownRequest(owner, requestId);
  if (state !== 'cancelled') await closeRequest(requestId, 'cancel', owner.keyId, 'taken back by the owner');
  return ownRequest(owner, requestId);
}
