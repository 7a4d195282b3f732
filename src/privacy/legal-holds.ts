import { AppError } from '../errors.ts';
import { newId } from '../ids.ts';
import { Account, type AccountDocument } from '../models/account.ts';
import { nativeCollection } from '../models/connect.ts';
import { LegalHold, type LegalHoldDocument } from '../models/legal-hold.ts';

/** Legal holds: what beats every timer and every erasure. */

const HOLDS_MAX = 10_000;
const NORM_CHARACTERS_MIN = 5;
const NORM_CHARACTERS_MAX = 500;

const holds = () => nativeCollection<LegalHoldDocument>(LegalHold);

/** The holds of an account that are in force. */
export function activeHolds(accountId: string): Promise<LegalHoldDocument[]> {
  return holds().find({ accountId, isActive: true }).limit(HOLDS_MAX).toArray();
}

/** Every account under a hold. @throws when they are more than a run can mind: it must not go on then. */
export async function heldAccounts(): Promise<ReadonlySet<string>> {
  const found = await holds()
    .find({ isActive: true }, { projection: { accountId: 1 } })
    .limit(HOLDS_MAX + 1)
    .toArray();
  if (found.length > HOLDS_MAX) throw new Error(`more than ${HOLDS_MAX} legal holds are in force`);
  return new Set(found.map(({ accountId }) => accountId));
}

/** @throws `invalid_request` without a norm or a person, `not_found` without an account. */
export async function setLegalHold(
  hold: Pick<LegalHoldDocument, 'accountId' | 'norm' | 'until'> & { by: string },
): Promise<LegalHoldDocument> {
  const norm = hold.norm.trim();
  if (norm.length < NORM_CHARACTERS_MIN || norm.length > NORM_CHARACTERS_MAX || hold.by.trim() === '')
    throw new AppError('invalid_request', { message: 'A legal hold names its norm and who sets it.' });
  const account = { _id: hold.accountId };
  if (!(await nativeCollection<AccountDocument>(Account).findOne(account, { projection: { _id: 1 } })))
    throw new AppError('not_found', { message: 'There is no such account.' });
  const document: LegalHoldDocument = {
    _id: newId('hld'),
    accountId: hold.accountId,
    norm,
    ...(hold.until ? { until: hold.until } : {}),
    setBy: hold.by,
    setAt: new Date(),
    isActive: true,
  };
  await holds().insertOne(document);
  return document;
}

/** Releasing again changes nothing. @throws `not_found`. */
export async function releaseLegalHold(holdId: string, by: string): Promise<void> {
  await holds().updateOne(
    { _id: holdId, isActive: true },
    { $set: { isActive: false, releasedBy: by, releasedAt: new Date() } },
  );
  if (!(await holds().findOne({ _id: holdId }))) throw new AppError('not_found', { message: 'There is no such hold.' });
}
