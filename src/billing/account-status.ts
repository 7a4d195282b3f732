import { AppError } from '../errors.ts';
import { Account, type AccountDocument } from '../models/account.ts';
import { nativeCollection } from '../models/connect.ts';

/** Suspending an account and letting it go on. Requests that run are finished; new ones are refused at the hold. */

const accounts = () => nativeCollection<AccountDocument>(Account);

async function refuse(accountId: string): Promise<never> {
  const account = await accounts().findOne({ _id: accountId }, { projection: { status: 1 } });
  if (!account) throw new AppError('not_found', { message: 'There is no such account.' });
  throw new AppError('state_conflict', { message: `The account is ${account.status}.` });
}

/** Throws `not_found`, or `state_conflict` for an account that is not active. */
export async function suspendAccount(accountId: string, reason: string): Promise<void> {
  const { matchedCount } = await accounts().updateOne(
    { _id: accountId, status: 'active' },
    { $set: { status: 'suspended', statusReason: reason } },
  );
  if (matchedCount !== 1) await refuse(accountId);
}

/** Throws `not_found`, or `state_conflict` for an account that is not suspended: a frozen one is not set free here. */
export async function activateAccount(accountId: string): Promise<void> {
  const { matchedCount } = await accounts().updateOne(
    { _id: accountId, status: 'suspended' },
    { $set: { status: 'active' }, $unset: { statusReason: 1 } },
  );
  if (matchedCount !== 1) await refuse(accountId);
}
