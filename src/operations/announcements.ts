import { z } from 'zod';
import { AUDIENCES } from '../models/announcement.ts';
import { draftAnnouncement, endAnnouncement, publishAnnouncement } from '../support/announcements.ts';
import { operation, personOf, reason, withReason } from './define.ts';

/** Commands about what many are told at once. */

const title = z.string().trim().min(3).max(120);
const text = z.string().trim().min(5).max(2_000);

export const ANNOUNCEMENT_OPERATIONS = {
  'announcements.draft': operation(
    'announcements.change',
    undefined,
    z.strictObject({ audience: z.enum(AUDIENCES), titleRu: title, titleEn: title, textRu: text, textEn: text }),
    async ({ audience, titleRu, titleEn, textRu, textEn }, { actor }) => ({
      madeId: await draftAnnouncement({
        audience,
        title: { ru: titleRu, en: titleEn },
        text: { ru: textRu, en: textEn },
        by: personOf(actor),
      }),
    }),
  ),
  'announcements.publish': operation(
    'announcements.change',
    'ann',
    z.strictObject({
      endsAt: z.iso
        .datetime()
        .transform((moment) => new Date(moment))
        .optional(),
      reason,
    }),
    ({ endsAt }, { actor, targetId }) => publishAnnouncement(targetId, { by: personOf(actor), endsAt }),
  ),
  'announcements.end': operation('announcements.change', 'ann', withReason, (_input, { actor, targetId }) =>
    endAnnouncement(targetId, personOf(actor)),
  ),
};
