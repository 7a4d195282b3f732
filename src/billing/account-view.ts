import { AppError } from '../errors.ts';
import { Account, type AccountDocument, type AccountStatus, type KeySpend } from '../models/account.ts';
import { nativeCollection } from '../models/connect.ts';
import { spendBuckets } from './account-updates.ts';

export type AccountView = { status: AccountStatus; availableMicros: bigint; heldMicros: bigint; open: number };

/** An account's balance as it is now. For showing and planning only: money is never decided on an earlier read. */
export async function accountView(accountId: string): Promise<AccountView> {
  const account = await nativeCollection<AccountDocument>(Account).findOne(
    { _id: accountId },
    { projection: { status: 1, availableMicros: 1, heldMicros: 1, open: 1 } },
  );
  if (!account) throw new AppError('account_suspended');
  const { status, availableMicros, heldMicros, open } = account;
  return { status, availableMicros, heldMicros, open };
}

export type KeySpendView = { totalMicros: bigint; dayMicros: bigint; monthMicros: bigint };

/** What a key has spent, holds included, in total and in the running UTC day and month. */
export async function keySpend(accountId: string, keyId: string, at: Date): Promise<KeySpendView> {
  const account = await nativeCollection<AccountDocument>(Account).findOne(
    { _id: accountId },
    { projection: { [`spend.${keyId}`]: 1 } },
  );
  const spend: KeySpend = account?.spend?.[keyId] ?? {};
  const { day, month } = spendBuckets(at);
  return { totalMicros: spend.total ?? 0n, dayMicros: spend[day] ?? 0n, monthMicros: spend[month] ?? 0n };
}
