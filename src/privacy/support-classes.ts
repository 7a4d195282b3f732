import { emailPlace } from './account-contact.ts';
import type { DataClass, MongoStore } from './data-class.ts';
import { CONTRACT, days, LIMITATION, SECURITY } from './norms.ts';

/**
 * How to reach customers, what they and support write to each other, what support asks for, who of staff saw content,
 * and who told many something. Part of the registry (registry.ts).
 */
export const SUPPORT_CLASSES: readonly DataClass<MongoStore>[] = [
  {
    id: 'account_contact',
    category: { en: "the owner's e-mail and language", ru: 'адрес электронной почты и язык владельца' },
    purpose: 'writing to the customer, and finding the account by the address; sealed, with a blind index',
    legalBasis: CONTRACT,
    retention: days(0, 0, 0, 'erasure', 'kept as long as the account; an erasure destroys it'),
    store: {
      kind: 'mongodb',
      collection: 'account_contacts',
      owner: '_id',
      fields: '*',
      sealed: [{ field: 'email', context: emailPlace }],
    },
    erasure: { action: 'destroy', holds: {}, update: 'delete' },
  },
  {
    id: 'ticket',
    category: { en: 'tickets of support', ru: 'обращения в поддержку' },
    purpose: 'helping the customer; what was written is sealed',
    legalBasis: CONTRACT,
    retention: days(365, 30, 1_095, 'the end of the ticket', 'the same trouble comes again; limitation of three years'),
    store: {
      kind: 'mongodb',
      collection: 'tickets',
      owner: 'accountId',
      fields: '*',
      sealed: [
        { field: 'subject', context: (rowId) => `tickets|${rowId}|subject` },
        { field: 'texts', isList: true, context: (rowId) => `tickets|${rowId}|texts` },
      ],
    },
    erasure: { action: 'destroy', holds: {}, update: 'delete' },
    purge: { holds: {}, update: 'delete', by: { field: 'closedAt' }, guard: { state: 'resolved' } },
  },
  {
    id: 'suspension_request',
    category: { en: 'requests to suspend an account', ru: 'запросы на приостановку аккаунта' },
    purpose: 'deciding by two persons whether an account is suspended, and why',
    legalBasis: SECURITY,
    retention: days(1_095, 30, 1_825, 'the request', LIMITATION),
    store: { kind: 'mongodb', collection: 'suspension_requests', owner: 'accountId', fields: '*' },
    // Who decided what stays in the audit log.
    erasure: { action: 'destroy', holds: {}, update: 'delete' },
    purge: { holds: {}, update: 'delete', by: { field: '_id', prefix: 'sus' }, guard: { state: { $ne: 'open' } } },
  },
  {
    id: 'content_grant',
    category: { en: 'who saw the content of a request', ru: 'кто видел содержимое запроса' },
    purpose: 'showing that content was seen for a reason and a short time only',
    legalBasis: SECURITY,
    retention: days(1_095, 1_095, 1_825, 'the access', LIMITATION),
    store: { kind: 'mongodb', collection: 'content_grants', owner: 'accountId', fields: '*' },
    erasure: { action: 'keep', norm: LIMITATION, until: 'three years after the access' },
    purge: { holds: {}, update: 'delete', by: { field: 'at' }, guard: {} },
  },
  {
    id: 'announcement',
    withheld: '*',
    category: { en: 'who wrote and published announcements', ru: 'кто написал и опубликовал объявления' },
    purpose: 'telling customers and staff what they have to know',
    legalBasis: SECURITY,
    retention: days(1_095, 1_095, 1_825, 'the end of the announcement', LIMITATION),
    store: { kind: 'mongodb', collection: 'announcements', owner: 'draftedBy', fields: '*' },
    erasure: { action: 'keep', norm: LIMITATION, until: 'three years after its end' },
    // What is still shown has no end yet, or one to come.
    purge: { holds: {}, update: 'delete', by: { field: 'endsAt' }, guard: {} },
  },
];
