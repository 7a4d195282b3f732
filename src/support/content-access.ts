import { AppError } from '../errors.ts';
import { newId } from '../ids.ts';
import { nativeCollection } from '../models/connect.ts';
import { ContentGrant, type ContentGrantDocument } from '../models/content-grant.ts';
import type { TicketCipher } from './ticket-texts.ts';
import { findTicket, writeToTicket } from './tickets.ts';

/**
 * Break-glass: the content of a request is seen by one member of staff, for a ticket's sake and a short time, and its
 * owner is told before it can be seen. A grant closes by itself.
 */

export const GRANT_MINUTES = ['5', '15', '30'] as const;
const MINUTE_MS = 60_000;

const grants = () => nativeCollection<ContentGrantDocument>(ContentGrant);

export type AccessWish = {
  ticketId: string;
  staffId: string;
  minutes: number;
  reason: string;
  /** Access against the owner's will is for those who answer for it. */
  needsConsent: boolean;
};

function notice(requestId: string, until: Date, reason: string): string {
  const time = `${until.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
  return [
    `Сотруднику открыт доступ к содержимому запроса ${requestId} до ${time}. Причина: ${reason}`,
    `A member of staff was given access to the content of request ${requestId} until ${time}. Reason: ${reason}`,
  ].join('\n');
}

/**
 * Lets a member of staff see the content of the ticket's request.
 * @throws `state_conflict` when the ticket is resolved or names no request, or the owner has not agreed.
 */
export async function grantAccess(wish: AccessWish, cipher: TicketCipher): Promise<ContentGrantDocument> {
  const { ticketId, staffId, minutes, reason, needsConsent } = wish;
  const { accountId, requestId, state, contentConsent } = await findTicket(ticketId);
  if (requestId === undefined) throw new AppError('state_conflict', { message: 'This ticket names no request.' });
  if (state === 'resolved') throw new AppError('state_conflict', { message: 'This ticket is resolved.' });
  if (needsConsent && !contentConsent)
    throw new AppError('state_conflict', { message: 'The owner has not agreed to this.' });
  const at = new Date();
  const expiresAt = new Date(at.getTime() + minutes * MINUTE_MS);
  // First the notice: an access of which nobody was told must not come to be, whatever fails.
  await writeToTicket(ticketId, { kind: 'system', by: staffId, text: notice(requestId, expiresAt, reason) }, cipher);
  const _id = newId('cgr', at.getTime());
  const grant = { _id, ticketId, requestId, accountId, staffId, reason, at, expiresAt, views: 0 };
  await grants().insertOne(grant);
  return grant;
}

/**
 * Uses a grant once more, and counts it.
 * @throws `not_found`, `staff_forbidden` for somebody else's, `state_conflict` when it or its ticket has ended.
 */
export async function useGrant(grantId: string, staffId: string): Promise<ContentGrantDocument> {
  const grant = await ownGrant(grantId, staffId);
  if ((await findTicket(grant.ticketId)).state === 'resolved')
    throw new AppError('state_conflict', { message: 'The ticket of this access is resolved.' });
  const at = new Date();
  const used = await grants().findOneAndUpdate(
    { _id: grantId, staffId, expiresAt: { $gt: at }, endedAt: { $exists: false } },
    { $inc: { views: 1 }, $set: { lastViewedAt: at } },
    { returnDocument: 'after' },
  );
  if (!used) throw new AppError('state_conflict', { message: 'This access has ended.' });
  return used;
}

/** Gives a grant back before its time; once more is no error. @throws like `useGrant`. */
export async function endGrant(grantId: string, staffId: string): Promise<void> {
  await ownGrant(grantId, staffId);
  await grants().updateOne({ _id: grantId, endedAt: { $exists: false } }, { $set: { endedAt: new Date() } });
}

async function ownGrant(grantId: string, staffId: string): Promise<ContentGrantDocument> {
  const grant = await grants().findOne({ _id: grantId });
  if (!grant) throw new AppError('not_found', { message: 'There is no such access.' });
  if (grant.staffId !== staffId)
    throw new AppError('staff_forbidden', { message: 'This access was given to somebody else.' });
  return grant;
}
