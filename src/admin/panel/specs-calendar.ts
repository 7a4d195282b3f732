import { idField, textField, timeField } from './fields.ts';
import { type PanelSpec, REASON } from './spec.ts';

/** Years of the production calendar that staff have entered; the seeded ones are in the code. */
export const PRODUCTION_CALENDARS: PanelSpec = {
  id: 'productionCalendars',
  collection: 'production_calendars',
  icon: 'Calendar',
  permission: 'privacy-requests.read',
  title: 'id',
  hasNumericId: true,
  fields: [
    { ...idField(), filter: (text) => (/^\d{1,4}$/.test(text) ? { _id: Number(text) as never } : undefined) },
    { ...textField('off', { listed: true }), type: 'textarea' },
    textField('working', { listed: true }),
    textField('decree', { path: 'source', listed: true }),
    textField('version'),
    textField('enteredBy', { path: 'changedBy', reference: 'staff' }),
    timeField('enteredAt', { path: 'changedAt', listed: true }),
  ],
  collectionCommands: [
    {
      action: 'enterYear',
      operation: 'calendar.enter',
      icon: 'PlusCircle',
      fields: [
        { name: 'year', kind: 'word' },
        { name: 'off', kind: 'letter' },
        { name: 'working', kind: 'word', isOptional: true },
        { name: 'decree', kind: 'word' },
        REASON,
      ],
    },
  ],
};
