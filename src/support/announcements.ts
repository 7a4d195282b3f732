import { AppError } from '../errors.ts';
import { newId } from '../ids.ts';
import {
  Announcement,
  type AnnouncementDocument,
  type AnnouncementState,
  type Audience,
  type InBothLanguages,
} from '../models/announcement.ts';
import { nativeCollection } from '../models/connect.ts';

/** Announcements: drafted, published, ended. Every step is a compare-and-set. */

const SHOWN_MAX = 20;
const READ_TIMEOUT_MS = 3_000;

const announcements = () => nativeCollection<AnnouncementDocument>(Announcement);

export type Draft = { audience: Audience; title: InBothLanguages; text: InBothLanguages; by: string };

/** Writes one down; nobody is shown it yet. Gives its id. */
export async function draftAnnouncement({ audience, title, text, by }: Draft): Promise<string> {
  const at = new Date();
  const _id = newId('ann', at.getTime());
  await announcements().insertOne({ _id, state: 'draft', audience, title, text, draftedBy: by, draftedAt: at });
  return _id;
}

async function move(
  announcementId: string,
  from: readonly AnnouncementState[],
  set: Partial<AnnouncementDocument>,
): Promise<void> {
  const { matchedCount } = await announcements().updateOne(
    { _id: announcementId, state: { $in: [...from] } },
    { $set: set },
  );
  if (matchedCount === 1) return;
  const found = await announcements().findOne({ _id: announcementId }, { projection: { state: 1 } });
  if (!found) throw new AppError('not_found', { message: 'There is no such announcement.' });
  throw new AppError('state_conflict', { message: `This announcement is ${found.state}.` });
}

/**
 * Shows a draft from now on, until it is ended or its time is over.
 * @throws `not_found`, `state_conflict` when it is no draft, `invalid_request` for an end that is past.
 */
export async function publishAnnouncement(
  announcementId: string,
  { by, endsAt }: { by: string; endsAt?: Date | undefined },
): Promise<void> {
  const publishedAt = new Date();
  if (endsAt !== undefined && endsAt <= publishedAt)
    throw new AppError('invalid_request', { param: 'endsAt', message: 'endsAt: is past' });
  const until = endsAt === undefined ? {} : { endsAt };
  await move(announcementId, ['draft'], { state: 'published', publishedBy: by, publishedAt, ...until });
}

/** Takes one back, a draft too. @throws `not_found`, or `state_conflict` when it has ended. */
export function endAnnouncement(announcementId: string, by: string): Promise<void> {
  const endedAt = new Date();
  return move(announcementId, ['draft', 'published'], { state: 'ended', endedBy: by, endedAt, endsAt: endedAt });
}

/** What is shown to an audience now, the newest first; at most 20. */
export function shownAnnouncements(audience: Exclude<Audience, 'everybody'>): Promise<AnnouncementDocument[]> {
  const current = { $or: [{ endsAt: { $exists: false } }, { endsAt: { $gt: new Date() } }] };
  return announcements()
    .find(
      { state: 'published', audience: { $in: ['everybody', audience] }, ...current },
      { maxTimeMS: READ_TIMEOUT_MS },
    )
    .sort({ _id: -1 })
    .limit(SHOWN_MAX)
    .toArray();
}
