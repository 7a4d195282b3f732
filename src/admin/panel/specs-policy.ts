import type { PolicyContent } from '../../models/policy.ts';
import { findVersion } from '../../privacy/policy-versions.ts';
import { choiceField, exactField, idField, numberField, textField, timeField } from './fields.ts';
import { type PanelCommand, type PanelField, type PanelSpec, REASON } from './spec.ts';

/** What customers were promised, and what they have taken note of and consented to. */

function policyText({ title, sections }: PolicyContent): string {
  const parts = sections.map(({ heading, paragraphs, table }) =>
    [heading, ...paragraphs, ...(table ? [table.head, ...table.rows].map((cells) => cells.join(' | ')) : [])].join(
      '\n',
    ),
  );
  return [title, ...parts].join('\n\n');
}

/** The whole text, on the version's own page only. */
const policyIn = (name: string, language: 'ru' | 'en'): PanelField => ({
  name,
  paths: ['_id'],
  type: 'textarea',
  value: () => undefined,
  opened: async ({ _id }) => policyText((await findVersion(_id)).content[language]),
});

const NUMBER: PanelField = numberField('id', { path: '_id', listed: true });

export const POLICY_VERSIONS: PanelSpec = {
  id: 'policyVersions',
  collection: 'policy_versions',
  icon: 'FileText',
  permission: 'privacy.read',
  title: 'id',
  hasNumericId: true,
  related: [{ resourceId: 'policyAcceptances', filter: 'version' }],
  fields: [
    NUMBER,
    timeField('effectiveAt', { listed: true }),
    timeField('publishedAt', { listed: true }),
    textField('publishedBy', { reference: 'staff', listed: true }),
    textField('hash'),
    policyIn('textRu', 'ru'),
    policyIn('textEn', 'en'),
  ],
  collectionCommands: [
    {
      action: 'publishPolicy',
      operation: 'policy.publish',
      icon: 'Send',
      fields: [{ name: 'effectiveAt', kind: 'moment' }, REASON],
    },
  ],
};

export const POLICY_ACCEPTANCES: PanelSpec = {
  id: 'policyAcceptances',
  collection: 'policy_acceptances',
  icon: 'UserCheck',
  permission: 'privacy.read',
  title: 'id',
  fields: [
    idField({ listed: false }),
    exactField('accountId', { reference: 'accounts', listed: true, isIndexed: true }),
    numberField('version', { reference: 'policyVersions', listed: true }),
    timeField('at', { listed: true }),
    exactField('keyId', { reference: 'keys', listed: true }),
    textField('hash'),
  ],
};

export const CONSENT_DOCUMENTS: PanelSpec = {
  id: 'consentDocuments',
  collection: 'consent_documents',
  icon: 'FilePlus',
  permission: 'privacy.read',
  title: 'id',
  fields: [
    idField({ listed: false }),
    exactField('consentPurpose', { path: 'purpose', listed: true }),
    textField('version', { listed: true }),
    textField('titleRu', { path: 'title.ru', listed: true }),
    textField('titleEn', { path: 'title.en' }),
    { ...textField('textRu', { path: 'text.ru' }), type: 'textarea' },
    { ...textField('textEn', { path: 'text.en' }), type: 'textarea' },
    timeField('publishedAt', { listed: true }),
    textField('publishedBy', { reference: 'staff' }),
  ],
  collectionCommands: [
    {
      action: 'publishConsent',
      operation: 'consents.publish',
      icon: 'Send',
      fields: [
        { name: 'purpose', kind: 'word' },
        { name: 'titleRu', kind: 'word' },
        { name: 'textRu', kind: 'letter' },
        { name: 'titleEn', kind: 'word' },
        { name: 'textEn', kind: 'letter' },
        REASON,
      ],
    },
  ],
};

const STATES = ['inForce', 'withdrawn'] as const;
const withdrawn = (is: boolean) => ({ activeKey: { $exists: !is } });

export const CONSENTS: PanelSpec = {
  id: 'consents',
  collection: 'consents',
  icon: 'CheckSquare',
  permission: 'privacy.read',
  title: 'id',
  fields: [
    idField({ listed: false }),
    exactField('accountId', { reference: 'accounts', listed: true, isIndexed: true }),
    exactField('consentPurpose', { path: 'purpose', listed: true }),
    textField('version', { listed: true }),
    {
      ...choiceField('consentState', STATES, { path: 'activeKey', listed: true }),
      value: ({ activeKey }) => (activeKey === undefined ? 'withdrawn' : 'inForce'),
      filter: (text) => (STATES.some((state) => state === text) ? withdrawn(text === 'withdrawn') : undefined),
    },
    timeField('givenAt', { listed: true }),
    exactField('keyId', { path: 'givenBy', reference: 'keys' }),
    textField('shownIn', { path: 'language' }),
    textField('hash', { path: 'textHash' }),
    timeField('withdrawnAt', { listed: true }),
    textField('withdrawnBy'),
  ],
};

/** On an account's page, for whoever wrote a letter instead of using the API. */
export const WITHDRAW_CONSENT: PanelCommand = {
  action: 'withdrawConsent',
  operation: 'consents.withdraw',
  icon: 'XSquare',
  fields: [{ name: 'purpose', kind: 'word' }, REASON],
};
