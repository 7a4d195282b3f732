import { markdownTable } from '../report-section.ts';
import type { Measured, PanelFigures, PanelOptions } from './run.ts';

/** What was measured as Markdown, and what of it misses its goal. */

/** Why a page does not pass; empty when it does. */
function faultsOf({ ms, goalMs, plans }: Measured): string[] {
  const slow = ms.p95 < goalMs ? [] : [`p95 of ${ms.p95.toFixed(0)} ms, the goal is ${goalMs} ms`];
  return [...slow, ...plans.filter(({ index }) => index === undefined).map(({ query }) => `${query} without an index`)];
}

/** One line for each page that misses its goal. */
export function failuresOf({ pages }: PanelFigures): string[] {
  return pages.flatMap((page) => faultsOf(page).map((fault) => `${page.name}: ${fault}`));
}

function planText({ plans }: Measured, query: 'page' | 'count'): string {
  const plan = plans.find((one) => one.query === query);
  if (!plan) return '';
  return `${plan.index ?? 'none'}, ${plan.examined ?? '?'}`;
}

export function render(figures: PanelFigures, { repetitions }: PanelOptions, about: string): string {
  const { engine, requests, pages, load } = figures;
  const ms = (value: number) => value.toFixed(0);
  const rows = pages.map((page) => [
    page.name,
    ms(page.ms.p50),
    ms(page.ms.p95),
    ms(page.ms.max),
    `< ${page.goalMs}`,
    planText(page, 'page'),
    planText(page, 'count'),
  ]);
  const failures = failuresOf(figures);
  const verdict =
    failures.length === 0
      ? 'Every page is within its goal, and every list is read by an index.'
      : `**Missed:**\n\n${failures.map((line) => `- ${line}`).join('\n')}`;
  return `${about}; ${engine}. ${requests} ended requests over 40 days. Each page was asked for ${repetitions} times, one after the other, after two times that do not count: milliseconds over HTTP, as a signed-in admin. The load of the machine was ${load.toFixed(1)}; what is above its number of cores makes everything slower.

${verdict}

${markdownTable(['page', 'p50', 'p95', 'max', 'goal', 'page by index, read', 'count by index, read'], rows)}`;
}
