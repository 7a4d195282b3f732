import { ANNOUNCEMENT_STATES, AUDIENCES } from '../../models/announcement.ts';
import { choiceField, createdField, idField, plain, textField, timeField } from './fields.ts';
import { type PanelField, type PanelSpec, REASON } from './spec.ts';

/** What many are told at once. */

const body = (name: string, path: string): PanelField => ({ ...textField(name, { path }), type: 'textarea' });
const isDraft = ({ announcementState }: Readonly<Record<string, unknown>>) => announcementState === 'draft';
const hasNotEnded = ({ announcementState }: Readonly<Record<string, unknown>>) => announcementState !== 'ended';

export const ANNOUNCEMENTS: PanelSpec = {
  id: 'announcements',
  collection: 'announcements',
  icon: 'Bell',
  permission: 'announcements.read',
  title: 'id',
  steps: ['createdAt', 'publishedAt', 'endsAt', 'endedAt'],
  fields: [
    idField({ listed: false }),
    {
      ...createdField('ann', { listed: true }),
      paths: ['draftedAt'],
      value: ({ draftedAt }) => draftedAt?.toISOString(),
    },
    choiceField('announcementState', ANNOUNCEMENT_STATES, { path: 'state', listed: true }),
    choiceField('audience', AUDIENCES, { listed: true }),
    textField('titleRu', { path: 'title.ru', listed: true }),
    textField('titleEn', { path: 'title.en' }),
    body('textRu', 'text.ru'),
    body('textEn', 'text.en'),
    timeField('publishedAt', { listed: true }),
    {
      ...timeField('endsAt', { listed: true }),
      paths: ['endsAt', 'endedAt'],
      // Of one that was ended by hand, `endedAt` says when.
      value: ({ endsAt, endedAt }) => (endedAt === undefined ? plain(endsAt) : undefined),
    },
    timeField('endedAt'),
    textField('draftedBy', { reference: 'staff' }),
    textField('publishedBy', { reference: 'staff' }),
    textField('endedBy', { reference: 'staff' }),
  ],
  collectionCommands: [
    {
      action: 'draft',
      operation: 'announcements.draft',
      icon: 'PlusCircle',
      fields: [
        { name: 'audience', kind: 'choice', choices: AUDIENCES },
        { name: 'titleRu', kind: 'word' },
        { name: 'textRu', kind: 'letter' },
        { name: 'titleEn', kind: 'word' },
        { name: 'textEn', kind: 'letter' },
      ],
    },
  ],
  commands: [
    {
      action: 'publish',
      operation: 'announcements.publish',
      icon: 'Send',
      fields: [{ name: 'endsAt', kind: 'moment', isOptional: true }, REASON],
      when: isDraft,
    },
    {
      action: 'endAnnouncement',
      operation: 'announcements.end',
      icon: 'X',
      fields: [REASON],
      when: hasNotEnded,
      isDangerous: true,
    },
  ],
};
