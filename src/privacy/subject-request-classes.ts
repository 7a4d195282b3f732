import { archiveKeyPlace } from './archive-pieces.ts';
import type { DataClass, MongoStore } from './data-class.ts';
import { days, LIMITATION } from './norms.ts';

/** What is kept of data subjects' requests, and what answers them. Part of the registry (registry.ts). */

export const SUBJECT_REQUEST_CLASSES: readonly DataClass<MongoStore>[] = [
  {
    id: 'privacy_request.identity',
    category: { en: 'contact and text of a request of a data subject', ru: 'контакт и текст обращения субъекта' },
    purpose: 'answering the request',
    legalBasis: '152-FZ art. 14, 20, 21',
    retention: days(30, 0, 30, 'the end of the request', 'the answer has arrived, or is asked for again'),
    store: {
      kind: 'mongodb',
      collection: 'privacy_requests',
      owner: 'accountId',
      fields: ['contact', 'details', 'identity'],
    },
    // The answer goes there after everything else is gone; the term takes it.
    erasure: { action: 'keep', norm: '152-FZ art. 21', until: '30 days after the end of the request' },
    purge: {
      holds: { $or: [{ contact: { $exists: true } }, { details: { $exists: true } }] },
      update: { $unset: { contact: '', details: '' } },
      by: { field: 'closedAt' },
      guard: {},
    },
  },
  {
    id: 'privacy_request',
    withheld: ['archive.link', 'intakeKey'],
    category: { en: 'requests of data subjects', ru: 'обращения субъектов' },
    purpose: 'showing that the request was met in time',
    legalBasis: LIMITATION,
    retention: days(1_095, 1_095, 1_825, 'the end of the request', 'limitation of three years'),
    store: {
      kind: 'mongodb',
      collection: 'privacy_requests',
      owner: 'accountId',
      fields: [
        '_id', 'accountId', 'type', 'ground', 'state', 'channel', 'receivedAt', 'dueAt', 'isProvisional', 'extendedAt', 'isBlocking', 'handler',
        'intakeKey', 'manifest', 'approvedBy', 'scheduledFor', 'checkpoints', 'retained', 'failure', 'actNumber', 'archive', 'notices', 'history', 'closedAt',
      ], // biome-ignore format: a table of names
    },
    erasure: { action: 'keep', norm: LIMITATION, until: 'three years after the end of the request' },
    purge: { holds: {}, update: 'delete', by: { field: 'closedAt' }, guard: {}, isEvidence: true },
  },
  {
    id: 'access_archive',
    withheld: '*',
    category: { en: 'archives that answer requests of access', ru: 'архивы ответов на запросы доступа' },
    purpose: 'handing the subject a copy of the data; sealed under a key of its own',
    legalBasis: '152-FZ art. 14, 20',
    retention: days(7, 1, 14, 'the archive', 'a link lives for seven days; whoever comes later asks again'),
    store: {
      kind: 'mongodb',
      collection: 'access_archive_pieces',
      owner: 'accountId',
      fields: '*',
      sealed: [{ field: 'key', context: archiveKeyPlace }],
    },
    erasure: { action: 'destroy', holds: {}, update: 'delete' },
    purge: { holds: {}, update: 'delete', by: { field: 'at' }, guard: {} },
  },
];
