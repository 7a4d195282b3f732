import type { DataClass, MongoStore } from './data-class.ts';
import { DESTRUCTION, days } from './norms.ts';

/** What shows that personal data was destroyed. */

export const EVIDENCE_CLASSES: readonly DataClass<MongoStore>[] = [
  {
    id: 'destruction_event',
    withheld: '*',
    category: { en: 'log of destroyed data', ru: 'журнал уничтожения данных' },
    purpose: 'confirming a destruction',
    legalBasis: DESTRUCTION,
    retention: days(1_095, 1_095, 1_095, 'destruction', 'Order 179 p. 8 fixes three years'),
    store: { kind: 'mongodb', collection: 'destruction_events', owner: 'subjects.accountId', fields: '*' },
    erasure: { action: 'keep', norm: DESTRUCTION, until: 'three years after the destruction' },
    purge: { holds: {}, update: 'delete', by: { field: 'at' }, guard: {}, isEvidence: true },
  },
  {
    id: 'destruction_act',
    category: { en: 'acts of destruction', ru: 'акты об уничтожении' },
    purpose: 'confirming a destruction',
    legalBasis: DESTRUCTION,
    retention: days(1_095, 1_095, 1_095, 'destruction', 'Order 179 p. 8 fixes three years'),
    store: { kind: 'mongodb', collection: 'destruction_acts', owner: 'accountId', fields: '*' },
    erasure: { action: 'keep', norm: DESTRUCTION, until: 'three years after the destruction' },
    purge: { holds: {}, update: 'delete', by: { field: 'destroyedAt' }, guard: {}, isEvidence: true },
  },
  {
    id: 'act_signature',
    withheld: '*',
    category: { en: 'signed copies of acts', ru: 'подписанные экземпляры актов' },
    purpose: 'an act that nobody signed confirms nothing',
    legalBasis: DESTRUCTION,
    retention: days(
      1_095,
      1_095,
      1_095,
      'the signature',
      'Order 179 p. 8 fixes three years; a copy comes after its act',
    ),
    store: { kind: 'mongodb', collection: 'act_signatures', owner: 'by', fields: '*' },
    erasure: { action: 'keep', norm: DESTRUCTION, until: 'three years after the destruction' },
    purge: { holds: {}, update: 'delete', by: { field: 'at' }, guard: {}, isEvidence: true },
  },
];
