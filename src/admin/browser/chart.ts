import { Box, createElement, type Element, page, Text } from './window.ts';
import { localeOf } from './written.ts';

/** A chart of bars: plain SVG, in the operator's time zone. */

export type Bar = { atMs: number; value: number };

const HEIGHT = 120;
const BAR = 10;
const GAP = 2;
const HOUR_MS = 3_600_000;

/** One bar for each hour, or for each day of the operator's calendar; those without anything too. */
export function barsOf(points: readonly Bar[], hours: number, nowMs: number): Bar[] {
  const isDaily = hours > 24;
  const startOf = (ms: number) => {
    const at = new Date(ms);
    return isDaily ? new Date(at.getFullYear(), at.getMonth(), at.getDate()).getTime() : ms - (ms % HOUR_MS);
  };
  const sums = new Map<number, number>();
  for (let back = hours - 1; back >= 0; back--) sums.set(startOf(nowMs - back * HOUR_MS), 0);
  for (const { atMs, value } of points) {
    const start = startOf(atMs);
    if (sums.has(start)) sums.set(start, (sums.get(start) ?? 0) + value);
  }
  return [...sums].map(([atMs, value]) => ({ atMs, value }));
}

export function Chart(given: {
  name: string;
  title: string;
  bars: readonly Bar[];
  color: string;
  unit: string;
}): Element {
  const { name, title, bars, color, unit } = given;
  const { i18n } = page.AdminJS.useTranslation();
  const most = Math.max(0, ...bars.map(({ value }) => value));
  const isHourly = (bars[1]?.atMs ?? 0) - (bars[0]?.atMs ?? 0) <= HOUR_MS;
  const number = (value: number) =>
    `${value.toLocaleString(localeOf(i18n.language), { maximumFractionDigits: 2 })}${unit}`;
  const moment = (ms: number) =>
    new Date(ms).toLocaleString(
      localeOf(i18n.language),
      isHourly
        ? { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' }
        : { day: 'numeric', month: 'short' },
    );
  const rects = bars.map(({ atMs, value }, index) => {
    const height = most === 0 ? 0 : (value / most) * HEIGHT;
    const place = { x: index * (BAR + GAP), y: HEIGHT - height, width: BAR, height, fill: color };
    return createElement(
      'rect',
      { key: atMs, ...place },
      createElement('title', null, `${moment(atMs)}: ${number(value)}`),
    );
  });
  const width = Math.max(bars.length * (BAR + GAP), 1);
  const [first, last] = [bars[0], bars.at(-1)];
  return createElement(
    Box,
    { bg: 'white', p: 'xl', style: { borderRadius: 12 }, 'data-chart': name },
    createElement(Text, { mb: 'default', fontWeight: 'bold' }, title),
    createElement(Text, { color: 'grey60', variant: 'sm' }, number(most)),
    createElement(
      'svg',
      {
        viewBox: `0 0 ${width} ${HEIGHT}`,
        preserveAspectRatio: 'none',
        role: 'img',
        'aria-label': title,
        style: { width: '100%', height: HEIGHT, borderBottom: '1px solid #d6d3d1' },
      },
      ...rects,
    ),
    createElement(
      Box,
      { flex: true, justifyContent: 'space-between', mt: 'sm' },
      createElement(Text, { color: 'grey60', variant: 'sm' }, first ? moment(first.atMs) : ''),
      createElement(Text, { color: 'grey60', variant: 'sm' }, last ? moment(last.atMs) : ''),
    ),
  );
}
