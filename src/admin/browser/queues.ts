import { Box, createElement, type Element, H4, page, Text } from './window.ts';
import { localeOf, momentText, spanText } from './written.ts';

/** How the queues stand, on the first page of those who look after them. */

export type QueueState = {
  queue: string;
  waiting: number;
  active: number;
  delayed: number;
  failed: number;
  oldestWaitingMs: number;
  startedPerMinute: number;
  finishedPerMinute: number;
  failedPerMinute: number;
};

const CARD = { bg: 'white', p: 'xl', mb: 'xxl', style: { borderRadius: 12, overflowX: 'auto' } };
const CELL = { padding: '8px 24px 8px 0' };
const RATES = ['startedPerMinute', 'finishedPerMinute', 'failedPerMinute'] as const;
const COLUMNS = ['queue', 'waiting', 'active', 'delayed', 'failed', 'oldestWaiting', ...RATES] as const;
const LINK = { color: '#b45309' };

function Row({ state }: { state: QueueState }): Element {
  const { translateMessage, i18n } = page.AdminJS.useTranslation();
  const age = state.oldestWaitingMs === 0 ? '—' : spanText(state.oldestWaitingMs, i18n.language);
  const cells = [
    translateMessage(`queue_${state.queue}`),
    state.waiting,
    state.active,
    state.delayed,
    state.failed,
    age,
    ...RATES.map((name) => state[name].toLocaleString(localeOf(i18n.language))),
  ];
  return createElement(
    'tr',
    { 'data-queue': state.queue },
    ...cells.map((cell, index) => createElement('td', { key: COLUMNS[index], style: CELL }, String(cell))),
  );
}

export function Queues({ queues }: { queues: QueueState[] | null }): Element {
  const { translateMessage } = page.AdminJS.useTranslation();
  const heading = createElement(
    'tr',
    null,
    ...COLUMNS.map((name) =>
      createElement('th', { key: name, style: { ...CELL, fontWeight: 600 } }, translateMessage(name)),
    ),
  );
  const rows = queues?.map((state) => createElement(Row, { key: state.queue, state })) ?? [];
  return createElement(
    Box,
    { ...CARD, 'data-queues': queues ? 'shown' : 'away' },
    createElement(H4, { mb: 'lg' }, translateMessage('queues')),
    queues
      ? createElement('table', null, createElement('thead', null, heading), createElement('tbody', null, ...rows))
      : createElement(Text, null, translateMessage('queuesAway')),
    queues && createElement(Text, { color: 'grey80', mt: 'default' }, translateMessage('ratesHelp')),
    createElement(
      Box,
      { mt: 'lg' },
      createElement(
        page.ReactRouterDOM.Link,
        { to: '/admin/resources/queues', style: LINK },
        translateMessage('openQueues'),
      ),
      createElement('a', { href: '/admin/board/', style: { ...LINK, marginLeft: 24 } }, translateMessage('openBoard')),
    ),
  );
}

export type Schedule = { name: string; lastAt?: string };

/** What the workers do by themselves, and when it was last through. */
export function Schedules({ schedules }: { schedules: Schedule[] }): Element {
  const { translateMessage, i18n } = page.AdminJS.useTranslation();
  const rows = schedules.map(({ name, lastAt }) =>
    createElement(
      'tr',
      { key: name, 'data-schedule': name },
      createElement('td', { style: CELL }, translateMessage(`schedule_${name}`)),
      createElement('td', { style: CELL }, lastAt ? momentText(lastAt, i18n.language) : translateMessage('never')),
    ),
  );
  return createElement(
    Box,
    CARD,
    createElement(H4, { mb: 'lg' }, translateMessage('schedules')),
    createElement('table', null, createElement('tbody', null, ...rows)),
  );
}
