import type { DataClass, MongoStore } from './data-class.ts';
import { BOOKS, BOOKS_UNTIL, books, days, LIMITATION, SECURITY } from './norms.ts';

/** What is kept of the people who run the service. Nobody of them is the subject of a customer's erasure. */

const EMPLOYMENT = '152-FZ art. 6(1)(5): performance of the contract with the member of staff';
const KEPT = { action: 'keep', norm: LIMITATION, until: 'three years after the entry' } as const;

const rows = (collection: string, owner: string): MongoStore => ({ kind: 'mongodb', collection, owner, fields: '*' });

export const STAFF_CLASSES: readonly DataClass<MongoStore>[] = [
  {
    id: 'staff',
    category: { en: 'members of staff', ru: 'сотрудники' },
    purpose: 'signing in, roles, and telling who did what',
    legalBasis: EMPLOYMENT,
    retention: days(1_095, 1_095, 1_825, 'the last entry of the log that names them', LIMITATION),
    store: rows('staff', '_id'),
    erasure: KEPT,
  },
  {
    id: 'staff_session',
    category: { en: 'sessions of staff', ru: 'сеансы сотрудников' },
    purpose: 'staying signed in',
    legalBasis: SECURITY,
    retention: days(1, 0, 1, 'signing in', 'the database removes a session when it expires'),
    store: rows('staff_sessions', 'staffId'),
    erasure: KEPT,
  },
  {
    id: 'staff_throttle',
    category: { en: 'counters of failed sign-ins', ru: 'счётчики неудачных входов' },
    purpose: 'protection against guessing',
    legalBasis: SECURITY,
    retention: days(1, 0, 1, 'the last try', 'the database removes a counter when it expires'),
    store: rows('staff_throttles', '_id'),
    erasure: KEPT,
  },
  {
    id: 'audit',
    category: { en: 'what staff did', ru: 'журнал действий сотрудников' },
    purpose: 'showing who did what, with the reason that was given',
    legalBasis: SECURITY,
    retention: days(1_095, 1_095, 1_825, 'the entry', `${LIMITATION}; the chain of hashes allows no gaps`),
    store: rows('audit', 'targetId'),
    erasure: KEPT,
  },
  {
    id: 'price_proposal',
    category: { en: 'who proposed and approved prices', ru: 'кто предложил и утвердил цены' },
    purpose: 'the explanation of a price version',
    legalBasis: EMPLOYMENT,
    retention: books('the end of the year in which the price ended'),
    store: rows('price_proposals', 'proposedBy'),
    erasure: { action: 'keep', norm: BOOKS, until: BOOKS_UNTIL },
  },
];
