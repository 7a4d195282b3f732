/** The panel's words from every file of words, put together. */
import { ANNOUNCEMENT_WORDS } from './announcements.ts';
import { AUDIT_WORDS } from './audit.ts';
import { CALENDAR_WORDS } from './calendar.ts';
import { CONTACT_WORDS } from './contacts.ts';
import { EMPTY_WORDS } from './empty.ts';
import { INCIDENT_WORDS } from './incidents.ts';
import { KEEPING_WORDS } from './keeping.ts';
import { MONEY_WORDS } from './money.ts';
import { PAPER_WORDS } from './papers.ts';
import { POLICY_WORDS } from './policy.ts';
import { PRIVACY_WORDS } from './privacy.ts';
import { PRIVACY_COMMAND_WORDS } from './privacy-commands.ts';
import { PRIVACY_HELP_WORDS } from './privacy-help.ts';
import { QUEUE_WORDS } from './queues.ts';
import { RECORD_WORDS } from './records.ts';
import { ROUTING_WORDS } from './routing.ts';
import { SETTING_WORDS } from './settings.ts';
import { SUPPORT_WORDS } from './support.ts';
import { TRAFFIC_WORDS } from './traffic.ts';

const FILES = [
  MONEY_WORDS,
  ROUTING_WORDS,
  POLICY_WORDS,
  QUEUE_WORDS,
  SUPPORT_WORDS,
  ANNOUNCEMENT_WORDS,
  TRAFFIC_WORDS,
  CONTACT_WORDS,
  PRIVACY_WORDS,
  PRIVACY_COMMAND_WORDS,
  PRIVACY_HELP_WORDS,
  KEEPING_WORDS,
  PAPER_WORDS,
  INCIDENT_WORDS,
  CALENDAR_WORDS,
  SETTING_WORDS,
  EMPTY_WORDS,
  AUDIT_WORDS,
  RECORD_WORDS,
];

export type Words = Record<'labels' | 'actions' | 'properties' | 'messages', Record<string, unknown>>;

/** What is in every file, in one language, with `own`. */
export function joined<Components>(language: 'en' | 'ru', own: Words & { components: Components }) {
  const part = (name: keyof Words) =>
    Object.assign({}, own[name], ...FILES.map((words) => words[language][name])) as Record<string, unknown>;
  return {
    labels: part('labels'),
    actions: part('actions'),
    properties: part('properties'),
    components: own.components,
    messages: part('messages'),
  };
}

/**
 * Lists are headed by the name of what they list, and say what to do while there is nothing in them; the page of a record is
 * headed by what it is.
 */
export function wordsOfResources({ labels, messages }: Pick<Words, 'labels' | 'messages'>, ids: readonly string[]) {
  const words = ids.map((id) => {
    const empty = messages[`empty_${id}`];
    return [
      id,
      {
        actions: { list: labels[id], show: labels[`one_${id}`] },
        ...(empty ? { messages: { noRecordsInResource: empty } } : {}),
      },
    ] as const;
  });
  return Object.fromEntries(words);
}
