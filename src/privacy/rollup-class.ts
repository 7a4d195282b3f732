import type { DataClass, MongoStore } from './data-class.ts';
import { CONTRACT, days } from './norms.ts';

/** Sums over the requests of one account in one hour. What is charged rests on the requests and the ledger, never on these. */
export const ROLLUP_CLASS: DataClass<MongoStore> = {
  id: 'account_rollup',
  category: { en: 'hourly sums of usage', ru: 'почасовые итоги использования' },
  purpose: 'looking after capacity and customers without reading their requests',
  legalBasis: CONTRACT,
  retention: days(400, 31, 1_095, 'the hour', 'a year can be compared with the one before'),
  store: { kind: 'mongodb', collection: 'account_rollups', owner: 'accountId', fields: '*' },
  erasure: { action: 'destroy', holds: {}, update: 'delete' },
  purge: { holds: {}, update: 'delete', by: { field: '_id', prefix: 'rol' }, guard: {} },
};
