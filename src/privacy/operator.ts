import type { Config } from '../config.ts';
import type { Paper } from '../papers/paper.ts';

/** The operator of personal data as papers name it. What is not configured is a line to fill in by hand. */

export type Operator = Config['operator'];

export const BLANK = '________________________________';

/** Name, taxpayer's number and address in one line. */
export function operatorLine(
  { name, inn, address }: Pick<Operator, 'name' | 'inn' | 'address'>,
  language: Paper['language'] = 'ru',
): string {
  const parts = [name || BLANK, ...(inn ? [`${language === 'ru' ? 'ИНН' : 'INN'} ${inn}`] : []), address || BLANK];
  return parts.join(', ');
}

const ZONE = { timeZone: 'Europe/Moscow' } as const;

/** A date as papers write it, in Moscow. */
export function paperDate(at: Date, language: Paper['language'] = 'ru'): string {
  return at.toLocaleDateString(language === 'ru' ? 'ru-RU' : 'en-GB', { ...ZONE, dateStyle: 'long' });
}

/** A moment to the second, in Moscow. */
export function paperMoment(at: Date, language: Paper['language'] = 'ru'): string {
  return at.toLocaleString(language === 'ru' ? 'ru-RU' : 'en-GB', { ...ZONE, dateStyle: 'short', timeStyle: 'medium' });
}
