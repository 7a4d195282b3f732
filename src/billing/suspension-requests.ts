import { MongoServerError } from 'mongodb';
import { AppError } from '../errors.ts';
import { newId } from '../ids.ts';
import { Account, type AccountDocument } from '../models/account.ts';
import { nativeCollection } from '../models/connect.ts';
import { SuspensionRequest, type SuspensionRequestDocument } from '../models/suspension-request.ts';
import { suspendAccount } from './account-status.ts';

/** Support sees what is wrong with an account and asks for its suspension; somebody with the right to suspend decides. */

const DUPLICATE_KEY = 11_000;

const requests = () => nativeCollection<SuspensionRequestDocument>(SuspensionRequest);

async function statusOf(accountId: string): Promise<AccountDocument['status']> {
  const accounts = nativeCollection<AccountDocument>(Account);
  const account = await accounts.findOne({ _id: accountId }, { projection: { status: 1 } });
  if (!account) throw new AppError('not_found', { message: 'There is no such account.' });
  return account.status;
}

/**
 * Asks for the suspension of an account; nothing happens to it yet.
 * @throws `not_found`, or `state_conflict` for an account that is not active or has an open request.
 */
export async function requestSuspension(
  { accountId, reason, by }: { accountId: string; reason: string; by: string },
  nowMs: number,
): Promise<SuspensionRequestDocument> {
  const status = await statusOf(accountId);
  if (status !== 'active') throw new AppError('state_conflict', { message: `The account is ${status}.` });
  const request: SuspensionRequestDocument = {
    _id: newId('sus', nowMs),
    accountId,
    reason,
    state: 'open',
    requestedBy: by,
    createdAt: new Date(nowMs),
  };
  try {
    await requests().insertOne(request);
  } catch (error) {
    if (!(error instanceof MongoServerError) || error.code !== DUPLICATE_KEY) throw error;
    throw new AppError('state_conflict', { message: 'The suspension of this account is asked for already.' });
  }
  return request;
}

async function openRequest(requestId: string): Promise<SuspensionRequestDocument> {
  const found = await requests().findOne({ _id: requestId });
  if (!found) throw new AppError('not_found', { message: 'There is no such request for a suspension.' });
  if (found.state !== 'open') throw new AppError('state_conflict', { message: `This request is ${found.state}.` });
  return found;
}

type Decision = { state: 'granted' | 'declined'; by: string; decision: string };

async function decide(requestId: string, { state, by, decision }: Decision, nowMs: number): Promise<void> {
  const { matchedCount } = await requests().updateOne(
    { _id: requestId, state: 'open' },
    { $set: { state, decidedBy: by, decidedAt: new Date(nowMs), decision } },
  );
  if (matchedCount !== 1) throw new AppError('state_conflict', { message: 'Somebody decided at this moment. Look.' });
}

/**
 * Suspends the account for the reason of the request. The account comes first: whoever is interrupted leaves it
 * suspended and the request open, to be granted once more, and not a granted request with nothing done.
 * @throws `not_found`, `second_person_needed` for who asked, `state_conflict` when it is decided or the account cannot
 *   be suspended.
 */
export async function grantSuspension(requestId: string, by: string, decision: string, nowMs: number): Promise<void> {
  const { accountId, reason, requestedBy } = await openRequest(requestId);
  if (requestedBy === by) throw new AppError('second_person_needed');
  if ((await statusOf(accountId)) !== 'suspended') await suspendAccount(accountId, reason);
  await decide(requestId, { state: 'granted', by, decision }, nowMs);
}

/** Leaves the account as it is. @throws `not_found`, or `state_conflict` when it is decided. */
export async function declineSuspension(requestId: string, by: string, decision: string, nowMs: number): Promise<void> {
  await openRequest(requestId);
  await decide(requestId, { state: 'declined', by, decision }, nowMs);
}
