import { Box, createElement, type Element, page } from './window.ts';

/** What staff are told, on the overview. */

type InBothLanguages = { ru: string; en: string };
export type Announced = { id: string; title: InBothLanguages; text: InBothLanguages };

export function Announcements({ announcements }: { announcements: Announced[] }): Element {
  const { i18n } = page.AdminJS.useTranslation();
  const language = i18n.language === 'ru' ? 'ru' : 'en';
  const style = { background: '#fef3c7', color: '#713f12', borderRadius: 12, lineHeight: 1.5, whiteSpace: 'pre-wrap' };
  return createElement(
    Box,
    null,
    ...announcements.map(({ id, title, text }) =>
      createElement(
        Box,
        { key: id, p: 'lg', mb: 'xl', style, 'data-announcement': id },
        createElement('b', null, title[language]),
        createElement(Box, null, text[language]),
      ),
    ),
  );
}
