import { AppError } from '../errors.ts';
import { isId, lowestIdAt, newId } from '../ids.ts';
import { Account, type AccountDocument, ERASED } from '../models/account.ts';
import { nativeCollection } from '../models/connect.ts';
import { Request, type RequestDocument } from '../models/request.ts';
import { type MessageKind, Ticket, type TicketDocument, type TicketPriority } from '../models/ticket.ts';
import { sealText, type TicketCipher, ticketPlaces } from './ticket-texts.ts';

/** Support tickets: opened by an account's owner or by staff, answered, resolved. Every step is a compare-and-set. */

export const SUBJECT_CHARACTERS_MAX = 200;
export const TEXT_CHARACTERS_MAX = 4_000;
/** A longer conversation goes on in another ticket, so that a ticket fits its document. */
const MESSAGES_MAX = 200;
const LISTED_MAX = 100;
const OPENED_PER_DAY_MAX = 20;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** How long an owner waits for an answer at most. */
export const ANSWER_WITHIN_MS: Readonly<Record<TicketPriority, number>> = {
  normal: DAY_MS,
  high: 4 * HOUR_MS,
  urgent: HOUR_MS,
};

const tickets = () => nativeCollection<TicketDocument>(Ticket);

export type Opening = {
  accountId: string;
  /** A key of the account, or who opens it on the owner's behalf. */
  by: string;
  subject: string;
  text: string;
  requestId?: string | undefined;
  priority?: TicketPriority | undefined;
  contentConsent?: boolean | undefined;
};

const dueAfter = (priority: TicketPriority, atMs: number) => new Date(atMs + ANSWER_WITHIN_MS[priority]);

async function checkLinks({ accountId, requestId }: Opening): Promise<void> {
  const account = await nativeCollection<AccountDocument>(Account).findOne(
    { _id: accountId },
    { projection: { statusReason: 1 } },
  );
  if (!account || account.statusReason === ERASED)
    throw new AppError('not_found', { message: 'There is no such account.' });
  if (requestId === undefined) return;
  const request = await nativeCollection<RequestDocument>(Request).findOne(
    { _id: requestId, accountId },
    { projection: { _id: 1 } },
  );
  if (!request) throw new AppError('not_found', { message: 'The account has no such request.', param: 'request_id' });
}

/**
 * Opens a ticket; the answer is due by its priority.
 * @throws `not_found` for the account, or for a request that is not the account's.
 */
export async function openTicket(opening: Opening, cipher: TicketCipher): Promise<TicketDocument> {
  await checkLinks(opening);
  const { accountId, by, requestId, priority = 'normal', contentConsent = false } = opening;
  const at = new Date();
  const _id = newId('tkt', at.getTime());
  const ticket: TicketDocument = {
    _id,
    accountId,
    ...(requestId === undefined ? {} : { requestId }),
    state: 'open',
    priority,
    subject: await sealText(cipher, accountId, ticketPlaces.subject(_id), opening.subject),
    messages: [{ at, kind: 'customer', by }],
    texts: [await sealText(cipher, accountId, ticketPlaces.texts(_id), opening.text)],
    contentConsent,
    adjustmentIds: [],
    createdAt: at,
    updatedAt: at,
    dueAt: dueAfter(priority, at.getTime()),
  };
  await tickets().insertOne(ticket);
  return ticket;
}

/** Like `openTicket`, for an account's owner. @throws `rate_limit_exceeded` after too many in a day. */
export async function openTicketByOwner(opening: Opening, cipher: TicketCipher): Promise<TicketDocument> {
  const since = lowestIdAt('tkt', Date.now() - DAY_MS);
  const filter = { accountId: opening.accountId, _id: { $gte: since } };
  if ((await tickets().countDocuments(filter, { limit: OPENED_PER_DAY_MAX })) >= OPENED_PER_DAY_MAX)
    throw new AppError('rate_limit_exceeded', {
      message: `At most ${OPENED_PER_DAY_MAX} tickets may be opened in a day. Write into one that is there.`,
      retryAfterMs: HOUR_MS,
    });
  return openTicket(opening, cipher);
}

const noSuchTicket = () => new AppError('not_found', { message: 'There is no such ticket.' });

/** @throws `not_found`. */
export async function findTicket(ticketId: string): Promise<TicketDocument> {
  const found = isId('tkt', ticketId) ? await tickets().findOne({ _id: ticketId }) : null;
  if (!found) throw noSuchTicket();
  return found;
}

/** @throws `not_found`, also for one of another account. */
export async function ownTicket(accountId: string, ticketId: string): Promise<TicketDocument> {
  const found = await findTicket(ticketId);
  if (found.accountId !== accountId) throw noSuchTicket();
  return found;
}

/** The account's tickets, the newest first; at most 100, without their texts. */
export function ownTickets(accountId: string): Promise<TicketDocument[]> {
  return tickets()
    .find({ accountId }, { projection: { texts: 0 } })
    .sort({ _id: -1 })
    .limit(LISTED_MAX)
    .toArray();
}

/** What a message does to the state and the clock. */
function effectOf(kind: MessageKind, { state, priority, firstReplyAt, dueAt }: TicketDocument, at: Date) {
  // An owner who writes again while waiting does not push the clock back.
  if (kind === 'customer') {
    const due = state === 'open' && dueAt ? dueAt : dueAfter(priority, at.getTime());
    return { $set: { state: 'open' as const, dueAt: due }, $unset: { closedAt: '' as const } };
  }
  if (kind !== 'reply') return { $set: {} };
  return {
    $set: { state: 'answered' as const, firstReplyAt: firstReplyAt ?? at },
    $unset: { dueAt: '' as const, closedAt: '' as const },
  };
}

/**
 * Adds a message. The owner's opens the ticket again, a reply stops the clock, a note changes neither.
 * @throws `not_found`, or `state_conflict` when the conversation is too long or changed at this moment.
 */
export async function writeToTicket(
  ticketId: string,
  message: { kind: MessageKind; by: string; text: string },
  cipher: TicketCipher,
): Promise<TicketDocument> {
  const ticket = await findTicket(ticketId);
  if (ticket.messages.length >= MESSAGES_MAX)
    throw new AppError('state_conflict', { message: 'This conversation is too long: open another ticket.' });
  const at = new Date();
  const text = await sealText(cipher, ticket.accountId, ticketPlaces.texts(ticketId), message.text);
  const { $set, ...rest } = effectOf(message.kind, ticket, at);
  const written = await tickets().findOneAndUpdate(
    { _id: ticketId, state: ticket.state, messages: { $size: ticket.messages.length } },
    {
      $push: { messages: { at, kind: message.kind, by: message.by }, texts: text },
      $set: { ...$set, updatedAt: at },
      ...rest,
    },
    { returnDocument: 'after' },
  );
  if (!written) throw new AppError('state_conflict', { message: 'Somebody wrote at this moment. Look and repeat.' });
  return written;
}

/** Makes somebody of staff responsible. @throws `not_found`. */
export async function assignTicket(ticketId: string, staffId: string): Promise<void> {
  const { matchedCount } = await tickets().updateOne(
    { _id: ticketId },
    { $set: { assignee: staffId, updatedAt: new Date() } },
  );
  if (matchedCount === 0) throw noSuchTicket();
}

/** Ends a ticket; its owner opens it again by writing. @throws `not_found`, or `state_conflict` when it has ended. */
export async function resolveTicket(ticketId: string): Promise<void> {
  await findTicket(ticketId);
  const at = new Date();
  const { matchedCount } = await tickets().updateOne(
    { _id: ticketId, state: { $ne: 'resolved' } },
    { $set: { state: 'resolved', closedAt: at, updatedAt: at }, $unset: { dueAt: '' } },
  );
  if (matchedCount === 0) throw new AppError('state_conflict', { message: 'This ticket is resolved.' });
}

/** Notes on the ticket which adjustment was proposed from it. */
export async function linkAdjustment(ticketId: string, adjustmentId: string): Promise<void> {
  await tickets().updateOne(
    { _id: ticketId },
    { $addToSet: { adjustmentIds: adjustmentId }, $set: { updatedAt: new Date() } },
  );
}
