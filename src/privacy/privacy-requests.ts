import { AppError } from '../errors.ts';
import { newId } from '../ids.ts';
import { Account, type AccountDocument } from '../models/account.ts';
import { nativeCollection } from '../models/connect.ts';
import {
  type HistoryEntry,
  type IdentityKind,
  PrivacyRequest,
  type PrivacyRequestDocument,
  type PrivacyRequestType,
  type UnlawfulGround,
} from '../models/privacy-request.ts';
import { endOfMoscowDate, moscowDate } from './calendar.ts';
import { productionYears } from './calendar-store.ts';
import type { ContentCipher } from './content-key.ts';
import { buildManifest } from './manifest.ts';
import { isFinal, nextState, type RequestEvent } from './request-machine.ts';
import { dueOf, termsOf } from './request-terms.ts';
import { oweNotices, refuseWhileOwed } from './third-party-notices.ts';

/** Requests of data subjects as staff work on them. Every step is a compare-and-set on the state, with an entry of history. */

export const COOLING_OFF_MS = 24 * 3_600_000;
const NOTE_CHARACTERS_MAX = 500;
const NOTE_CHARACTERS_MIN = 5;
export const CONTACT_CHARACTERS_MAX = 320;
export const DETAILS_CHARACTERS_MAX = 4_000;
const LISTED_MAX = 200;
const BLOCKED = 'privacy_request';

const store = () => nativeCollection<PrivacyRequestDocument>(PrivacyRequest);
const accounts = () => nativeCollection<AccountDocument>(Account);

export type Filing = {
  accountId: string;
  type: PrivacyRequestType;
  ground?: UnlawfulGround | undefined;
  channel: PrivacyRequestDocument['channel'];
  /** Where to answer. */
  contact?: string | undefined;
  /** What the subject wrote. */
  details?: string | undefined;
  /** At most one open request may have it. */
  intakeKey?: string | undefined;
  receivedAt: Date;
  by: string;
};

export function contactContext(requestId: string): string {
  return `privacy_requests|${requestId}|contact`;
}
export function detailsContext(requestId: string): string {
  return `privacy_requests|${requestId}|details`;
}

/**
 * Takes a request in, also of a blocked account.
 * @throws `not_found` for the account, `invalid_request` for a contact or a text that is too long.
 */
export async function fileRequest(
  filing: Filing,
  cipher: Pick<ContentCipher, 'seal'>,
): Promise<PrivacyRequestDocument> {
  const { accountId, type, ground, channel, contact, details, intakeKey, receivedAt, by } = filing;
  if (contact !== undefined && contact.length > CONTACT_CHARACTERS_MAX)
    throw new AppError('invalid_request', { message: 'The contact is too long.', param: 'contact' });
  if (details !== undefined && details.length > DETAILS_CHARACTERS_MAX)
    throw new AppError('invalid_request', { message: 'The text is too long.', param: 'details' });
  if (!(await accounts().findOne({ _id: accountId }, { projection: { _id: 1 } })))
    throw new AppError('not_found', { message: 'There is no such account.' });
  const _id = newId('dsr');
  const due = dueOf({ type, ...(ground ? { ground } : {}) }, moscowDate(receivedAt.getTime()), await productionYears());
  const request: PrivacyRequestDocument = {
    _id,
    accountId,
    type,
    ...(ground ? { ground } : {}),
    state: 'received',
    channel,
    receivedAt,
    dueAt: endOfMoscowDate(due.date),
    isProvisional: due.isProvisional,
    // Under a key of its own: the account's may be destroyed before the answer is sent.
    ...(contact === undefined ? {} : { contact: await cipher.seal(_id, contactContext(_id), Buffer.from(contact)) }),
    ...(details === undefined ? {} : { details: await cipher.seal(_id, detailsContext(_id), Buffer.from(details)) }),
    ...(intakeKey === undefined ? {} : { intakeKey }),
    checkpoints: [],
    history: [{ at: new Date(), by, event: 'file', state: 'received' }],
  };
  await store().insertOne(request);
  return request;
}

/** @throws `not_found`. */
export async function findPrivacyRequest(requestId: string): Promise<PrivacyRequestDocument> {
  const found = await store().findOne({ _id: requestId }, { promoteBuffers: true });
  if (!found) throw new AppError('not_found', { message: 'There is no such request.' });
  return found;
}

/** Requests that are not over, the next due first; at most 200. */
export function openRequests(): Promise<PrivacyRequestDocument[]> {
  return store()
    .find({ closedAt: { $exists: false } })
    .sort({ dueAt: 1 })
    .limit(LISTED_MAX)
    .toArray();
}

export type Step = {
  by: string;
  note?: string | undefined;
  set?: Partial<PrivacyRequestDocument>;
};

/**
 * Moves a request on. The state changes only together with what the event decides.
 * @throws `state_conflict` when the event cannot happen in its state, or somebody was faster.
 */
export async function moveRequest(
  request: PrivacyRequestDocument,
  event: RequestEvent,
  { by, note, set = {} }: Step,
): Promise<PrivacyRequestDocument> {
  const state = nextState(request.state, event);
  if (!state) throw new AppError('state_conflict', { message: `A request that is ${request.state} cannot ${event}.` });
  if (by.trim() === '') throw new AppError('invalid_request', { message: 'It must be said who acts.' });
  if (note !== undefined && note.length > NOTE_CHARACTERS_MAX)
    throw new AppError('invalid_request', { message: 'The note is too long.' });
  const at = new Date();
  const entry: HistoryEntry = { at, by, event, state, ...(note === undefined ? {} : { note }) };
  const moved = await store().findOneAndUpdate(
    { _id: request._id, state: request.state },
    {
      $set: { ...set, state, ...(isFinal(state) ? { closedAt: at } : {}) },
      ...(isFinal(state) ? { $unset: { intakeKey: '' } } : {}),
      $push: { history: entry },
    },
    { returnDocument: 'after', promoteBuffers: true },
  );
  if (!moved) throw new AppError('state_conflict');
  return moved;
}

/** The subject is who they say. What the kind of request blocks is blocked from here on. */
export async function verifyIdentity(
  requestId: string,
  kind: IdentityKind,
  by: string,
  note?: string,
): Promise<PrivacyRequestDocument> {
  const request = await findPrivacyRequest(requestId);
  const { blocks, erases } = termsOf(request);
  const verified = await moveRequest(request, 'verify', {
    by,
    note,
    set: { identity: { kind, by, at: new Date() }, ...(blocks ? { isBlocking: true } : {}) },
  });
  if (blocks) {
    await accounts().updateOne(
      { _id: request.accountId, status: 'active' },
      { $set: { status: 'suspended', statusReason: BLOCKED } },
    );
  }
  // An erasure owes them when it begins: until then it may be taken back.
  if (!erases) await oweNotices(verified);
  return verified;
}

/** Counts what an erasure would do. @throws `invalid_request` for a kind of request that erases nothing. */
export async function planErasure(requestId: string, by: string): Promise<PrivacyRequestDocument> {
  const request = await findPrivacyRequest(requestId);
  if (!termsOf(request).erases)
    throw new AppError('invalid_request', { message: `A request of type ${request.type} destroys nothing.` });
  const manifest = await buildManifest(request.accountId);
  return moveRequest(request, 'plan', { by, note: manifest.hash, set: { manifest, handler: by } });
}

/** @throws `state_conflict` while something stands in the way. */
export async function submitErasure(requestId: string, by: string): Promise<PrivacyRequestDocument> {
  const request = await findPrivacyRequest(requestId);
  const blockers = request.manifest?.blockers ?? [];
  if (blockers.length > 0) {
    const list = blockers.map(({ code, detail }) => `${code} (${detail})`).join(', ');
    throw new AppError('state_conflict', { message: `In the way: ${list}.` });
  }
  return moveRequest(request, 'submit', { by });
}

/**
 * A second person approves exactly the manifest they have read; then the cooling-off begins, where there is one.
 * @throws `second_person_needed` for whoever planned it, `state_conflict` for another hash.
 */
export async function approveErasure(
  requestId: string,
  hash: string,
  by: string,
  nowMs = Date.now(),
): Promise<PrivacyRequestDocument> {
  const request = await findPrivacyRequest(requestId);
  if (request.handler === by) throw new AppError('second_person_needed');
  if (request.manifest?.hash !== hash)
    throw new AppError('state_conflict', { message: 'This is not the manifest that was planned.' });
  const waitMs = termsOf(request).coolsOff ? COOLING_OFF_MS : 0;
  const set = { approvedBy: by, scheduledFor: new Date(nowMs + waitMs) };
  return moveRequest(request, 'approve', { by, note: hash, set });
}

/** An erasure that was found incomplete is carried out once more. */
export async function retryErasure(requestId: string, by: string): Promise<PrivacyRequestDocument> {
  return moveRequest(await findPrivacyRequest(requestId), 'retry', { by });
}

/** Whether another request that is open keeps the account blocked. */
async function isBlocked(accountId: string): Promise<boolean> {
  const open = { accountId, isBlocking: true, closedAt: { $exists: false } };
  return (await store().findOne(open, { projection: { _id: 1 } })) !== null;
}

/** Ends a request without destroying anything, and gives the account back what the request had blocked. */
export async function closeRequest(
  requestId: string,
  event: 'refuse' | 'cancel' | 'expire' | 'duplicate',
  by: string,
  reason: string,
): Promise<PrivacyRequestDocument> {
  if (reason.trim().length < NOTE_CHARACTERS_MIN)
    throw new AppError('invalid_request', { message: 'A reason is needed; for a refusal, with its norm.' });
  const closed = await moveRequest(await findPrivacyRequest(requestId), event, { by, note: reason });
  if (closed.isBlocking && !(await isBlocked(closed.accountId))) {
    await accounts().updateOne(
      { _id: closed.accountId, status: 'suspended', statusReason: BLOCKED },
      { $set: { status: 'active' }, $unset: { statusReason: '' } },
    );
  }
  return closed;
}

/**
 * A request that destroys nothing is answered.
 * @throws `state_conflict` for one that does, and while recipients of the data have not been told.
 */
export async function answerRequest(requestId: string, by: string, note: string): Promise<PrivacyRequestDocument> {
  const request = await findPrivacyRequest(requestId);
  if (termsOf(request).erases)
    throw new AppError('state_conflict', { message: 'This request ends with a destruction, not with an answer.' });
  refuseWhileOwed(await oweNotices(request));
  return moveRequest(request, 'complete', { by, note });
}

/**
 * Five working days more, with the reasoned notice that the law asks for; only before the term is over, and once.
 * @throws `state_conflict` otherwise, `invalid_request` without reasons.
 */
export async function extendRequest(requestId: string, by: string, reason: string, nowMs = Date.now()): Promise<Date> {
  const request = await findPrivacyRequest(requestId);
  const { extensionDays } = termsOf(request);
  if (reason.trim().length < NOTE_CHARACTERS_MIN)
    throw new AppError('invalid_request', { message: 'Reasons are needed.' });
  if (extensionDays === 0)
    throw new AppError('state_conflict', { message: `No extension exists for ${request.type}.` });
  const due = dueOf(request, moscowDate(request.receivedAt.getTime()), await productionYears(), true);
  const dueAt = endOfMoscowDate(due.date);
  const at = new Date(nowMs);
  const { matchedCount } = await store().updateOne(
    { _id: requestId, extendedAt: { $exists: false }, closedAt: { $exists: false }, dueAt: { $gte: at } },
    {
      $set: { dueAt, isProvisional: due.isProvisional, extendedAt: at },
      $push: { history: { at, by, event: 'extend', state: request.state, note: reason } },
    },
  );
  if (matchedCount === 0) throw new AppError('state_conflict', { message: 'Too late, or extended already.' });
  return dueAt;
}

/** After an edit of the calendar: open requests get the date that it gives them now. Gives how many changed. */
export async function recomputeDue(by: string): Promise<number> {
  const years = await productionYears();
  let changed = 0;
  for await (const request of store().find({ closedAt: { $exists: false } })) {
    const { _id, receivedAt, extendedAt, state } = request;
    const due = dueOf(request, moscowDate(receivedAt.getTime()), years, extendedAt !== undefined);
    const dueAt = endOfMoscowDate(due.date);
    if (dueAt.getTime() === request.dueAt.getTime() && due.isProvisional === request.isProvisional) continue;
    const entry = { at: new Date(), by, event: 'calendar', state, note: `${request.dueAt.toISOString()} before` };
    await store().updateOne({ _id }, { $set: { dueAt, isProvisional: due.isProvisional }, $push: { history: entry } });
    changed++;
  }
  return changed;
}
