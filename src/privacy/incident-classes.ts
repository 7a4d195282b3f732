import type { DataClass, MongoStore } from './data-class.ts';
import { days, LIMITATION } from './norms.ts';

/** What is kept of incidents with personal data. Part of the registry (registry.ts). */

const INCIDENT = '152-FZ art. 21(3.1): the incident and its investigation are told to Roskomnadzor';

export const INCIDENT_CLASSES: readonly DataClass<MongoStore>[] = [
  {
    id: 'incident',
    withheld: '*',
    category: { en: 'register of incidents', ru: 'реестр инцидентов' },
    purpose: 'telling Roskomnadzor in time, and showing what was found and done; the texts are sealed',
    legalBasis: INCIDENT,
    retention: days(1_095, 1_095, 1_825, 'the end of the incident', LIMITATION),
    store: { kind: 'mongodb', collection: 'incidents', owner: 'openedBy', fields: '*' },
    erasure: { action: 'keep', norm: LIMITATION, until: 'three years after the end of the incident' },
    purge: { holds: {}, update: 'delete', by: { field: 'closedAt' }, guard: { state: 'closed' }, isEvidence: true },
  },
  {
    id: 'incident_account',
    category: { en: 'incidents that concern the account', ru: 'инциденты, затронувшие учётную запись' },
    purpose: 'telling those whose data an incident concerns',
    legalBasis: INCIDENT,
    retention: days(1_095, 1_095, 1_825, 'the end of the incident', LIMITATION),
    store: { kind: 'mongodb', collection: 'incident_accounts', owner: 'accountId', fields: '*' },
    erasure: { action: 'keep', norm: LIMITATION, until: 'three years after the end of the incident' },
    purge: { holds: {}, update: 'delete', by: { field: 'closedAt' }, guard: {} },
  },
];
