import { choiceField, exactField, wordsField } from './fields.ts';
import { settingRows } from './setting-rows.ts';
import { SETTING_GROUPS } from './setting-texts.ts';
import type { PanelSpec } from './spec.ts';

/** What the service is configured with, what that affects, and where it is changed. Secrets are not among it. */

const words = (name: string, listed = false) => wordsField(name, (document) => document[name], { listed });

export const SETTINGS: PanelSpec = {
  id: 'settings',
  collection: ({ settings }) => settingRows(settings),
  icon: 'Settings',
  permission: 'settings.read',
  title: 'id',
  fields: [
    exactField('id', { path: '_id', listed: true }),
    words('affects', true),
    choiceField('group', SETTING_GROUPS),
    words('current', true),
    words('fallback'),
    words('min', true),
    words('max', true),
    choiceField('source', ['environment', 'built_in', 'back_office'], { listed: true }),
  ],
};
