import type { PanelField, PanelSpec } from '../../src/admin/panel/spec.ts';
import { SPECS } from '../../src/admin/panel/specs.ts';
import { RANGES } from '../../src/admin/panel/traffic-facts.ts';
import { DAY_MS, MODELS, PROVIDERS } from './rows.ts';
import type { Samples } from './samples.ts';

/** What is asked for: the overview of each range, and each list with every filter and order that the panel offers. */

export const DASHBOARD_MS = 300;
export const LIST_MS = 200;
/** Lists of collections that grow with traffic. */
const MEASURED = ['requests', 'ledger', 'accounts', 'audit'];
export const PER_PAGE = 20;
/** As deep as the panel goes. */
const DEEP_PAGE = 500;
const LONG_AGO_DAYS = 20;

export type Filters = Readonly<Record<string, string | { from?: string; to?: string }>>;
export type ListPage = { spec: PanelSpec; filters: Filters; direction: 'asc' | 'desc'; page: number };
export type Page = { name: string; path: string; goalMs: number; list?: ListPage };

function valuesOf(field: PanelField, { spec, samples }: { spec: PanelSpec; samples: Samples }): Filters[string][] {
  const { name, between, choices } = field;
  const at = (daysAgo: number) => new Date(Date.now() - daysAgo * DAY_MS).toISOString();
  if (between) return [{ from: at(LONG_AGO_DAYS + 1), to: at(LONG_AGO_DAYS) }, { to: at(LONG_AGO_DAYS) }];
  // One that most have, and one that few have or none.
  if (choices)
    return [choices.includes('done') ? 'done' : choices[0], choices.at(-1)].filter((one) => one !== undefined);
  const known: Record<string, readonly string[]> = {
    id:
      spec.id === 'requests'
        ? [samples.requestId, samples.requestId.slice(0, 12)]
        : spec.hasNumericId
          ? ['77']
          : ['acc_'],
    accountId: [samples.accountIds.busiest, samples.accountIds.middling],
    keyId: [samples.keyId],
    model: [MODELS[0] ?? '', 'bench/none'],
    provider: [PROVIDERS.at(-1) ?? ''],
    actorId: [samples.staffId],
    targetId: [samples.accountIds.busiest],
    action: ['keys.revoke'],
  };
  return [...(known[name] ?? ['none'])];
}

export function overviewPath(range: string): string {
  return `/admin/api/dashboard?range=${range}`;
}

/** The address of a list as the panel's own pages ask for it. */
function pathOf({ spec, filters, direction, page }: ListPage): string {
  const query = new URLSearchParams({ page: String(page), perPage: String(PER_PAGE), sortBy: 'id', direction });
  for (const [name, value] of Object.entries(filters)) {
    if (typeof value === 'string') query.set(`filters.${name}`, value);
    else for (const [bound, at] of Object.entries(value)) query.set(`filters.${name}~~${bound}`, at);
  }
  return `/admin/api/resources/${spec.id}/actions/list?${query.toString()}`;
}

function nameOf({ spec, filters, direction, page }: ListPage): string {
  const searched = Object.entries(filters).map(([name, value]) => {
    if (typeof value !== 'string') return `${name} ${Object.keys(value).join('-')}`;
    return /^(acc|key|req|stf)_/.test(value) ? `${name} (${value.length} characters)` : `${name}=${value}`;
  });
  const parts = [spec.id, ...searched, ...(direction === 'asc' ? ['oldest first'] : [])];
  return `${parts.join(', ')}, page ${page}`;
}

function pagesOf(spec: PanelSpec, samples: Samples): Page[] {
  const searchable = spec.fields.filter(({ filter, between, isHidden }) => !isHidden && (filter || between));
  const single = searchable.flatMap((field) =>
    valuesOf(field, { spec, samples }).map((value): Filters => ({ [field.name]: value })),
  );
  const { busiest } = samples.accountIds;
  const both: Filters[] =
    spec.id === 'requests' ? [{ accountId: busiest, state: 'aborted', model: MODELS[0] ?? '' }] : [];
  return [{}, ...single, ...both].flatMap((filters) =>
    (['desc', 'asc'] as const).flatMap((direction) =>
      [1, DEEP_PAGE].map((page) => {
        const list = { spec, filters, direction, page };
        return { name: nameOf(list), path: pathOf(list), goalMs: LIST_MS, list };
      }),
    ),
  );
}

export function pagesToMeasure(samples: Samples): Page[] {
  const dashboards = Object.keys(RANGES).map((range) => ({
    name: `overview, ${range}`,
    path: overviewPath(range),
    goalMs: DASHBOARD_MS,
  }));
  return [...dashboards, ...SPECS.filter(({ id }) => MEASURED.includes(id)).flatMap((spec) => pagesOf(spec, samples))];
}
