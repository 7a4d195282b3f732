import type { Document } from 'mongodb';
import type { Blocker, ManifestClass, Notice, PrivacyRequestType } from '../../models/privacy-request.ts';
import { REQUEST_TERMS } from '../../privacy/request-terms.ts';
import { categoryIn, normIn } from '../../privacy/russian-norms.ts';
import { noticeText, owedNotices } from '../../privacy/third-party-notices.ts';
import { linesField, memberAt, plain, wordsField } from './fields.ts';
import type { PanelField } from './spec.ts';

/** The parts of a data subject's request that are lists: the plan of an erasure, what stands in its way, notices. */

type Language = 'ru' | 'en';

const ACTIONS: Readonly<Record<Language, Record<ManifestClass['action'], string>>> = {
  ru: {
    destroy: 'уничтожить',
    pseudonymise: 'обезличить',
    keep: 'хранить',
    destroy_key: 'уничтожить ключ',
  },
  en: { destroy: 'destroy', pseudonymise: 'pseudonymise', keep: 'keep', destroy_key: 'destroy the key' },
};
const BLOCKERS: Readonly<Record<Language, Record<Blocker['code'], string>>> = {
  ru: {
    balance: 'на балансе есть деньги: вернуть или израсходовать',
    open_requests: 'запросы ещё выполняются',
    unsettled: 'расчёты не закончены',
    adjustment: 'корректировка баланса ждёт решения',
    alert: 'расхождение в учёте не закрыто',
    legal_hold: 'запрет на уничтожение',
  },
  en: {
    balance: 'money on the balance: pay it back or have it spent',
    open_requests: 'requests are still running',
    unsettled: 'settlements are not finished',
    adjustment: 'a correction of the balance awaits a decision',
    alert: 'a difference in the books is open',
    legal_hold: 'legal hold',
  },
};
const ROWS: Readonly<Record<Language, string>> = { ru: 'записей', en: 'rows' };
const UNTIL: Readonly<Record<Language, string>> = { ru: 'до', en: 'until' };

/** A list as text in both languages; the page shows that of its reader. */
function inBothLanguages(
  name: string,
  path: string,
  members: readonly string[],
  line: (element: Document, language: Language) => string,
): PanelField {
  const words = (document: Document) => {
    const list = memberAt(document, path);
    if (!Array.isArray(list) || list.length === 0) return undefined;
    const text = (language: Language) => list.map((element) => line(element, language)).join('\n');
    return { ru: text('ru'), en: text('en') };
  };
  return wordsField(name, words, { paths: members.map((member) => `${path}.${member}`) });
}

function classLine(element: Document, language: Language): string {
  const { classId, action, rows, norm, until } = element as ManifestClass;
  const why =
    norm === undefined ? '' : ` (${normIn(language, norm)}; ${UNTIL[language]}: ${normIn(language, until ?? '')})`;
  return `${categoryIn(language, classId)}: ${ACTIONS[language][action]}, ${ROWS[language]}: ${rows}${why}`;
}

/** Classes of a plan, or of what was kept. */
export function classesField(name: string, path: string): PanelField {
  return inBothLanguages(name, path, ['classId', 'action', 'rows', 'norm', 'until'], classLine);
}

export const blockers = inBothLanguages('blockers', 'manifest.blockers', ['code', 'detail'], (element, language) => {
  const { code, detail } = element as Blocker;
  return `${BLOCKERS[language][code]} (${detail})`;
});

const NOTICE_MEMBERS = ['recipient', 'countries', 'state', 'dueAt', 'sentAt', 'answeredAt'] as const;

export const notices = linesField('notices', 'notices', NOTICE_MEMBERS, (notice) =>
  NOTICE_MEMBERS.flatMap((name) => plain(notice[name]) ?? []).join('  '),
);

export const noticesOwed: PanelField = {
  name: 'noticesOwed',
  paths: ['notices.state'],
  value: ({ notices: found }) => String(owedNotices({ notices: found })),
};

/** What recipients are told, in both languages: whoever sends it chooses. */
export const noticeTexts: PanelField = {
  name: 'noticeTexts',
  paths: ['type', ...['recipient', 'countries', 'transfers', 'first', 'last'].map((member) => `notices.${member}`)],
  type: 'textarea',
  value: ({ type, notices: found = [] }) => {
    const cause = REQUEST_TERMS[type as PrivacyRequestType]?.notice;
    if (!cause) return undefined;
    const texts = (found as Notice[]).flatMap((notice) =>
      (['ru', 'en'] as const).map((language) => `${notice.recipient}: ${noticeText(notice, cause, language)}`),
    );
    return texts.join('\n\n') || undefined;
  },
};
