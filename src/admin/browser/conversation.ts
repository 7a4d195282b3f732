import { Box, createElement, type Element, page } from './window.ts';
import { momentText } from './written.ts';

/** What was written in a ticket, oldest first: who, when, and the text as it is. */

type Message = { at: string; kind: string; by: string; text: string };

const TEXT = { style: { whiteSpace: 'pre-wrap', overflowWrap: 'anywhere', lineHeight: 1.4 } };
const BORDERS: Readonly<Record<string, string>> = { customer: '#b45309', reply: '#166534', note: '#78716c' };

/** @param value the messages as JSON. */
export function Conversation({ value }: { value: string }): Element {
  const { translateLabel, i18n } = page.AdminJS.useTranslation();
  const messages = (JSON.parse(value) as Message[]).map(({ at, kind, by, text }, index) => {
    const style = { borderLeft: `3px solid ${BORDERS[kind] ?? '#991b1b'}`, paddingLeft: 12 };
    const head = createElement(
      'b',
      { title: by },
      `${translateLabel(`messageKind.${kind}`)}, ${momentText(at, i18n.language)}`,
    );
    return createElement(
      Box,
      { key: index, mb: 'lg', style, 'data-message': kind },
      head,
      createElement(Box, { ...TEXT, mt: 'sm' }, text),
    );
  });
  return createElement(Box, { mt: 'default' }, ...messages);
}
