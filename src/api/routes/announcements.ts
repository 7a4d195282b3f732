import type { AnnouncementDocument } from '../../models/announcement.ts';
import { shownAnnouncements } from '../../support/announcements.ts';
import type { Handler } from '../context.ts';

const unix = (date: Date | undefined) => (date ? Math.floor(date.getTime() / 1_000) : null);

const present = ({ _id, title, text, publishedAt, endsAt }: AnnouncementDocument) => ({
  id: _id,
  object: 'announcement',
  title: { ru: title.ru, en: title.en },
  text: { ru: text.ru, en: text.en },
  published_at: unix(publishedAt),
  ends_at: unix(endsAt),
});

/** `GET /v1/announcements`: what owners of accounts are told now. */
export function listAnnouncements(): Handler {
  return async (_request, response) => {
    response.json({ object: 'list', data: (await shownAnnouncements('owners')).map(present) });
  };
}
