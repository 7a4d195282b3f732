import { createHash } from 'node:crypto';
import { MongoServerError } from 'mongodb';
import { AppError } from '../errors.ts';
import { newId } from '../ids.ts';
import { nativeCollection } from '../models/connect.ts';
import { Consent, ConsentDocument, type ConsentDocumentDocument, type ConsentRecord } from '../models/consent.ts';
import type { PolicyLanguage } from '../models/policy.ts';
import { type Evidence, keptEvidence } from './policy-versions.ts';

/** Consents: asked for in a document of its own for each purpose, given to exactly the words shown, and withdrawn. */

const PURPOSES_MAX = 50;
const DUPLICATE_KEY = 11_000;
export const PURPOSE = /^[a-z][a-z0-9_]{1,39}$/;

const documents = () => nativeCollection<ConsentDocumentDocument>(ConsentDocument);
const consents = () => nativeCollection<ConsentRecord>(Consent);
const activeKey = (accountId: string, purpose: string) => `${accountId}|${purpose}`;

const isDuplicate = (error: unknown) => error instanceof MongoServerError && error.code === DUPLICATE_KEY;

function shownHash(title: string, text: string): string {
  return createHash('sha256').update(`${title}\n\n${text}`).digest('hex');
}

export type ConsentTexts = Pick<ConsentDocumentDocument, 'purpose' | 'title' | 'text'>;

/** Publishes the next version for a purpose; those who consented to an earlier one have not consented to it. */
export async function publishConsent({ purpose, title, text }: ConsentTexts, by: string): Promise<string> {
  const last = await documents().find({ purpose }).sort({ version: -1 }).limit(1).next();
  if (!last && (await documents().countDocuments({ version: 1 }, { limit: PURPOSES_MAX })) >= PURPOSES_MAX)
    throw new AppError('state_conflict', { message: `There are ${PURPOSES_MAX} purposes already.` });
  const version = (last?.version ?? 0) + 1;
  const hash = { ru: shownHash(title.ru, text.ru), en: shownHash(title.en, text.en) };
  const _id = `${purpose}#${version}`;
  try {
    await documents().insertOne({ _id, purpose, version, title, text, hash, publishedAt: new Date(), publishedBy: by });
  } catch (error) {
    if (isDuplicate(error)) throw new AppError('state_conflict');
    throw error;
  }
  return _id;
}

/** The newest document of a purpose. @throws `not_found`. */
export async function consentDocument(purpose: string): Promise<ConsentDocumentDocument> {
  const found = PURPOSE.test(purpose)
    ? await documents().find({ purpose }).sort({ version: -1 }).limit(1).next()
    : null;
  if (!found) throw new AppError('not_found', { message: 'No consent is asked for this purpose.' });
  return found;
}

/** The newest document of every purpose. */
export async function consentDocuments(): Promise<ConsentDocumentDocument[]> {
  const first = await documents().find({ version: 1 }).sort({ _id: 1 }).limit(PURPOSES_MAX).toArray();
  return Promise.all(first.map(({ purpose }) => consentDocument(purpose)));
}

/** The consents of an account that are in force, by purpose. */
export async function consentsInForce(accountId: string): Promise<Map<string, ConsentRecord>> {
  const keys = (await consentDocuments()).map(({ purpose }) => activeKey(accountId, purpose));
  const found = await consents()
    .find({ activeKey: { $in: keys } })
    .toArray();
  return new Map(found.map((consent) => [consent.purpose, consent]));
}

export type Given = { purpose: string; version: number; language: PolicyLanguage; textHash: string };

/**
 * Gives a consent to the words that were shown. Again is no error; to a newer version it takes the older one's place.
 * @throws `not_found`, or `state_conflict` when these are not the words of the newest version.
 */
export async function giveConsent(accountId: string, given: Given, evidence: Evidence): Promise<ConsentRecord> {
  const { purpose, version, language, textHash } = given;
  const document = await consentDocument(purpose);
  if (document.version !== version || document.hash[language] !== textHash)
    throw new AppError('state_conflict', { message: 'This is not the text as it is now. Show it, and ask again.' });
  const key = activeKey(accountId, purpose);
  const active = await consents().findOne({ activeKey: key });
  if (active?.version === version) return active;
  if (active) await withdrawConsent(accountId, purpose, evidence.keyId);
  const consent: ConsentRecord = {
    _id: newId('cns'),
    accountId,
    ...given,
    givenAt: new Date(),
    givenBy: evidence.keyId,
    ...keptEvidence(evidence),
    activeKey: key,
  };
  try {
    await consents().insertOne(consent);
    return consent;
  } catch (error) {
    const other = isDuplicate(error) ? await consents().findOne({ activeKey: key }) : null;
    if (other?.version === version) return other;
    throw isDuplicate(error) ? new AppError('state_conflict') : error;
  }
}

/** Ends a consent at once. Where none is in force, nothing happens. @param by the key's or the member's id. */
export async function withdrawConsent(accountId: string, purpose: string, by: string): Promise<void> {
  await consents().updateOne(
    { activeKey: activeKey(accountId, purpose) },
    { $set: { withdrawnAt: new Date(), withdrawnBy: by }, $unset: { activeKey: '' } },
  );
}
