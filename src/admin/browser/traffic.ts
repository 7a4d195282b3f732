import { barsOf, Chart } from './chart.ts';
import { Box, Button, createElement, type Element, H4, page, Text } from './window.ts';
import { linesText, momentText, moneyText, spanText } from './written.ts';

/** Requests, money, models, accounts and providers over a day, a week or a month. */

type Top = { key: string; requests: number; revenue?: string };
type Hour = { at: string; requests?: number; failed?: number; tokens?: number; rubles?: number };
export type TrafficFacts = {
  range: string;
  countedUpTo?: string;
  hours: Hour[];
  totals: { name: string; text: string }[];
  failures: { code: string; count: number }[];
  models: Top[];
  /** Absent while they are being ranked. */
  accounts?: Top[];
  providers?: { key: string; calls: number; good: number; p50Ms?: number; p95Ms?: number }[];
};

const RANGES = { day: 24, week: 168, month: 720 } as const;
const GRID = { display: 'grid', gridTemplateColumns: 'repeat(auto-fill, minmax(320px, 1fr))', gap: 16 };
const CARD = { bg: 'white', p: 'xl', style: { borderRadius: 12, overflowX: 'auto' } };
const CELL = { padding: '6px 16px 6px 0' };
const WHOLE = { ...CELL, whiteSpace: 'nowrap' };
const CHARTS = [
  ['requests', '#d97706', ''],
  ['failed', '#b91c1c', ''],
  ['tokens', '#0f766e', ''],
  ['rubles', '#1d4ed8', ' ₽'],
] as const;

function Table({ name, rows }: { name: string; rows: readonly (readonly Element[])[] }): Element {
  const { translateMessage } = page.AdminJS.useTranslation();
  const shown = rows.length > 0 ? rows : [[translateMessage('noRecords')]];
  const lines = shown.map((cells, index) =>
    createElement(
      'tr',
      { key: index },
      ...cells.map((cell, at) => createElement('td', { key: at, style: at === 0 ? CELL : WHOLE }, cell)),
    ),
  );
  return createElement(
    Box,
    // Reached by the keyboard, for it scrolls when it is too narrow.
    { ...CARD, tabIndex: 0, 'data-table': name },
    createElement(Text, { mb: 'default', fontWeight: 'bold' }, translateMessage(`traffic_${name}`)),
    createElement('table', null, createElement('tbody', null, ...lines)),
  );
}

function Tops({ facts }: { facts: TrafficFacts }): Element {
  const { translateMessage, i18n } = page.AdminJS.useTranslation();
  const link = (key: string) =>
    createElement(
      page.ReactRouterDOM.Link,
      { to: `/admin/resources/accounts/records/${encodeURIComponent(key)}/show`, style: { color: '#b45309' } },
      `${key.slice(0, 4)}…${key.slice(-8)}`,
    );
  const row = ({ requests, revenue }: Top, name: Element) => [
    name,
    String(requests),
    revenue ? moneyText(`${revenue} ₽`, i18n.language) : '',
  ];
  const accounts = facts.accounts?.map((one) => row(one, link(one.key)));
  const rounded = (ms: number | undefined) => (ms === undefined ? '—' : spanText(ms, i18n.language));
  const health = facts.providers?.map(({ key, calls, good, p50Ms, p95Ms }) => [
    key,
    `${good} / ${calls}`,
    `p50 ${rounded(p50Ms)}`,
    `p95 ${rounded(p95Ms)}`,
  ]);
  return createElement(
    Box,
    { style: GRID, mb: 'xxl' },
    createElement(Table, { name: 'models', rows: facts.models.map((one) => row(one, one.key)) }),
    createElement(Table, { name: 'accounts', rows: accounts ?? [[translateMessage('beingRanked')]] }),
    health && createElement(Table, { name: 'providers', rows: health }),
    facts.failures.length > 0 &&
      createElement(Table, { name: 'failures', rows: facts.failures.map(({ code, count }) => [code, String(count)]) }),
  );
}

function Charts({ facts }: { facts: TrafficFacts }): Element {
  const { translateMessage } = page.AdminJS.useTranslation();
  const hours = RANGES[facts.range as keyof typeof RANGES];
  const shown = CHARTS.filter(([name]) => facts.hours.some((hour) => hour[name] !== undefined));
  return createElement(
    Box,
    { style: GRID, mb: 'lg' },
    ...shown.map(([name, color, unit]) => {
      const points = facts.hours.map((hour) => ({ atMs: Date.parse(hour.at), value: hour[name] ?? 0 }));
      const bars = barsOf(points, hours, Date.now());
      return createElement(Chart, { key: name, name, title: translateMessage(`chart_${name}`), bars, color, unit });
    }),
  );
}

export function Traffic({ facts, choose }: { facts: TrafficFacts; choose: (range: string) => void }): Element {
  const { translateMessage, i18n } = page.AdminJS.useTranslation();
  const upTo = facts.countedUpTo && momentText(facts.countedUpTo, i18n.language);
  const buttons = Object.keys(RANGES).map((range) =>
    createElement(
      Button,
      {
        key: range,
        size: 'sm',
        mr: 'default',
        variant: range === facts.range ? 'contained' : 'outlined',
        onClick: () => choose(range),
        'data-range': range,
      },
      translateMessage(`range_${range}`),
    ),
  );
  const totals = facts.totals.map(({ name, text }) =>
    createElement(
      Box,
      { key: name, mr: 'xxl', 'data-total': name },
      createElement(H4, null, linesText(moneyText(text, i18n.language), i18n.language)),
      createElement(Text, { color: 'grey80' }, translateMessage(`total_${name}`)),
    ),
  );
  const isEmpty = facts.hours.length === 0;
  return createElement(
    Box,
    { mb: 'xxl', 'data-traffic': isEmpty ? 'empty' : 'shown' },
    createElement(Box, { flex: true, mb: 'lg' }, ...buttons),
    isEmpty
      ? createElement(Box, CARD, createElement(Text, null, translateMessage('trafficEmpty')))
      : createElement(
          page.React.Fragment,
          null,
          createElement(Box, { ...CARD, flex: true, mb: 'lg', flexWrap: 'wrap' }, ...totals),
          createElement(Charts, { facts }),
          createElement(Tops, { facts }),
        ),
    upTo && createElement(Text, { color: 'grey60', variant: 'sm' }, `${translateMessage('countedUpTo')} ${upTo}`),
  );
}
