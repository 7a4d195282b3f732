import { AppError } from '../errors.ts';
import { Account, type AccountDocument, type AccountPrivacy } from '../models/account.ts';
import { nativeCollection } from '../models/connect.ts';

/** What an account's owner has decided about its data. Every api process goes by it within a second. */

const accounts = () => nativeCollection<AccountDocument>(Account);
const noSuchAccount = () => new AppError('not_found', { message: 'There is no such account.' });

function settingsOf({ privacy }: Pick<AccountDocument, 'privacy'>): AccountPrivacy {
  return { zeroRetention: privacy?.zeroRetention ?? false, domesticOnly: privacy?.domesticOnly ?? false };
}

/** @throws `not_found`. */
export async function accountPrivacy(accountId: string): Promise<AccountPrivacy> {
  const account = await accounts().findOne({ _id: accountId }, { projection: { privacy: 1 } });
  if (!account) throw noSuchAccount();
  return settingsOf(account);
}

/**
 * Changes what is given and leaves the rest. Requests that were accepted before keep to what held then.
 * @param by the id of the key or the member of staff.
 * @throws `not_found`, also for an account that was closed.
 */
export async function changeAccountPrivacy(
  accountId: string,
  change: Partial<AccountPrivacy>,
  by: string,
): Promise<AccountPrivacy> {
  const set = Object.fromEntries(Object.entries(change).map(([name, value]) => [`privacy.${name}`, value]));
  const account = await accounts().findOneAndUpdate(
    { _id: accountId, status: { $ne: 'closed' } },
    { $set: { ...set, 'privacy.changedAt': new Date(), 'privacy.changedBy': by } },
    { returnDocument: 'after', projection: { privacy: 1 } },
  );
  if (!account) throw noSuchAccount();
  return settingsOf(account);
}
