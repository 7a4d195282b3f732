import type { Document } from 'mongodb';
import {
  INCIDENT_NOTICES,
  INCIDENT_TOPICS,
  INCIDENT_VERDICTS,
  type IncidentDocument,
  type IncidentTopic,
} from '../../models/incident.ts';
import { INCIDENT_STEPS, nextIncidentStep } from '../../privacy/incident-clocks.ts';
import { INCIDENT_FILES, INCIDENT_PAPERS } from '../../privacy/incident-papers.ts';
import { readFacts } from '../../privacy/incidents.ts';
import { choiceField, exactField, historyField, idField, textField, timeField } from './fields.ts';
import { type PanelField, type PanelSpec, REASON } from './spec.ts';

/** The register of incidents with personal data: the queue by the hour, and on each one's page the next step of the law. */

const SOON_MS = 6 * 3_600_000;
const CLOCKS = ['open', 'overdue', 'soon', 'due', 'met', 'over'] as const;
const OPEN = { state: 'open' } as const;

/** How the next notice stands; the colour of an incident in the queue. `open` is for searching only. */
const clock: PanelField = {
  name: 'incidentClock',
  paths: ['state', 'dueAt'],
  choices: CLOCKS,
  listed: true,
  value: ({ state, dueAt }) => {
    if (state === 'closed') return 'over';
    if (!(dueAt instanceof Date)) return 'met';
    const leftMs = dueAt.getTime() - Date.now();
    if (leftMs <= 0) return 'overdue';
    return leftMs <= SOON_MS ? 'soon' : 'due';
  },
  filter: (text) => {
    const [now, soon] = [new Date(), new Date(Date.now() + SOON_MS)];
    const filters: Readonly<Record<string, Document>> = {
      open: OPEN,
      over: { state: 'closed' },
      met: { ...OPEN, dueAt: { $exists: false } },
      overdue: { ...OPEN, dueAt: { $lte: now } },
      soon: { ...OPEN, dueAt: { $gt: now, $lte: soon } },
      due: { ...OPEN, dueAt: { $gt: soon } },
    };
    return Object.hasOwn(filters, text) ? filters[text] : undefined;
  },
};

const nextStep: PanelField = {
  name: 'incidentStep',
  type: 'textarea',
  paths: ['state', 'verdict', 'detectedAt', 'notices.first.sentAt', 'notices.additional.sentAt', 'facts'],
  choices: INCIDENT_STEPS,
  listed: true,
  value: (document) => nextIncidentStep(document as IncidentDocument),
};

/** What stands on a topic now. */
function written(topic: IncidentTopic): PanelField {
  return {
    name: `incident_${topic}`,
    paths: ['facts'],
    type: 'textarea',
    value: () => undefined,
    opened: async (document, cipher) => (await readFacts(document as IncidentDocument, cipher))[topic] ?? '',
  };
}

type Texts = Readonly<Record<string, unknown>>;
const isOpen = ({ incidentClock }: Texts) => incidentClock !== 'over';
const isStep =
  (...steps: string[]) =>
  ({ incidentStep }: Texts) =>
    steps.includes(String(incidentStep));

export const INCIDENTS: PanelSpec = {
  id: 'incidents',
  collection: 'incidents',
  icon: 'AlertTriangle',
  permission: 'incidents.read',
  title: 'id',
  nextStep: 'incidentStep',
  ordered: { within: 'incidentClock', by: 'dueAt', direction: 1 },
  related: [
    { resourceId: 'incidentAccounts', filter: 'incidentId' },
    { resourceId: 'audit', filter: 'targetId' },
  ],
  fields: [
    idField(),
    clock,
    timeField('dueAt', { listed: true }),
    nextStep,
    choiceField('verdict', INCIDENT_VERDICTS, { listed: true }),
    timeField('detectedAt', { listed: true }),
    textField('subjectCount'),
    textField('accountCount', { listed: true }),
    ...INCIDENT_TOPICS.map(written),
    timeField('firstSentAt', { path: 'notices.first.sentAt' }),
    textField('firstNumber', { path: 'notices.first.noticeNumber' }),
    timeField('additionalSentAt', { path: 'notices.additional.sentAt' }),
    textField('additionalNumber', { path: 'notices.additional.noticeNumber' }),
    textField('openedBy', { reference: 'staff' }),
    historyField(['at', 'by', 'event', 'note']),
    timeField('closedAt'),
  ],
  files: INCIDENT_FILES.map((name) => ({ name, operation: 'incidents.paper' })),
  collectionCommands: [
    {
      action: 'openIncident',
      operation: 'incidents.open',
      icon: 'PlusCircle',
      fields: [
        { name: 'text', kind: 'letter' },
        { name: 'detectedAt', kind: 'moment', isOptional: true },
      ],
    },
  ],
  commands: [
    {
      action: 'addFact',
      operation: 'incidents.add',
      icon: 'Edit',
      fields: [
        { name: 'topic', kind: 'choice', choices: INCIDENT_TOPICS },
        { name: 'text', kind: 'letter' },
      ],
      when: isOpen,
    },
    {
      action: 'classifyIncident',
      operation: 'incidents.classify',
      icon: 'HelpCircle',
      fields: [
        { name: 'verdict', kind: 'choice', choices: ['breach', 'no_breach'] },
        { name: 'subjectCount', kind: 'word', isOptional: true },
        REASON,
      ],
      when: isOpen,
    },
    {
      action: 'linkAccounts',
      operation: 'incidents.link',
      icon: 'Link',
      fields: [{ name: 'accountIds', kind: 'letter' }],
      when: isOpen,
    },
    {
      action: 'draftNotice',
      operation: 'incidents.draft',
      icon: 'FileText',
      fields: [
        { name: 'paper', kind: 'choice', choices: INCIDENT_PAPERS },
        { name: 'language', kind: 'choice', choices: ['ru', 'en'] },
      ],
    },
    {
      action: 'noticeSent',
      operation: 'incidents.sent',
      icon: 'Send',
      fields: [
        { name: 'notice', kind: 'choice', choices: INCIDENT_NOTICES },
        { name: 'sentAt', kind: 'moment' },
        { name: 'noticeNumber', kind: 'word', isOptional: true },
      ],
      when: isStep('send_first', 'send_additional'),
    },
    {
      action: 'closeIncident',
      operation: 'incidents.close',
      icon: 'CheckCircle',
      fields: [REASON],
      when: isStep('close'),
    },
  ],
};

/** Accounts that incidents concern, one row for each incident. */
export const INCIDENT_ACCOUNTS: PanelSpec = {
  id: 'incidentAccounts',
  collection: 'incident_accounts',
  icon: 'UserX',
  permission: 'incidents.read',
  title: 'accountId',
  fields: [
    idField({ listed: false }),
    exactField('accountId', { reference: 'accounts', listed: true, isIndexed: true }),
    exactField('incidentId', { reference: 'incidents', listed: true, isIndexed: true }),
    timeField('at', { listed: true }),
    textField('linkedBy', { path: 'by', reference: 'staff' }),
  ],
};
