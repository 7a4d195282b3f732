import type { Document } from 'mongodb';
import { TICKET_PRIORITIES, TICKET_STATES, type TicketDocument } from '../../models/ticket.ts';
import { GRANT_MINUTES } from '../../support/content-access.ts';
import { openMessages, openSubject } from '../../support/ticket-texts.ts';
import { choiceField, createdField, exactField, idField, switchField, textField, timeField } from './fields.ts';
import { type CommandField, type PanelField, type PanelSpec, REASON, RUBLES } from './spec.ts';

/** What customers ask of support. Their words are opened on a ticket's own page, for those who work on tickets. */

const CLOCKS = ['overdue', 'due', 'stopped'] as const;

/** How the time for an answer stands; the colour of a ticket in the list. */
const clock: PanelField = {
  name: 'clock',
  paths: ['dueAt'],
  choices: CLOCKS,
  listed: true,
  value: ({ dueAt }) => {
    if (!(dueAt instanceof Date)) return 'stopped';
    return dueAt.getTime() <= Date.now() ? 'overdue' : 'due';
  },
  filter: (text) => {
    if (text === 'stopped') return { dueAt: { $exists: false } };
    if (text === 'overdue') return { dueAt: { $lte: new Date() } };
    return text === 'due' ? { dueAt: { $gt: new Date() } } : undefined;
  },
};

const subject: PanelField = {
  name: 'subject',
  paths: ['accountId', 'subject'],
  permission: 'tickets.act',
  type: 'textarea',
  value: () => undefined,
  opened: (document, cipher) => openSubject(document as TicketDocument & Document, cipher),
};

const conversation: PanelField = {
  name: 'conversation',
  paths: ['accountId', 'messages', 'texts'],
  permission: 'tickets.act',
  type: 'conversation',
  value: () => undefined,
  opened: async (document, cipher) => JSON.stringify(await openMessages(document as TicketDocument & Document, cipher)),
};

const LETTER: CommandField = { name: 'text', kind: 'letter' };
const isUnresolved = ({ ticketState }: Readonly<Record<string, unknown>>) => ticketState !== 'resolved';

export const TICKETS: PanelSpec = {
  id: 'tickets',
  collection: 'tickets',
  icon: 'LifeBuoy',
  permission: 'tickets.read',
  title: 'id',
  steps: ['createdAt', 'firstReplyAt', 'updatedAt', 'dueAt', 'closedAt'],
  related: [
    { resourceId: 'contentGrants', filter: 'ticketId' },
    { resourceId: 'audit', filter: 'targetId' },
  ],
  fields: [
    idField(),
    createdField('tkt'),
    exactField('accountId', { reference: 'accounts', listed: true, isIndexed: true }),
    exactField('requestId', { reference: 'requests' }),
    choiceField('ticketState', TICKET_STATES, { path: 'state', listed: true }),
    clock,
    choiceField('priority', TICKET_PRIORITIES, { listed: true }),
    exactField('assignee', { reference: 'staff', listed: true, isIndexed: true }),
    subject,
    conversation,
    switchField('contentConsent'),
    textField('adjustmentIds'),
    timeField('dueAt', { listed: true }),
    timeField('firstReplyAt'),
    timeField('updatedAt'),
    timeField('closedAt'),
  ],
  collectionCommands: [
    {
      action: 'openTicket',
      operation: 'tickets.open',
      icon: 'PlusCircle',
      fields: [
        { name: 'accountId', kind: 'word' },
        { name: 'requestId', kind: 'word', isOptional: true },
        { name: 'priority', kind: 'choice', choices: TICKET_PRIORITIES },
        { name: 'subject', kind: 'word' },
        LETTER,
      ],
    },
  ],
  commands: [
    {
      action: 'assign',
      operation: 'tickets.assign',
      icon: 'UserCheck',
      fields: [{ name: 'assignee', kind: 'word', isOptional: true }],
    },
    { action: 'reply', operation: 'tickets.reply', icon: 'MessageSquare', fields: [LETTER] },
    { action: 'note', operation: 'tickets.note', icon: 'FileText', fields: [LETTER] },
    {
      action: 'refundTicket',
      operation: 'tickets.propose-refund',
      icon: 'CornerUpLeft',
      fields: [RUBLES, REASON],
      when: ({ requestId }) => typeof requestId === 'string',
    },
    {
      action: 'openContent',
      operation: 'content.open',
      icon: 'Eye',
      fields: [{ name: 'minutes', kind: 'choice', choices: GRANT_MINUTES }, REASON],
      when: (texts) => typeof texts.requestId === 'string' && isUnresolved(texts),
      isDangerous: true,
    },
    { action: 'resolve', operation: 'tickets.resolve', icon: 'Check', fields: [REASON], when: isUnresolved },
  ],
};

const grantState: PanelField = {
  name: 'grantState',
  paths: ['expiresAt', 'endedAt'],
  choices: ['current', 'ended'],
  listed: true,
  value: ({ expiresAt, endedAt }) =>
    endedAt === undefined && expiresAt instanceof Date && expiresAt.getTime() > Date.now() ? 'current' : 'ended',
};
const isCurrent = ({ grantState: state }: Readonly<Record<string, unknown>>) => state === 'current';

/** Who may see, and has seen, the content of requests. The content itself is shown by command, in no list or record. */
export const CONTENT_GRANTS: PanelSpec = {
  id: 'contentGrants',
  collection: 'content_grants',
  icon: 'Eye',
  permission: 'tickets.read',
  title: 'id',
  fields: [
    idField({ listed: false }),
    timeField('at', { listed: true }),
    exactField('staffId', { reference: 'staff', listed: true }),
    exactField('ticketId', { reference: 'tickets', listed: true, isIndexed: true }),
    exactField('requestId', { reference: 'requests', listed: true, isIndexed: true }),
    exactField('accountId', { reference: 'accounts', isIndexed: true }),
    textField('reason'),
    grantState,
    timeField('expiresAt', { listed: true }),
    timeField('endedAt'),
    textField('views', { listed: true }),
    timeField('lastViewedAt'),
  ],
  commands: [
    { action: 'readContent', operation: 'content.read', icon: 'Eye', fields: [], when: isCurrent, isDangerous: true },
    { action: 'closeContent', operation: 'content.close', icon: 'EyeOff', fields: [], when: isCurrent },
  ],
};
