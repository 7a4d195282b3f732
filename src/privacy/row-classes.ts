import { ERASED } from '../models/account.ts';
import { nativeCollection } from '../models/connect.ts';
import { Delivery, type DeliveryDocument } from '../models/delivery.ts';
import { TERMINAL_STATES } from '../models/request.ts';
import type { ClassId } from '../models/retention-class.ts';
import type { DataClass, MongoStore } from './data-class.ts';
import { EVIDENCE_CLASSES } from './evidence-classes.ts';
import { INCIDENT_CLASSES } from './incident-classes.ts';
import { BOOKS, BOOKS_UNTIL, books, CONTRACT, days, LIMITATION, SECURITY } from './norms.ts';
import { POLICY_CLASSES } from './policy-classes.ts';
import { ROLLUP_CLASS } from './rollup-class.ts';
import { STAFF_CLASSES } from './staff-classes.ts';
import { SUBJECT_REQUEST_CLASSES } from './subject-request-classes.ts';
import { SUPPORT_CLASSES } from './support-classes.ts';

/** The classes of personal data that are rows of MongoDB. Part of the registry (registry.ts). */

/** A request that nobody works on, is paid for, and owes no event. */
const FINISHED = {
  state: { $in: [...TERMINAL_STATES] },
  settled: true,
  webhook: { $nin: ['wanted', 'pending'] },
};

/** Requests whose event is still to be delivered: it is built from the row at every attempt. */
async function beingDelivered(ids: readonly string[]): Promise<ReadonlySet<string>> {
  const pending = await nativeCollection<DeliveryDocument>(Delivery)
    .find({ requestId: { $in: [...ids] }, state: 'pending' }, { projection: { requestId: 1 } })
    .toArray();
  return new Set(pending.map(({ requestId }) => requestId));
}

// Content that went early (zero retention) has left its callback address behind.
const CONTENT = {
  holds: { $or: [{ contentPurgedAt: { $exists: false } }, { callbackUrl: { $exists: true } }] },
  update: [{ $set: { contentPurgedAt: '$$NOW' } }, { $unset: ['input', 'result', 'callbackUrl', 'streamKey'] }],
};
const IDEMPOTENCY = {
  holds: { idemKey: { $exists: true } },
  update: { $unset: { idemKey: '', fingerprint: '' } },
};

/** In the order in which an erasure goes through them: the account's row and then its key come last. */
export const ROW_CLASSES: readonly DataClass<MongoStore>[] = [
  ...STAFF_CLASSES,
  ROLLUP_CLASS,
  ...POLICY_CLASSES,
  {
    id: 'request.content',
    withheld: ['streamKey'],
    category: { en: 'texts of requests and answers', ru: 'тексты запросов и ответов' },
    purpose: 'answering the request, and the history the customer asked for',
    legalBasis: CONTRACT,
    retention: days(
      30,
      0,
      90,
      'the request',
      'no norm asks for prompts; history is a function for the user, 152-FZ art. 5(7)',
    ),
    store: {
      kind: 'mongodb',
      collection: 'requests',
      owner: 'accountId',
      fields: ['input', 'result', 'resultKind', 'callbackUrl', 'streamKey', 'contentPurgedAt', 'zeroRetention'],
      sealed: ['input', 'result', 'callbackUrl', 'streamKey'].map((field) => ({
        field,
        context: (rowId) => `requests|${rowId}|${field}`,
      })),
    },
    erasure: { action: 'destroy', ...CONTENT },
    purge: { ...CONTENT, by: { field: '_id', prefix: 'req' }, guard: FINISHED, spares: beingDelivered },
  },
  {
    id: 'request.idempotency',
    category: { en: 'repeat keys of requests', ru: 'ключи повтора запросов' },
    purpose: 'a repeated request is answered, not charged, again',
    legalBasis: CONTRACT,
    retention: days(1, 1, 365, 'the request', 'clients repeat within hours; the key is text of the client'),
    store: { kind: 'mongodb', collection: 'requests', owner: 'accountId', fields: ['idemKey', 'fingerprint'] },
    erasure: { action: 'destroy', ...IDEMPOTENCY },
    purge: { ...IDEMPOTENCY, by: { field: '_id', prefix: 'req' }, guard: FINISHED },
  },
  {
    id: 'request.usage',
    category: { en: 'usage records', ru: 'сведения об использовании' },
    purpose: 'the basis of what was charged',
    legalBasis: CONTRACT,
    retention: books('the end of the year of the request'),
    store: {
      kind: 'mongodb',
      collection: 'requests',
      owner: 'accountId',
      fields: [
        '_id', 'accountId', 'keyId', 'endpoint', 'model', 'mode', 'stream', 'state', 'attempt', 'attemptsMax', 'call', 'previousCall',
        'leaseUntil', 'claimToken', 'worker', 'includeUsage', 'price', 'holdMicros', 'inputTokensBound', 'outputTokensMax', 'choices',
        'usage', 'usageSource', 'review', 'costMicros', 'error', 'settled', 'provider', 'attempts', 'progress', 'replyTo', 'watchers',
        'onDisconnect', 'domesticOnly', 'cancelRequestedAt', 'cancelReason', 'webhook', 'createdAt', 'deadlineAt', 'heldAt', 'claimedAt', 'firstByteAt',
        'finishedAt', 'settledAt',
      ], // biome-ignore format: a table of names
    },
    erasure: {
      action: 'pseudonymise',
      norm: BOOKS,
      until: BOOKS_UNTIL,
      holds: { keyId: { $ne: ERASED } },
      update: {
        $set: { keyId: ERASED },
        $unset: {
          // An event that is still owed is owed to nobody any more.
          webhook: '',
          error: '',
          replyTo: '',
          worker: '',
          claimToken: '',
          cancelReason: '',
          review: '',
          'provider.upstreamId': '',
        },
      },
    },
    purge: { holds: {}, update: 'delete', by: { field: '_id', prefix: 'req' }, guard: FINISHED },
  },
  {
    id: 'delivery',
    category: { en: 'webhook addresses and delivery log', ru: 'адреса и журнал доставки уведомлений' },
    purpose: 'telling the customer that a request ended',
    legalBasis: CONTRACT,
    retention: days(90, 30, 180, 'the request', 'reconciling what was delivered'),
    store: {
      kind: 'mongodb',
      collection: 'deliveries',
      owner: 'accountId',
      fields: '*',
      sealed: [{ field: 'url', context: (rowId) => `deliveries|${rowId}|url` }],
    },
    erasure: { action: 'destroy', holds: {}, update: 'delete' },
    purge: {
      holds: {},
      update: 'delete',
      by: { field: '_id', prefix: 'evt' },
      guard: { state: { $ne: 'pending' } },
    },
  },
  {
    id: 'api_key.secret',
    withheld: ['digest', 'pepperVersion', 'webhook.secrets'],
    category: { en: 'hashes and secrets of API keys', ru: 'хеши и секреты ключей API' },
    purpose: 'recognising the key and signing its webhooks',
    legalBasis: CONTRACT,
    retention: days(7, 1, 30, 'revocation', 'events that are still being delivered are signed with it'),
    store: {
      kind: 'mongodb',
      collection: 'api_keys',
      owner: 'accountId',
      fields: ['digest', 'pepperVersion', 'webhook'],
      sealed: [
        { field: 'webhook.url', context: (rowId) => `api_keys|${rowId}|webhook.url` },
        { field: 'webhook.secrets', isList: true, context: (rowId) => `api_keys|${rowId}|webhook.secret` },
      ],
    },
    erasure: { action: 'destroy', holds: {}, update: 'delete' },
    purge: {
      holds: { digest: { $not: /^revoked:/ } },
      // The digest is unique and wanted by the schema, so it gives way to something that is no digest.
      update: [
        { $set: { digest: { $concat: ['revoked:', '$_id'] }, 'webhook.secrets': [] } },
        { $unset: 'webhook.url' },
      ],
      by: { field: 'revokedAt' },
      guard: {},
    },
  },
  {
    id: 'api_key',
    category: { en: 'names and settings of API keys', ru: 'названия и настройки ключей API' },
    purpose: 'the owner recognises the key, also in a dispute after its revocation',
    legalBasis: CONTRACT,
    retention: days(365, 0, 1_095, 'revocation', 'disputes about what a key was used for'),
    store: {
      kind: 'mongodb',
      collection: 'api_keys',
      owner: 'accountId',
      fields: [
        '_id', 'accountId', 'prefix', 'last4', 'label', 'scopes', 'limits', 'expiresAt', 'revokedAt', 'lastUsedAt', 'onDisconnect',
        'zeroRetention', 'createdAt',
      ], // biome-ignore format: a table of names
    },
    erasure: { action: 'destroy', holds: {}, update: 'delete' },
    purge: { holds: {}, update: 'delete', by: { field: 'revokedAt' }, guard: {} },
  },
  {
    id: 'ledger',
    category: { en: 'movements of the balance', ru: 'движения по балансу' },
    purpose: 'accounting',
    legalBasis: BOOKS,
    retention: books('the end of the year of the entry'),
    store: { kind: 'mongodb', collection: 'ledger', owner: 'accountId', fields: '*' },
    erasure: { action: 'keep', norm: BOOKS, until: BOOKS_UNTIL },
  },
  {
    id: 'adjustment',
    category: { en: 'corrections of the balance', ru: 'корректировки баланса' },
    purpose: 'the explanation of a ledger entry',
    legalBasis: BOOKS,
    retention: books('the end of the year of the correction'),
    store: { kind: 'mongodb', collection: 'adjustments', owner: 'accountId', fields: '*' },
    erasure: { action: 'keep', norm: BOOKS, until: BOOKS_UNTIL },
  },
  ...Object.entries({
    reconciliation_alerts: { en: 'differences found in the books', ru: 'расхождения, найденные сверкой учёта' },
    reconciliation_segments: { en: 'checked parts of the books', ru: 'сверенные отрезки учёта' },
  }).map(
    ([collection, category]): DataClass<MongoStore> => ({
      id: collection as ClassId,
      category,
      purpose: 'showing that the books were not changed; amounts and hashes only',
      legalBasis: BOOKS,
      retention: books('the end of the year of the entry'),
      store: { kind: 'mongodb', collection, owner: 'accountId', fields: '*' },
      erasure: { action: 'keep', norm: BOOKS, until: BOOKS_UNTIL },
    }),
  ),
  ...SUPPORT_CLASSES,
  {
    id: 'legal_hold',
    category: { en: 'legal holds', ru: 'запреты на уничтожение' },
    purpose: 'keeping what a dispute or an authority needs',
    legalBasis: LIMITATION,
    retention: days(1_095, 1_095, 1_825, 'release', 'showing why something was kept longer'),
    store: { kind: 'mongodb', collection: 'legal_holds', owner: 'accountId', fields: '*' },
    erasure: { action: 'keep', norm: LIMITATION, until: 'three years after release' },
    purge: { holds: {}, update: 'delete', by: { field: 'releasedAt' }, guard: { isActive: false }, isEvidence: true },
  },
  ...SUBJECT_REQUEST_CLASSES,
  ...EVIDENCE_CLASSES,
  ...INCIDENT_CLASSES,
  {
    id: 'account',
    category: { en: 'the account', ru: 'учётная запись' },
    purpose: 'balance and status of the customer',
    legalBasis: CONTRACT,
    retention: books('the end of the year in which the account was closed'),
    store: { kind: 'mongodb', collection: 'accounts', owner: '_id', fields: '*' },
    // Last of all rows: while it is open, the erasure is not over.
    erasure: {
      action: 'pseudonymise',
      norm: BOOKS,
      until: BOOKS_UNTIL,
      holds: { statusReason: { $ne: ERASED } },
      update: { $set: { status: 'closed', statusReason: ERASED, spend: {} }, $unset: { closed: '', privacy: '' } },
    },
  },
  {
    id: 'data_key',
    withheld: '*',
    category: { en: "the account's data key", ru: 'ключ шифрования данных' },
    purpose: 'encryption of everything above that is sealed',
    legalBasis: SECURITY,
    retention: days(0, 0, 0, 'erasure', 'without content there is nothing to open'),
    store: { kind: 'mongodb', collection: 'data_keys', owner: '_id', fields: '*' },
    erasure: { action: 'destroy_key' },
  },
];

/** @throws when there is no such class. */
export function rowClass(id: ClassId): DataClass<MongoStore> {
  const found = ROW_CLASSES.find((row) => row.id === id);
  if (!found) throw new Error(`the registry has no rows of class ${id}`);
  return found;
}
