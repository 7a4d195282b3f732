import type { UpdateFilter } from 'mongodb';
import { AppError } from '../errors.ts';
import { newId } from '../ids.ts';
import { Account, type AccountDocument } from '../models/account.ts';
import { bytesOf, nativeCollection } from '../models/connect.ts';
import {
  INCIDENT_TOPICS,
  Incident,
  IncidentAccount,
  type IncidentAccountDocument,
  type IncidentDocument,
  type IncidentNotice,
  type IncidentTopic,
  type IncidentVerdict,
} from '../models/incident.ts';
import type { ContentCipher } from './content-key.ts';
import { missingTopics, noticeDueAt } from './incident-clocks.ts';

/**
 * The register of incidents with personal data (152-FZ art. 21(3.1)). Facts are added and never changed; every change is a
 * compare-and-set on the revision, with an entry of history.
 */

export const INCIDENT_TEXT_CHARACTERS_MAX = 4_000;
/** Of one command. */
export const LINKED_AT_ONCE_MAX = 500;
/** Of one incident. More are told by an announcement, and counted in `subjectCount`. */
export const LINKED_MAX = 10_000;
const FACTS_MAX = 100;
const HISTORY_MAX = 500;
const LISTED_MAX = 200;

const incidents = () => nativeCollection<IncidentDocument>(Incident);
const linked = () => nativeCollection<IncidentAccountDocument>(IncidentAccount);

const placeOf = (incidentId: string, topic: IncidentTopic): string => `incidents|${incidentId}|${topic}`;

type Sealer = Pick<ContentCipher, 'seal'>;
type Change = { by: string; event: string; note?: string | undefined; set: Partial<IncidentDocument> };

/** @throws `not_found`. */
export async function findIncident(incidentId: string): Promise<IncidentDocument> {
  const found = await incidents().findOne({ _id: incidentId });
  if (!found) throw new AppError('not_found', { message: 'There is no such incident.' });
  return found;
}

/** Incidents that are not over, the next notice first; at most 200. */
export function openIncidents(): Promise<IncidentDocument[]> {
  return incidents().find({ state: 'open' }).sort({ dueAt: 1 }).limit(LISTED_MAX).toArray();
}

async function sealed(
  incidentId: string,
  { topic, text, by }: { topic: IncidentTopic; text: string; by: string },
  cipher: Sealer,
) {
  return {
    topic,
    by,
    at: new Date(),
    text: await cipher.seal(incidentId, placeOf(incidentId, topic), Buffer.from(text)),
  };
}

/**
 * Enters an incident. Both terms run from its detection, whatever it turns out to be.
 * @param text what has happened.
 */
export async function openIncident(
  { detectedAt, text, by }: { detectedAt: Date; text: string; by: string },
  cipher: Sealer,
): Promise<IncidentDocument> {
  const _id = newId('inc');
  const begun = { state: 'open', verdict: 'unclear', detectedAt, notices: {} } as const;
  const dueAt = noticeDueAt(begun);
  const incident: IncidentDocument = {
    _id,
    ...begun,
    openedBy: by,
    accountCount: 0,
    facts: [await sealed(_id, { topic: 'event', text, by }, cipher)],
    ...(dueAt ? { dueAt } : {}),
    revision: 1,
    history: [{ at: new Date(), by, event: 'open' }],
  };
  await incidents().insertOne(incident);
  return incident;
}

/** @throws `state_conflict` when it is closed, has too many entries, or somebody else was faster. */
async function change(
  incident: IncidentDocument,
  { by, event, note, set }: Change,
  more: UpdateFilter<IncidentDocument> = {},
): Promise<IncidentDocument> {
  if (incident.state === 'closed') throw new AppError('state_conflict', { message: 'This incident is closed.' });
  if (incident.history.length >= HISTORY_MAX)
    throw new AppError('state_conflict', { message: 'This incident has too many entries: open another one.' });
  const { dueAt: _old, ...rest } = { ...incident, ...set };
  const dueAt = noticeDueAt(rest);
  const entry = { at: new Date(), by, event, ...(note === undefined ? {} : { note }) };
  const changed = await incidents().findOneAndUpdate(
    { _id: incident._id, revision: incident.revision },
    {
      $set: { ...set, ...(dueAt ? { dueAt } : {}) },
      ...(dueAt ? {} : { $unset: { dueAt: '' } }),
      $inc: { revision: 1 },
      $push: { history: entry, ...more.$push },
    } as UpdateFilter<IncidentDocument>,
    { returnDocument: 'after' },
  );
  if (!changed)
    throw new AppError('state_conflict', { message: 'Somebody changed it at this moment. Look and repeat.' });
  return changed;
}

/** Adds what has become known. It stands in the notices in place of what was written on the topic before. */
export async function addFact(
  incidentId: string,
  fact: { topic: IncidentTopic; text: string; by: string },
  cipher: Sealer,
): Promise<IncidentDocument> {
  const incident = await findIncident(incidentId);
  if (incident.facts.length >= FACTS_MAX)
    throw new AppError('state_conflict', { message: `An incident has at most ${FACTS_MAX} entries of facts.` });
  const facts = await sealed(incidentId, fact, cipher);
  const { by, topic } = fact;
  return change(incident, { by, event: 'add', note: topic, set: {} }, { $push: { facts } });
}

/** What stands now on each topic. @throws when a text cannot be opened. */
export async function readFacts(
  { _id, facts }: Pick<IncidentDocument, '_id' | 'facts'>,
  cipher: Pick<ContentCipher, 'open'>,
): Promise<Partial<Record<IncidentTopic, string>>> {
  const read: Partial<Record<IncidentTopic, string>> = {};
  for (const topic of INCIDENT_TOPICS) {
    const newest = facts.findLast((fact) => fact.topic === topic);
    if (newest) read[topic] = (await cipher.open(_id, placeOf(_id, topic), bytesOf(newest.text))).toString();
  }
  return read;
}

/**
 * Says whether the rights of subjects are infringed. Until then the terms run as if they were.
 * @throws `state_conflict` for what Roskomnadzor was told of already: the additional notice tells how that ended.
 */
export async function classifyIncident(
  incidentId: string,
  { verdict, subjectCount, by, reason }: ClassifyWish,
): Promise<IncidentDocument> {
  const incident = await findIncident(incidentId);
  if (verdict === 'no_breach' && incident.notices.first)
    throw new AppError('state_conflict', { message: 'Roskomnadzor was told. Write the result of the investigation.' });
  const set = { verdict, ...(subjectCount === undefined ? {} : { subjectCount }) };
  return change(incident, { by, event: 'classify', note: `${verdict}: ${reason}`, set });
}
type ClassifyWish = {
  verdict: Exclude<IncidentVerdict, 'unclear'>;
  subjectCount?: number | undefined;
  by: string;
  reason: string;
};

/**
 * Notes that a notice is with Roskomnadzor.
 * @throws `state_conflict` when it is noted, is not its turn, or lacks an item that the law wants; `invalid_request` for a
 *   moment before the detection or to come.
 */
export async function recordNotice(
  incidentId: string,
  notice: IncidentNotice,
  { sentAt, noticeNumber, by }: { sentAt: Date; noticeNumber?: string | undefined; by: string },
): Promise<IncidentDocument> {
  const incident = await findIncident(incidentId);
  const { verdict, notices, facts, detectedAt } = incident;
  if (verdict !== 'breach') throw new AppError('state_conflict', { message: 'Say first that it is a breach.' });
  if (notices[notice]) throw new AppError('state_conflict', { message: 'This notice is noted as sent.' });
  if (notice === 'additional' && !notices.first)
    throw new AppError('state_conflict', { message: 'The first notice comes first.' });
  const missing = missingTopics(notice, facts);
  if (missing.length > 0) throw new AppError('state_conflict', { message: `Not written yet: ${missing.join(', ')}.` });
  if (sentAt.getTime() < detectedAt.getTime() || sentAt.getTime() > Date.now())
    throw new AppError('invalid_request', { param: 'sentAt', message: 'sentAt: is before the detection, or to come' });
  const sent = { sentAt, by, at: new Date(), ...(noticeNumber === undefined ? {} : { noticeNumber }) };
  return change(incident, { by, event: 'sent', note: notice, set: { notices: { ...notices, [notice]: sent } } });
}

/** @throws `state_conflict` while a notice is due, or nobody has said whether it is a breach. */
export async function closeIncident(incidentId: string, by: string, reason: string): Promise<IncidentDocument> {
  const incident = await findIncident(incidentId);
  if (incident.verdict === 'unclear')
    throw new AppError('state_conflict', { message: 'Say first whether it is a breach.' });
  if (noticeDueAt(incident)) throw new AppError('state_conflict', { message: 'A notice to Roskomnadzor is due.' });
  const closedAt = new Date();
  // Before the incident itself: a process that dies between leaves links whose term has an end.
  await endLinks(incidentId, closedAt);
  return change(incident, { by, event: 'close', note: reason, set: { state: 'closed', closedAt } });
}

async function endLinks(incidentId: string, closedAt: Date): Promise<void> {
  await linked().updateMany({ incidentId }, { $set: { closedAt } });
}

/**
 * Links accounts whose data is concerned; one that is linked already stays.
 * @throws `not_found` for an account that does not exist, `invalid_request` or `state_conflict` for too many.
 */
export async function linkAccounts(
  incidentId: string,
  accountIds: readonly string[],
  by: string,
): Promise<IncidentDocument> {
  const incident = await findIncident(incidentId);
  const wanted = [...new Set(accountIds)];
  if (wanted.length === 0 || wanted.length > LINKED_AT_ONCE_MAX)
    throw new AppError('invalid_request', { message: `From 1 to ${LINKED_AT_ONCE_MAX} accounts at once.` });
  await refuseUnknown(wanted);
  if (incident.accountCount + wanted.length > LINKED_MAX)
    throw new AppError('state_conflict', { message: `An incident has at most ${LINKED_MAX} accounts.` });
  const at = new Date();
  const noted = await change(incident, { by, event: 'link', note: `${wanted.length} accounts`, set: {} });
  await linked().bulkWrite(
    wanted.map((accountId) => {
      const _id = `${incidentId}|${accountId}`;
      return {
        updateOne: { filter: { _id }, update: { $setOnInsert: { incidentId, accountId, at, by } }, upsert: true },
      };
    }),
    { ordered: false },
  );
  const accountCount = await linked().countDocuments({ incidentId }, { limit: LINKED_MAX });
  await incidents().updateOne({ _id: incidentId }, { $set: { accountCount } });
  // Closed meanwhile: these links end with the others.
  const { closedAt } = await findIncident(incidentId);
  if (closedAt) await endLinks(incidentId, closedAt);
  return { ...noted, accountCount };
}

async function refuseUnknown(accountIds: readonly string[]): Promise<void> {
  const found = await nativeCollection<AccountDocument>(Account)
    .find({ _id: { $in: [...accountIds] } }, { projection: { _id: 1 } })
    .toArray();
  const known = new Set(found.map(({ _id }) => _id));
  const missing = accountIds.find((accountId) => !known.has(accountId));
  if (missing !== undefined) throw new AppError('not_found', { message: `There is no account ${missing}.` });
}

/** Ids of the accounts that are linked, in their order, in pages. */
export async function* linkedAccounts(incidentId: string): AsyncGenerator<string> {
  const found = linked()
    .find({ incidentId }, { projection: { accountId: 1 } })
    .sort({ _id: 1 })
    .limit(LINKED_MAX);
  for await (const { accountId } of found) yield accountId;
}
