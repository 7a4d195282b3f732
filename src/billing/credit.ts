import type { Document } from 'mongodb';
import { AppError } from '../errors.ts';
import { Account, type AccountDocument, newAccount } from '../models/account.ts';
import { nativeCollection } from '../models/connect.ts';
import { LedgerEntry, type LedgerEntryDocument } from '../models/ledger-entry.ts';
import { AMOUNT_MICROS_MAX } from '../money.ts';
import { type CreditRequest, creditUpdate, type Guarded, voidedId } from './account-updates.ts';

/** Accounts, and the entries that are made once for ever: credits, refunds, adjustments. */

const CREDIT_TRIES_MAX = 50;

const accounts = () => nativeCollection<AccountDocument>(Account);

/** Creates an account when it does not exist. True when this call made it. */
export async function createAccount(accountId: string, at: Date = new Date()): Promise<boolean> {
  const { _id, ...rest } = newAccount(accountId, at);
  const result = await accounts().updateOne({ _id }, { $setOnInsert: rest }, { upsert: true });
  return result.upsertedCount === 1;
}

export type EntryOutcome = 'applied' | 'earlier' | 'refused';
/** Everything of an account but the spend counters. */
export type EntryAccount = Omit<AccountDocument, 'spend'>;

/**
 * Makes a guarded update that appends an entry, once per `entryId` for ever: the id is looked up in the ledger, and the
 * list of latest entries read before that look-up is part of the guard, so that one made in between is not missed.
 * Charges do not change the list: an account may be as busy as it likes.
 * @param build the update for the account as it is now; `undefined` refuses.
 * @throws `not_found` when there is no such account.
 */
export async function makeEntryOnce(
  accountId: string,
  entryId: string,
  build: (account: EntryAccount) => Guarded | undefined | Promise<Guarded | undefined>,
): Promise<EntryOutcome> {
  for (let attempt = 0; attempt < CREDIT_TRIES_MAX; attempt++) {
    const before = await accounts().findOne({ _id: accountId }, { projection: { spend: 0 } });
    if (!before) throw new AppError('not_found', { message: 'There is no such account.' });
    if (before.credited.includes(entryId) || before.outbox.some((entry) => entry._id === entryId)) return 'earlier';
    const ledger = nativeCollection<LedgerEntryDocument>(LedgerEntry);
    if (await ledger.findOne({ _id: entryId }, { projection: { _id: 1 } })) return 'earlier';
    if (before.credited.includes(voidedId(entryId))) return 'refused';
    const guarded = await build(before);
    if (!guarded) return 'refused';
    const { filter, update } = guarded;
    const result = await accounts().updateOne({ ...filter, credited: before.credited }, update as Document[]);
    if (result.matchedCount === 1) return 'applied';
  }
  throw new AppError('unavailable', { internal: `entry ${entryId}: too many changes at once` });
}

/**
 * Adds money, once per `entryId` for ever.
 * @returns true when this call credited, false when it was credited before.
 * @throws `not_found` when there is no such account, `invalid_request` for an amount that is not positive.
 */
export async function creditAccount(request: CreditRequest): Promise<boolean> {
  if (request.amountMicros <= 0n || request.amountMicros > AMOUNT_MICROS_MAX) {
    throw new AppError('invalid_request', { message: 'The amount to credit must be positive.' });
  }
  return (await makeEntryOnce(request.accountId, request.entryId, () => creditUpdate(request))) === 'applied';
}
