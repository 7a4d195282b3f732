import { CATALOGUE_MAX, Provider, type ProviderDocument, UNKNOWN_COUNTRY } from '../models/ai-model.ts';
import { nativeCollection } from '../models/connect.ts';
import type { PolicyContent, PolicyLanguage } from '../models/policy.ts';
import { PRIVACY_REQUEST_TYPES } from '../models/privacy-request.ts';
import type { DataClass } from './data-class.ts';
import { englishPolicy } from './policy-en.ts';
import type { PolicyFacts } from './policy-facts.ts';
import { russianPolicy } from './policy-ru.ts';
import { RU_WORDS, russianNorm } from './policy-words.ts';
import { REGISTRY } from './registry.ts';
import { REQUEST_TERMS } from './request-terms.ts';
import { type RetentionDefaults, retentionValue } from './retention-settings.ts';
import { STAFF_CLASSES } from './staff-classes.ts';

/** The privacy policy, made of the settings in force: what it says is what the purge does. */

export type PolicySources = { operator: PolicyFacts['operator']; retentionDefaults: RetentionDefaults };

const AT_ONCE: Readonly<Record<PolicyLanguage, string>> = { ru: 'сразу', en: 'at once' };
const UNDER_A_DAY: Readonly<Record<PolicyLanguage, string>> = { ru: 'менее суток', en: 'less than a day' };
const NOT_KNOWN: Readonly<Record<PolicyLanguage, string>> = { ru: 'страна не указана', en: 'country not stated' };

const staffIds = new Set(STAFF_CLASSES.map(({ id }) => id));
/** What is kept of customers; those who run the service are told by their employer. */
export const CUSTOMER_CLASSES: readonly DataClass[] = REGISTRY.filter(({ id }) => !staffIds.has(id));

/** A term in words: `30 days`, `at once`. */
export function duration(value: number, unit: 'day' | 'year', language: PolicyLanguage): string {
  if (value === 0) return AT_ONCE[language];
  if (unit === 'day' && value < 1) return UNDER_A_DAY[language];
  return new Intl.NumberFormat(language, { style: 'unit', unit, unitDisplay: 'long' }).format(value);
}

async function classRow(row: DataClass, defaults: RetentionDefaults, language: PolicyLanguage): Promise<string[]> {
  const value = row.store.kind === 'mongodb' ? await retentionValue(row, defaults) : row.retention.default;
  const term = duration(value, row.retention.unit === 'days' ? 'day' : 'year', language);
  const words = RU_WORDS[row.id];
  if (language === 'en' || !words)
    return [row.category.en, row.purpose, row.legalBasis, `${term}, from ${row.retention.from}`];
  return [row.category.ru, words.purpose, russianNorm(row.legalBasis), `${term} ${words.from}`];
}

function rightsIn(language: PolicyLanguage): PolicyFacts['rights'] {
  const rows = PRIVACY_REQUEST_TYPES.map((type) => {
    const { norm, days, unit } = REQUEST_TERMS[type];
    const working = { ru: `${days} раб. дн.`, en: `${days} working days` }[language];
    const term = unit === 'working' && days > 0 ? working : duration(days, 'day', language);
    return [type, { norm: language === 'ru' ? russianNorm(norm) : norm, term }] as const;
  });
  return Object.fromEntries(rows) as PolicyFacts['rights'];
}

/** A country as people of the language call it. */
export function countryIn(language: PolicyLanguage, code: string): string {
  if (code === UNKNOWN_COUNTRY) return NOT_KNOWN[language];
  return new Intl.DisplayNames(language, { type: 'region' }).of(code) ?? code;
}

async function recipients(language: PolicyLanguage): Promise<string[][]> {
  const providers = await nativeCollection<ProviderDocument>(Provider)
    .find({ enabled: true }, { projection: { country: 1 } })
    .sort({ _id: 1 })
    .limit(CATALOGUE_MAX.providers)
    .toArray();
  const byCountry = new Map<string, string[]>();
  for (const { _id, country = UNKNOWN_COUNTRY } of providers)
    byCountry.set(country, [...(byCountry.get(country) ?? []), _id]);
  return [...byCountry].map(([code, ids]) => [countryIn(language, code), ids.join(', ')]);
}

/** What the settings in force say about customers' data, in one language. */
export async function policyFacts(language: PolicyLanguage, sources: PolicySources): Promise<PolicyFacts> {
  const classes: string[][] = [];
  for (const row of CUSTOMER_CLASSES) classes.push(await classRow(row, sources.retentionDefaults, language));
  return { operator: sources.operator, classes, rights: rightsIn(language), recipients: await recipients(language) };
}

/** The policy as the settings are now, in both languages. */
export async function buildPolicy(sources: PolicySources): Promise<Record<PolicyLanguage, PolicyContent>> {
  return {
    ru: russianPolicy(await policyFacts('ru', sources)),
    en: englishPolicy(await policyFacts('en', sources)),
  };
}
