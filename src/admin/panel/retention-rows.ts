import type { Document } from 'mongodb';
import { nativeCollection } from '../../models/connect.ts';
import { RetentionClass, type RetentionClassDocument } from '../../models/retention-class.ts';
import type { DataClass, Store } from '../../privacy/data-class.ts';
import { duration } from '../../privacy/policy-content.ts';
import { RU_WORDS, russianNorm, russianReason } from '../../privacy/policy-words.ts';
import { countPast } from '../../privacy/purge-class.ts';
import { REGISTRY } from '../../privacy/registry.ts';
import { cutoff, type RetentionDefaults } from '../../privacy/retention-settings.ts';
import { ROW_CLASSES, rowClass } from '../../privacy/row-classes.ts';
import type { BothWords } from './fields.ts';

/** Every class of personal data with the term in force, as the back-office shows it. */

const READ_TIMEOUT_MS = 5_000;
const ERASURES: ReadonlyMap<string, string> = new Map(ROW_CLASSES.map(({ id, erasure }) => [id, erasure.action]));
const PURGED: ReadonlySet<string> = new Set(ROW_CLASSES.filter(({ purge }) => purge).map(({ id }) => id));

function term(value: number, unit: 'days' | 'years'): BothWords {
  const of = unit === 'days' ? 'day' : 'year';
  return { ru: duration(value, of, 'ru'), en: duration(value, of, 'en') };
}

/** Where the data is, as those who look after the databases call it. */
function placeOf(store: Store): string {
  if (store.kind === 'mongodb') return `MongoDB: ${store.collection}`;
  return { redis: 'Redis', queue: 'BullMQ', log: 'LOG_DIR' }[store.kind];
}

function described(row: DataClass, value: number, stored: RetentionClassDocument | undefined): Document {
  const { retention, category, purpose, legalBasis } = row;
  const { unit } = retention;
  const russian = RU_WORDS[row.id];
  return {
    _id: row.id,
    value,
    category,
    keptFor: term(value, unit),
    defaultTerm: term(retention.default, unit),
    minTerm: term(retention.min, unit),
    maxTerm: term(retention.max, unit),
    countedFrom: { ru: russian?.from ?? retention.from, en: `from ${retention.from}` },
    purpose: { ru: russian?.purpose ?? purpose, en: purpose },
    legalBasis: { ru: russianNorm(legalBasis), en: legalBasis },
    whyThisLong: { ru: russianReason(retention.reason), en: retention.reason },
    place: placeOf(row.store),
    onErasure: ERASURES.get(row.id) ?? 'ends_by_itself',
    isChangeable: PURGED.has(row.id),
    changedBy: stored?.changedBy,
    changedAt: stored?.changedAt,
  };
}

/** In the order of the registry. */
export async function retentionRows(defaults: RetentionDefaults): Promise<Document[]> {
  const stored = await nativeCollection<RetentionClassDocument>(RetentionClass)
    .find({}, { maxTimeMS: READ_TIMEOUT_MS })
    .toArray();
  const byId = new Map(stored.map((one) => [one._id, one]));
  return REGISTRY.map((row) => {
    const value = byId.get(row.id)?.value ?? defaults[row.id] ?? row.retention.default;
    return described(row, Number(value), byId.get(row.id));
  });
}

/** How many rows of a described class are past its term at this moment, as text. @throws for one that is not purged. */
export async function rowsPastTerm({ _id, value }: Document): Promise<string> {
  const row = rowClass(_id);
  return String(await countPast(row, cutoff(row, value, Date.now())));
}
