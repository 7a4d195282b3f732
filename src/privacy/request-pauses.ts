import { AppError } from '../errors.ts';
import type { PrivacyRequestDocument } from '../models/privacy-request.ts';
import { closeRequest, findPrivacyRequest, moveRequest } from './privacy-requests.ts';
import type { RequestEvent } from './request-machine.ts';

/** What holds a request up without ending it, and how it goes on. Its term runs on meanwhile. */

export const PAUSES = [
  'ask_identity',
  'ask_more',
  'inform',
  'hold',
  'release',
  'reject',
] as const satisfies RequestEvent[];

/** @param note what was asked for, or why; for a hold its norm, and until when. @throws `not_found`, `state_conflict`. */
export async function pauseRequest(
  requestId: string,
  event: (typeof PAUSES)[number],
  by: string,
  note: string,
): Promise<PrivacyRequestDocument> {
  return moveRequest(await findPrivacyRequest(requestId), event, { by, note });
}

/**
 * Ends a request whose subject was asked to show who they are and did not until the term was over.
 * @throws `state_conflict` while there is time.
 */
export async function expireRequest(
  requestId: string,
  by: string,
  reason: string,
  nowMs = Date.now(),
): Promise<PrivacyRequestDocument> {
  const { dueAt } = await findPrivacyRequest(requestId);
  if (dueAt.getTime() > nowMs)
    throw new AppError('state_conflict', { message: `There is time until ${dueAt.toISOString()}.` });
  return closeRequest(requestId, 'expire', by, reason);
}
