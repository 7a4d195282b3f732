import {
  type Archive,
  IDENTITY_KINDS,
  PRIVACY_REQUEST_STATES,
  PRIVACY_REQUEST_TYPES,
  type PrivacyRequestDocument,
  type PrivacyRequestState,
  type PrivacyRequestType,
  REQUEST_CHANNELS,
  UNLAWFUL_GROUNDS,
} from '../../models/privacy-request.ts';
import type { OperationName } from '../../operations/catalogue.ts';
import { archiveStatus } from '../../privacy/archive-links.ts';
import { EVIDENCE_FILE } from '../../privacy/evidence-pack.ts';
import { readTexts } from '../../privacy/intake.ts';
import { nextState } from '../../privacy/request-machine.ts';
import { REQUEST_FILES, requestFiles } from '../../privacy/request-papers.ts';
import type { PAUSES } from '../../privacy/request-pauses.ts';
import { REQUEST_TERMS, type RequestKind, termsOf } from '../../privacy/request-terms.ts';
import { normIn } from '../../privacy/russian-norms.ts';
import { choiceField, exactField, historyField, idField, textField, timeField, wordsField } from './fields.ts';
import { blockers, classesField, notices, noticesOwed, noticeTexts } from './privacy-lines.ts';
import { ARCHIVE_PATHS, nextStep } from './privacy-steps.ts';
import { type PanelCommand, type PanelField, type PanelSpec, REASON } from './spec.ts';

/** Requests of data subjects: the queue by due date, and on each one's page the next step that the law wants. */

const PROOFS = [...IDENTITY_KINDS, 'own_finding'];
const SOON_MS = 3 * 86_400_000;
const TERMS = ['open', 'overdue', 'soon', 'due', 'closed'] as const;
const OPEN = { closedAt: { $exists: false } };
/** An erasure is over and stays in the queue until everybody was told. */
const TO_DO = { $or: [OPEN, { state: { $regex: /^completed/ }, 'notices.state': 'owed' }] };

/** How the term stands; the colour of a request in the queue. `open` is for searching only. */
const term: PanelField = {
  name: 'term',
  paths: ['dueAt', 'closedAt'],
  choices: TERMS,
  listed: true,
  value: ({ dueAt, closedAt }) => {
    if (closedAt !== undefined || !(dueAt instanceof Date)) return 'closed';
    const leftMs = dueAt.getTime() - Date.now();
    if (leftMs <= 0) return 'overdue';
    return leftMs <= SOON_MS ? 'soon' : 'due';
  },
  filter: (text) => {
    const [now, soon] = [new Date(), new Date(Date.now() + SOON_MS)];
    if (text === 'closed') return { closedAt: { $exists: true } };
    if (text === 'open') return TO_DO;
    if (text === 'overdue') return { ...OPEN, dueAt: { $lte: now } };
    if (text === 'soon') return { ...OPEN, dueAt: { $gt: now, $lte: soon } };
    return text === 'due' ? { ...OPEN, dueAt: { $gt: soon } } : undefined;
  },
};

/** A warning: without a calendar the date may be too early. */
const provisional: PanelField = {
  name: 'isProvisional',
  choices: ['provisional'],
  listed: true,
  value: ({ isProvisional }) => (isProvisional === true ? 'provisional' : undefined),
  filter: (text) => (text === 'provisional' ? { isProvisional: true } : undefined),
};

const norm = wordsField(
  'norm',
  (document) => {
    const text = termsOf(document as RequestKind)?.norm ?? '';
    return { ru: normIn('ru', text), en: text };
  },
  { paths: ['type', 'ground'] },
);

const archive: PanelField = {
  name: 'archive',
  paths: ARCHIVE_PATHS,
  choices: ['preparing', 'ready', 'downloaded', 'failed', 'expired'],
  value: ({ archive: found }) => found && archiveStatus(found as Archive, Date.now()),
};

/** What the subject wrote, and where to answer: for those who answer. */
function written(name: 'contact' | 'details'): PanelField {
  return {
    name,
    paths: [name],
    permission: 'contacts.read',
    type: 'textarea',
    value: () => undefined,
    opened: async (document, cipher) => (await readTexts(document as PrivacyRequestDocument, cipher))[name] ?? '',
  };
}

/** Papers to send that the request gives reason for now. */
const papers: PanelField = {
  name: 'papers',
  paths: ['state', 'extendedAt', 'notices.recipient'],
  isHidden: true,
  value: (document) => requestFiles(document as PrivacyRequestDocument).join('\n') || undefined,
};

/** What an inspector is given, for those who may read all of it. */
const evidence: PanelField = {
  name: 'evidence',
  paths: [],
  isHidden: true,
  permission: 'privacy.read',
  value: () => EVIDENCE_FILE,
};

type Texts = Readonly<Record<string, unknown>>;
const may = (event: Parameters<typeof nextState>[1]) => (texts: Texts) =>
  nextState(texts.subjectState as PrivacyRequestState, event) !== undefined;
const erases = ({ subjectType }: Texts) => REQUEST_TERMS[subjectType as PrivacyRequestType]?.erases === true;

function closing(action: string, event: 'refuse' | 'cancel' | 'duplicate', icon: string): PanelCommand {
  return { action, operation: `privacy.${event}`, icon, fields: [REASON], when: may(event), isDangerous: true };
}

function notice(
  action: string,
  step: 'sent' | 'answered',
  icon: string,
  when: PanelCommand['when'] & object,
): PanelCommand {
  return { action, operation: `privacy.notice-${step}`, icon, fields: [{ name: 'recipient', kind: 'word' }], when };
}

function pause(action: string, event: (typeof PAUSES)[number] | 'expire', icon: string): PanelCommand {
  const operation = `privacy.${event.replace('_', '-')}` as OperationName;
  return { action, operation, icon, fields: [REASON], when: may(event) };
}

export const PRIVACY_REQUESTS: PanelSpec = {
  id: 'privacyRequests',
  collection: 'privacy_requests',
  icon: 'Shield',
  permission: 'privacy-requests.read',
  title: 'id',
  nextStep: 'nextStep',
  ordered: { within: 'term', by: 'dueAt', direction: 1 },
  related: [{ resourceId: 'audit', filter: 'targetId' }],
  fields: [
    idField(),
    term,
    timeField('dueAt', { listed: true }),
    nextStep,
    exactField('accountId', { reference: 'accounts', listed: true, isIndexed: true }),
    choiceField('subjectType', PRIVACY_REQUEST_TYPES, { path: 'type', listed: true }),
    choiceField('subjectState', PRIVACY_REQUEST_STATES, { path: 'state' }),
    provisional,
    norm,
    written('contact'),
    written('details'),
    choiceField('ground', UNLAWFUL_GROUNDS),
    choiceField('channel', REQUEST_CHANNELS),
    timeField('receivedAt'),
    choiceField('identity', PROOFS, { path: 'identity.kind' }),
    timeField('extendedAt'),
    archive,
    timeField('linkIssuedAt', { path: 'archive.link.issuedAt' }),
    textField('archiveHash', { path: 'archive.sha256' }),
    textField('handler', { reference: 'staff' }),
    classesField('manifest', 'manifest.classes'),
    blockers,
    textField('manifestHash', { path: 'manifest.hash' }),
    textField('approvedBy', { reference: 'staff' }),
    timeField('scheduledFor'),
    textField('failure'),
    noticesOwed,
    notices,
    noticeTexts,
    classesField('retained', 'retained'),
    textField('actNumber', { reference: 'acts' }),
    historyField(['at', 'by', 'event', 'state', 'note']),
    timeField('closedAt'),
    papers,
    evidence,
  ],
  files: [
    ...REQUEST_FILES.map((name) => ({ name, operation: 'privacy.paper' as const })),
    { name: EVIDENCE_FILE, operation: 'privacy.evidence' },
  ],
  filesFields: ['papers', 'evidence'],
  collectionCommands: [
    {
      action: 'fileSubject',
      operation: 'privacy.file',
      icon: 'PlusCircle',
      fields: [
        { name: 'accountId', kind: 'word' },
        { name: 'subjectType', kind: 'choice', choices: PRIVACY_REQUEST_TYPES },
        { name: 'email', kind: 'email', isOptional: true },
        { name: 'receivedAt', kind: 'moment', isOptional: true },
      ],
    },
    {
      action: 'openUnlawful',
      operation: 'privacy.open-unlawful',
      icon: 'AlertOctagon',
      fields: [
        { name: 'accountId', kind: 'word' },
        { name: 'ground', kind: 'choice', choices: UNLAWFUL_GROUNDS },
        { name: 'identity', kind: 'choice', choices: PROOFS },
        { name: 'email', kind: 'email', isOptional: true },
        { name: 'receivedAt', kind: 'moment', isOptional: true },
        REASON,
      ],
      isDangerous: true,
    },
  ],
  commands: [
    {
      action: 'verifyIdentity',
      operation: 'privacy.verify',
      icon: 'UserCheck',
      fields: [{ name: 'identity', kind: 'choice', choices: IDENTITY_KINDS }],
      when: may('verify'),
    },
    pause('askIdentity', 'ask_identity', 'HelpCircle'),
    pause('askMore', 'ask_more', 'HelpCircle'),
    pause('moreCame', 'inform', 'Inbox'),
    {
      action: 'planErasure',
      operation: 'privacy.plan',
      icon: 'List',
      fields: [],
      when: (texts) => erases(texts) && may('plan')(texts),
    },
    {
      action: 'submitErasure',
      operation: 'privacy.submit',
      icon: 'Send',
      fields: [],
      when: ({ nextStep: step }) => step === 'submit',
    },
    {
      action: 'approveErasure',
      operation: 'privacy.approve',
      icon: 'Check',
      fields: [{ name: 'manifestHash', kind: 'word' }],
      when: may('approve'),
      isDangerous: true,
    },
    pause('rejectErasure', 'reject', 'CornerUpLeft'),
    { action: 'retryErasure', operation: 'privacy.retry', icon: 'RotateCw', fields: [], when: may('retry') },
    {
      action: 'answerSubject',
      operation: 'privacy.answer',
      icon: 'MessageSquare',
      fields: [REASON],
      when: (texts) => !erases(texts) && texts.subjectType !== 'rectify' && texts.subjectState === 'verified',
    },
    {
      action: 'correctSubject',
      operation: 'privacy.answer',
      icon: 'Edit',
      fields: [REASON],
      when: (texts) => texts.subjectType === 'rectify' && texts.subjectState === 'verified',
    },
    notice('noticeSent', 'sent', 'Mail', ({ noticesOwed: owed }) => Number(owed) > 0),
    notice('noticeAnswered', 'answered', 'Inbox', ({ notices: lines }) => String(lines).includes('  sent  ')),
    {
      action: 'archiveLink',
      operation: 'privacy.archive-link',
      icon: 'Link',
      fields: [],
      when: ({ archive: status }) => status === 'ready' || status === 'downloaded',
    },
    {
      action: 'archiveRebuild',
      operation: 'privacy.archive-rebuild',
      icon: 'RefreshCw',
      fields: [],
      when: (texts) => texts.subjectType === 'access' && texts.subjectState === 'verified',
    },
    {
      action: 'extendTerm',
      operation: 'privacy.extend',
      icon: 'Clock',
      fields: [REASON],
      when: ({ term: stands, subjectType, extendedAt }) =>
        stands !== 'closed' &&
        extendedAt === undefined &&
        REQUEST_TERMS[subjectType as PrivacyRequestType]?.extensionDays > 0,
    },
    pause('holdSubject', 'hold', 'PauseCircle'),
    pause('releaseSubject', 'release', 'PlayCircle'),
    pause('expireSubject', 'expire', 'UserX'),
    closing('refuseSubject', 'refuse', 'XCircle'),
    closing('cancelSubject', 'cancel', 'CornerUpLeft'),
    closing('duplicateSubject', 'duplicate', 'Copy'),
  ],
};
