import { Conversation } from './conversation.ts';
import { Badge, Box, createElement, type Element, type PropertyJson, page, type RecordJson, Text } from './window.ts';
import { linesText, momentText, moneyText } from './written.ts';

/** One value of a record, in a list or on the record's page: a moment, an id, one of few values, or plain text. */

const TONES: Readonly<Record<string, readonly [text: string, background: string]>> = {
  good: ['#166534', '#dcfce7'],
  bad: ['#991b1b', '#fee2e2'],
  waiting: ['#854d0e', '#fef3c7'],
  act: ['#ffffff', '#b45309'],
  plain: ['#44403c', '#f0efee'],
};
const TONE_OF: Readonly<Record<string, string>> = {
  active: 'good',
  done: 'good',
  delivered: 'good',
  executed: 'good',
  resolved: 'good',
  failed: 'bad',
  frozen: 'bad',
  revoked: 'bad',
  denied: 'bad',
  refused: 'bad',
  open: 'bad',
  overdue: 'bad',
  urgent: 'bad',
  soon: 'waiting',
  due: 'good',
  high: 'waiting',
  answered: 'good',
  breach: 'bad',
  unclear: 'waiting',
  provisional: 'waiting',
  current: 'bad',
  published: 'good',
  draft: 'waiting',
  inForce: 'waiting',
  suspended: 'waiting',
  running: 'waiting',
  accepted: 'waiting',
  pending: 'waiting',
  proposed: 'waiting',
  approved: 'waiting',
  acknowledged: 'waiting',
  invited: 'waiting',
};
const LONG_ID = /^([a-z]{3}_)\w{18}(\w{8})$/;
/** Behind these a word may be broken in a list, but not behind the prefix of an id; elsewhere only when it would take all the room. */
const BREAKS = /(?<=\w{4}[_/.:])(?=\w)/;
const UNBROKEN_CHARACTERS = 32;
const TEXT_CHARACTERS = 40;
const TEXT_WIDTH = 200;
const PLAIN = { style: { whiteSpace: 'pre-wrap', overflowWrap: 'break-word', maxWidth: '80ch', lineHeight: 1.4 } };

/** A text that came in both languages. */
function inWords(text: string, language: string): string {
  const words = JSON.parse(text) as { ru: string; en: string };
  return language === 'ru' ? words.ru : words.en;
}

/** Steps that somebody has to take; the others are waited for. */
const TO_ACT = new Set([
  'identify', 'expire', 'plan', 'answer', 'correct', 'rebuild_archive', 'give_link', 'check_download', 'notify', 'unblock', 'submit', 'approve', 'retry', 'classify', 'describe', 'send_first', 'investigate',
  'send_additional', 'close',
]); // biome-ignore format: a table of names

/** More than this goes over several lines. */
const TAG_CHARACTERS = 32;
/** In lists, which have room for few. */
const TAG_WIDTH = 230;

function toneOf(value: string): string {
  return TO_ACT.has(value) ? 'act' : (TONE_OF[value] ?? 'plain');
}

function Tag({ value, label, isShort }: { value: string; label: string; isShort: boolean }): Element {
  const [color, background] = TONES[toneOf(value)] ?? [];
  const isLong = label.length > TAG_CHARACTERS;
  const width = isShort ? { width: 'max-content', maxWidth: TAG_WIDTH } : {};
  const lines = { display: 'inline-block', height: 'auto', whiteSpace: 'normal', lineHeight: 1.3, borderRadius: 12 };
  const room = isLong ? { ...lines, ...width } : { whiteSpace: 'nowrap' };
  const style = { color, background, border: 0, fontWeight: 600, ...room };
  return createElement(Badge, { style, 'data-value': value }, label);
}

/** An id: what tells it from others in a list, the whole of it on a page of its own. */
function Id({ value, isShort, to }: { value: string; isShort: boolean; to: string | undefined }): Element {
  const [, kind = '', end = ''] = (isShort && LONG_ID.exec(value)) || [];
  const style = { fontFamily: 'ui-monospace, monospace', whiteSpace: isShort ? 'nowrap' : 'normal' };
  const properties = { title: value, style: to === undefined ? style : { ...style, color: '#b45309' } };
  const text = kind === '' ? value : `${kind}…${end}`;
  return to === undefined
    ? createElement('span', properties, text)
    : createElement(page.ReactRouterDOM.Link, { ...properties, to }, text);
}

function shortStyle(value: string) {
  const isBroken = value
    .split(/\s/)
    .some((word) => word.split(BREAKS).some(({ length }) => length > UNBROKEN_CHARACTERS));
  return {
    ...PLAIN.style,
    ...(isBroken ? { overflowWrap: 'anywhere' } : {}),
    ...(isBroken || value.length > TEXT_CHARACTERS ? { minWidth: TEXT_WIDTH } : {}),
  };
}

/** The text with places where a browser may begin a new line. */
function breakable(text: string): Element[] {
  return text.split(BREAKS).flatMap((part, index) => (index === 0 ? [part] : [createElement('wbr'), part]));
}

export function Value(given: { property: PropertyJson; record: RecordJson; isShort: boolean }): Element {
  const { property, record, isShort } = given;
  const { translateLabel, i18n } = page.AdminJS.useTranslation();
  const known = page.ReactRedux.useSelector(({ resources }) => resources.map(({ id }) => id));
  const { name, type, reference, availableValues } = property;
  const value = record.params[name] ?? '';
  if (value === '' || value === '—') return createElement(Text, { color: 'grey40' }, '—');
  if (availableValues) return createElement(Tag, { value, label: translateLabel(`${name}.${value}`), isShort });
  if (type === 'datetime')
    return createElement('span', { style: { whiteSpace: 'nowrap' }, title: value }, momentText(value, i18n.language));
  if (type === 'words') return createElement(Box, PLAIN, linesText(inWords(value, i18n.language), i18n.language));
  if (type === 'lines') return createElement(Box, PLAIN, linesText(value, i18n.language));
  if (type === 'conversation') return createElement(Conversation, { value });
  if (reference) {
    const to = known.includes(reference)
      ? `/admin/resources/${reference}/records/${encodeURIComponent(value)}/show`
      : undefined;
    return createElement(Id, { value, isShort, to });
  }
  if (LONG_ID.test(value)) return createElement(Id, { value, isShort, to: undefined });
  const text = moneyText(value, i18n.language);
  const style = isShort ? shortStyle(value) : PLAIN.style;
  return createElement(Box, { style }, ...(isShort ? breakable(text) : [text]));
}

/** In AdminJS' lists. */
export function Cell({ property, record }: { property: PropertyJson; record: RecordJson }): Element {
  return createElement(Value, { property, record, isShort: true });
}
