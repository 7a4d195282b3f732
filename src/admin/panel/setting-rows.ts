import type { Document } from 'mongodb';
import type { Setting } from '../../config-settings.ts';
import { TICKET_PRIORITIES } from '../../models/ticket.ts';
import { formatRub } from '../../money.ts';
import { FINANCE_APPROVAL_MICROS_MAX, SUPPORT_PROPOSAL_MICROS_MAX } from '../../operations/money.ts';
import { SIGNATURE_BYTES_MAX } from '../../privacy/act-signatures.ts';
import { GRANT_MINUTES } from '../../support/content-access.ts';
import { ANSWER_WITHIN_MS } from '../../support/tickets.ts';
import type { BothWords } from './fields.ts';
import { SETTING_TEXTS, type SettingGroup } from './setting-texts.ts';

/** What the service is configured with, as the back-office shows it. */

export type Settings = Readonly<Record<string, Setting>>;

const UNITS: readonly (readonly [ending: RegExp, unit: BothWords])[] = [
  [/_MS$/, { ru: 'мс', en: 'ms' }],
  [/_SECONDS$/, { ru: 'с', en: 's' }],
  [/_MINUTES$/, { ru: 'мин', en: 'min' }],
  [/_HOURS$/, { ru: 'ч', en: 'h' }],
  [/_DAYS$/, { ru: 'дн.', en: 'days' }],
  [/_BYTES_MAX$/, { ru: 'байт', en: 'bytes' }],
  [/_PERCENT$/, { ru: '%', en: '%' }],
  [/_PER_MINUTE$/, { ru: 'в минуту', en: 'per minute' }],
  [/_PER_SECOND(_MAX)?$/, { ru: 'в секунду', en: 'per second' }],
];

const HOUR_MS = 3_600_000;
const same = (text: string): BothWords => ({ ru: text, en: text });

/** A figure with its unit; texts stay as they are. */
function shown(name: string, value: number | string | undefined): BothWords | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'string') return same(value);
  const unit = UNITS.find(([ending]) => ending.test(name))?.[1];
  const figure = (language: 'ru' | 'en') =>
    [new Intl.NumberFormat(language).format(value), unit?.[language]].filter(Boolean).join(' ');
  return { ru: figure('ru'), en: figure('en') };
}

function ofEnvironment(settings: Settings): Document[] {
  return SETTING_TEXTS.flatMap(([name, group, ru, en]) => {
    const setting = settings[name];
    if (!setting) return [];
    const { value, fallback, min, max } = setting;
    return {
      _id: name,
      group,
      current: shown(name, value),
      fallback: shown(name, fallback),
      min: shown(name, min),
      max: shown(name, max),
      affects: { ru, en },
      source: 'environment',
    };
  });
}

function builtIn(_id: string, group: SettingGroup, current: BothWords, affects: BothWords): Document {
  return { _id, group, current, affects, source: 'built_in' };
}

/** Decisions of the product itself: what a member of staff may do alone, and in which time a customer is answered. */
function ofTheProduct(): Document[] {
  const sla = TICKET_PRIORITIES.map((priority) => {
    const hours = ANSWER_WITHIN_MS[priority] / HOUR_MS;
    return builtIn(
      `tickets.answer.${priority}`,
      'support',
      { ru: `${hours} ч`, en: `${hours} h` },
      {
        ru: 'Время на ответ по обращению этой важности',
        en: 'Time to answer a ticket of this priority',
      },
    );
  });
  const minutes = GRANT_MINUTES.at(-1);
  return [
    ...sla,
    builtIn(
      'content.minutes',
      'support',
      { ru: `${minutes} мин`, en: `${minutes} min` },
      {
        ru: 'Наибольшее время доступа к содержимому запроса',
        en: 'Longest access to the content of a request',
      },
    ),
    builtIn('money.support', 'money', same(`${formatRub(SUPPORT_PROPOSAL_MICROS_MAX)} ₽`), {
      ru: 'Больше этого поддержка предложить не может',
      en: 'Support may propose no more than this',
    }),
    builtIn('money.finance', 'money', same(`${formatRub(FINANCE_APPROVAL_MICROS_MAX)} ₽`), {
      ru: 'Больше этого одобряет администратор',
      en: 'More than this is approved by an admin',
    }),
    builtIn('acts.copy', 'keeping', shown('_BYTES_MAX', SIGNATURE_BYTES_MAX) ?? same(''), {
      ru: 'Наибольший файл подписанного экземпляра акта',
      en: 'Largest file of a signed copy of an act',
    }),
  ];
}

/** What is changed while the service runs has pages of its own. */
function ofTheBackOffice(): Document[] {
  const row = (_id: string, group: SettingGroup, affects: BothWords) => ({
    _id,
    group,
    affects,
    source: 'back_office',
  });
  return [
    row('retention', 'keeping', {
      ru: 'Страница «Сроки хранения»: читается каждым запуском очистки',
      en: 'Page “Terms of keeping”: read by every run of the purge',
    }),
    row('catalogue', 'providers', {
      ru: 'Страницы моделей, провайдеров и цен: читаются на ходу',
      en: 'Pages of models, providers and prices: read while the service runs',
    }),
  ];
}

export function settingRows(settings: Settings): Document[] {
  return [...ofTheBackOffice(), ...ofEnvironment(settings), ...ofTheProduct()];
}
