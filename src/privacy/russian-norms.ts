import type { ClassId } from '../models/retention-class.ts';
import { BOOKS, BOOKS_UNTIL, DESTRUCTION, LIMITATION } from './norms.ts';
import { ROW_CLASSES } from './row-classes.ts';

/** Norms and terms of the registry as papers in Russian quote them. A test finds the one that is missing. */

const RUSSIAN: Readonly<Record<string, string>> = {
  [BOOKS]: 'ч. 1 ст. 29 Федерального закона № 402-ФЗ; подп. 8 п. 1 ст. 23 НК РФ',
  [BOOKS_UNTIL]: 'пять полных лет после отчётного года',
  [DESTRUCTION]: 'ч. 7 ст. 21 Федерального закона № 152-ФЗ; п. 8 приказа Роскомнадзора № 179',
  [LIMITATION]: 'ст. 196 ГК РФ (общий срок исковой давности)',
  'three years after release': 'три года после снятия запрета',
  'three years after the end of the request': 'три года после окончания рассмотрения обращения',
  'three years after the destruction': 'три года с момента уничтожения',
  'three years after the end of the incident': 'три года после окончания инцидента',
  'three years after the entry': 'три года после записи',
  'three years after the access': 'три года после доступа',
  'three years after its end': 'три года после окончания',
  'three years after the end of the contract': 'три года после окончания договора',
  'three years after the erasure': 'три года после уничтожения данных',
  '30 days after the end of the request': '30 дней после окончания рассмотрения обращения',
  '152-FZ art. 21': 'ст. 21 Федерального закона № 152-ФЗ',
  '152-FZ art. 14, 20(1)': 'ст. 14, ч. 1 ст. 20 Федерального закона № 152-ФЗ',
  '152-FZ art. 20(3)': 'ч. 3 ст. 20 Федерального закона № 152-ФЗ',
  '152-FZ art. 20(3), 21(2)': 'ч. 3 ст. 20, ч. 2 ст. 21 Федерального закона № 152-ФЗ',
  '152-FZ art. 21(1)': 'ч. 1 ст. 21 Федерального закона № 152-ФЗ',
  '152-FZ art. 21(5.1)': 'ч. 5.1 ст. 21 Федерального закона № 152-ФЗ',
  '152-FZ art. 9(2), 21(5)': 'ч. 2 ст. 9, ч. 5 ст. 21 Федерального закона № 152-ФЗ',
  '152-FZ art. 21(4)': 'ч. 4 ст. 21 Федерального закона № 152-ФЗ (достигнута цель обработки)',
  '152-FZ art. 21(3)': 'ч. 3 ст. 21 Федерального закона № 152-ФЗ (неправомерная обработка)',
  '152-FZ art. 20(3), 21(3)': 'ч. 3 ст. 20, ч. 3 ст. 21 Федерального закона № 152-ФЗ (неправомерная обработка)',
  '152-FZ art. 9(3); Rosarchiv list 236 p. 441: three years after the consent ends':
    'ч. 3 ст. 9 Федерального закона № 152-ФЗ; п. 441 перечня Росархива № 236 (три года после окончания согласия)',
  '152-FZ art. 5(7), 21(4): the term of keeping is over':
    'ч. 7 ст. 5, ч. 4 ст. 21 Федерального закона № 152-ФЗ (истёк срок хранения)',
  '152-FZ art. 21: destroyed before, and again after a restore':
    'ст. 21 Федерального закона № 152-ФЗ (повторное уничтожение после восстановления из резервной копии)',
};

/** Whether a paper in Russian has words for it. */
export function isTranslated(text: string): boolean {
  return Object.hasOwn(RUSSIAN, text);
}

/** A norm or a term in the paper's language; what staff wrote themselves stays as it is. */
export function normIn(language: 'ru' | 'en', text: string): string {
  return (language === 'ru' ? RUSSIAN[text] : undefined) ?? text;
}

/** The name of a class in the paper's language. */
export function categoryIn(language: 'ru' | 'en', classId: ClassId): string {
  return ROW_CLASSES.find(({ id }) => id === classId)?.category[language] ?? classId;
}
