import type { DataClass, MongoStore } from './data-class.ts';
import { CONTRACT, days } from './norms.ts';

/** What customers and support write to each other. Part of the registry (registry.ts). */

export const SUPPORT_CLASSES: readonly DataClass<MongoStore>[] = [
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
];
