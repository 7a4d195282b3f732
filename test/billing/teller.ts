import { expect } from '@jest/globals';
import { type HoldRequest, type SettleRequest, spendBuckets } from '../../src/billing/account-updates.ts';
import { createAccount, creditAccount } from '../../src/billing/credit.ts';
import { checkAccount } from '../../src/billing/reconcile.ts';
import { newId } from '../../src/ids.ts';
import { createLogger } from '../../src/log.ts';
import type { AccountDocument } from '../../src/models/account.ts';
import { accounts } from '../helpers/invariants.ts';

/** Accounts with money on them, and the holds and settlements of made-up requests. */

export const RUB = 1_000_000n;
export const silent = createLogger({ role: 'test', level: 'silent' });

const HOUR_MS = 3_600_000;

/** A new account with this many rubles. */
export async function accountWith(rub: bigint): Promise<string> {
  const accountId = newId('acc');
  await createAccount(accountId);
  if (rub > 0n) await creditAccount({ accountId, entryId: newId('pay'), amountMicros: rub * RUB, kind: 'top_up' });
  return accountId;
}

/** One ruble of that account for a new request of one key, unless told otherwise. */
export function holdOn(accountId: string, changes: Partial<HoldRequest> = {}): HoldRequest {
  return {
    accountId,
    requestId: newId('req'),
    keyId: 'key_of_the_account',
    amountMicros: RUB,
    expiresAt: new Date(Date.now() + HOUR_MS),
    at: new Date(),
    openMax: 500,
    caps: {},
    ...changes,
  };
}

export function settlementFor(hold: HoldRequest, costMicros: bigint): SettleRequest {
  const { accountId, requestId, keyId, amountMicros } = hold;
  return { accountId, requestId, keyId, holdMicros: amountMicros, costMicros, ...spendBuckets(hold.at) };
}

export async function accountNow(accountId: string): Promise<AccountDocument> {
  const found = await accounts().findOne({ _id: accountId });
  if (!found) throw new Error(`${accountId} does not exist`);
  return found;
}

/** The four figures that say where the money of an account is, in micro-rubles. */
export async function figures(accountId: string) {
  const { availableMicros, heldMicros, open, seq } = await accountNow(accountId);
  return { availableMicros, heldMicros, open, seq };
}

export async function expectSound(...accountIds: string[]): Promise<void> {
  for (const accountId of accountIds) expect((await checkAccount(await accountNow(accountId))).problems).toEqual([]);
}
