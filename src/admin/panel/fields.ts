import { Binary, type Document } from 'mongodb';
import { type IdPrefix, lowestIdAt } from '../../ids.ts';
import { formatRub } from '../../money.ts';
import type { PanelField } from './spec.ts';

/** The kinds of fields that specs are made of. */

type Options = Partial<
  Pick<PanelField, 'listed' | 'isHidden' | 'isIndexed' | 'permission' | 'reference' | 'choices' | 'paths'>
>;

const ID_CHARACTERS = /^[\w:.@/-]{1,200}$/;
const LAST_CHARACTER = '\uffff';
const YES_NO = ['yes', 'no'] as const;

/** A member of a document, by its path. */
export function memberAt(document: Document, path: string): unknown {
  let value: unknown = document;
  for (const name of path.split('.'))
    value =
      typeof value === 'object' && value !== null && Object.hasOwn(value, name) ? Reflect.get(value, name) : undefined;
  return value;
}

/** Text of plain values; bytes and whole objects are nothing to show. */
export function plain(value: unknown): string | undefined {
  if (typeof value === 'string') return value === '' ? undefined : value;
  if (value instanceof Date) return value.toISOString();
  if (['number', 'bigint', 'boolean'].includes(typeof value)) return String(value);
  if (Array.isArray(value) && value.every((item) => ['string', 'number'].includes(typeof item)))
    return value.join(', ') || undefined;
  return undefined;
}

function isWord(text: string): boolean {
  return ID_CHARACTERS.test(text);
}

/** The document's id; searched for by how it begins. */
export function idField(options: Options = {}): PanelField {
  return {
    name: 'id',
    paths: ['_id'],
    isIndexed: true,
    listed: true,
    value: (document) => plain(document._id),
    filter: (text) => (isWord(text) ? { _id: { $gte: text, $lt: `${text}${LAST_CHARACTER}` } as never } : undefined),
    ...options,
  };
}

/** A member as it is. */
export function textField(name: string, options: Options & { path?: string } = {}): PanelField {
  const { path = name, ...rest } = options;
  return { name, paths: [path], value: (document) => plain(memberAt(document, path)), ...rest };
}

/** A member that can be searched for by its whole value. */
export function exactField(name: string, options: Options & { path?: string } = {}): PanelField {
  const field = textField(name, options);
  const { path = name } = options;
  return { ...field, filter: (text) => (isWord(text) ? { [path]: text } : undefined) };
}

/** A member that is one of few values. */
export function choiceField(
  name: string,
  choices: readonly string[],
  options: Options & { path?: string } = {},
): PanelField {
  const { path = name } = options;
  return {
    ...textField(name, options),
    choices,
    filter: (text) => (choices.includes(text) ? { [path]: text } : undefined),
  };
}

/** A moment, shown in the operator's zone. */
export function timeField(name: string, options: Options & { path?: string } = {}): PanelField {
  return { ...textField(name, options), type: 'datetime' };
}

/** When a document was made, searched for by its id, which is made of that moment. */
export function createdField(prefix: IdPrefix, options: Options = {}): PanelField {
  const bound = (at: Date) => lowestIdAt(prefix, at.getTime());
  return {
    ...timeField('createdAt', options),
    isIndexed: true,
    between: (from, to) => ({
      _id: { ...(from ? { $gte: bound(from) } : {}), ...(to ? { $lt: bound(to) } : {}) } as never,
    }),
  };
}

/** Micro-rubles, exact. */
export function moneyField(name: string, options: Options & { path?: string } = {}): PanelField {
  const { path = name, ...rest } = options;
  return {
    name,
    paths: [path],
    value: (document) => {
      const micros = memberAt(document, path);
      if (typeof micros === 'bigint') return `${formatRub(micros)} ₽`;
      return typeof micros === 'number' ? `${formatRub(BigInt(micros))} ₽` : undefined;
    },
    ...rest,
  };
}

/** Whether there is something, without what it is. */
export function presenceField(name: string, path: string, options: Options = {}): PanelField {
  return {
    name,
    paths: [path],
    value: (document) => {
      const value = memberAt(document, path);
      const isThere = value instanceof Binary ? value.length() > 0 : value !== undefined && value !== null;
      return isThere ? 'yes' : 'no';
    },
    choices: YES_NO,
    ...options,
  };
}

/** A switch. */
export function switchField(name: string, options: Options & { path?: string } = {}): PanelField {
  const { path = name, ...rest } = options;
  const value = (document: Document) => (memberAt(document, path) === true ? 'yes' : 'no');
  return { name, paths: [path], value, choices: YES_NO, ...rest };
}

/** Texts in both languages, of which the page shows one. */
export type BothWords = { ru: string; en: string };

/** A text that is there in both languages, whatever else a document has. */
export function wordsField(
  name: string,
  words: (document: Document) => BothWords | undefined,
  options: Options = {},
): PanelField {
  const value = (document: Document) => {
    const found = words(document);
    return found && JSON.stringify({ ru: found.ru, en: found.en });
  };
  return { name, type: 'words', value, ...options };
}

/** A member that is a whole number, searched for as one. */
export function numberField(name: string, options: Options & { path?: string } = {}): PanelField {
  const { path = name } = options;
  return {
    ...textField(name, options),
    filter: (text) => (/^\d{1,15}$/.test(text) ? { [path]: Number(text) } : undefined),
  };
}

/** Several lines, one for each element of a list. */
export function linesField(
  name: string,
  path: string,
  members: readonly string[],
  line: (element: Document) => string,
  options: Options = {},
): PanelField {
  return {
    name,
    paths: members.map((member) => `${path}.${member}`),
    type: 'lines',
    value: (document) => {
      const list = memberAt(document, path);
      return Array.isArray(list) ? list.map(line).join('\n') || undefined : undefined;
    },
    ...options,
  };
}

/** What was done about a document, a line for each step with these members of it. */
export function historyField(members: readonly string[]): PanelField {
  return linesField('history', 'history', members, (step) =>
    members.flatMap((name) => plain(step[name]) ?? []).join('  '),
  );
}

/** How often a document was changed, for forms to send back. */
export function versionField(): PanelField {
  return { name: 'version', isHidden: true, value: ({ version }) => String(version ?? 0) };
}
