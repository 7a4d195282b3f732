import { Value } from './cell.ts';
import {
  ask,
  Box,
  createElement,
  type Element,
  H4,
  Label,
  type PropertyJson,
  page,
  type RecordJson,
  type ResourceJson,
  Text,
  useEffect,
  useSession,
  useState,
} from './window.ts';
import { momentText, spanText } from './written.ts';

/** The page of one record: its members, its steps in time, and what belongs to it in other collections. */

type Related = { resourceId: string; filter: string; by?: string };
type Properties = {
  action: { custom: { nextStep: string; steps: string[]; related: Related[]; files: string[]; filesFields: string[] } };
  resource: ResourceJson & { showProperties: PropertyJson[] };
  record: RecordJson;
};

const CARD = { bg: 'white', p: 'xl', mb: 'xl', style: { borderRadius: 12 } };
const GRID = {
  style: { display: 'grid', gridTemplateColumns: 'repeat(auto-fill, minmax(260px, 1fr))', gap: '20px 32px' },
};
const WIDE = { style: { gridColumn: '1 / -1' } };
const TABLE = { style: { width: '100%', textAlign: 'left' } };
const CELL = { padding: '8px 16px 8px 0', verticalAlign: 'top' };
const RELATED_MAX = 10;

function Member({ property, record, resource }: Properties & { property: PropertyJson }): Element {
  const { translateProperty } = page.AdminJS.useTranslation();
  return createElement(
    Box,
    ['textarea', 'lines', 'conversation', 'words'].includes(property.type) ? WIDE : null,
    createElement(Label, null, translateProperty(property.name, resource.id)),
    createElement(Value, { property, record, isShort: false }),
  );
}

/** What the law wants next, and how it is done, in plain words. */
function NextStep(given: Properties & { property: PropertyJson }): Element {
  const { property, record, resource } = given;
  const { translateProperty, translateMessage } = page.AdminJS.useTranslation();
  const help = `help_${property.name}_${record.params[property.name]}`;
  return createElement(
    Box,
    {
      ...CARD,
      style: { ...CARD.style, borderLeft: '4px solid #b45309' },
      'data-next-step': record.params[property.name],
    },
    createElement(Label, null, translateProperty(property.name, resource.id)),
    createElement(Value, { property, record, isShort: false }),
    createElement(
      Text,
      { mt: 'default', color: 'grey80', style: { lineHeight: 1.5, maxWidth: 760 } },
      translateMessage(help),
    ),
  );
}

function Steps({ steps, record, resource }: Properties & { steps: string[] }): Element {
  const { translateProperty, translateMessage, i18n } = page.AdminJS.useTranslation();
  const taken = steps
    .map((name) => ({ name, ms: Date.parse(record.params[name] ?? '') }))
    .filter(({ ms }) => !Number.isNaN(ms))
    .sort((a, b) => a.ms - b.ms);
  const rows = taken.map(({ name, ms }, index) =>
    createElement(
      'tr',
      { key: name, 'data-step': name },
      createElement('td', { style: CELL }, translateProperty(name, resource.id)),
      createElement('td', { style: CELL }, momentText(ms, i18n.language)),
      createElement(
        'td',
        { style: CELL },
        index === 0 ? '' : `+${spanText(ms - (taken[index - 1]?.ms ?? ms), i18n.language)}`,
      ),
    ),
  );
  return createElement(
    Box,
    CARD,
    createElement(H4, { mb: 'lg' }, translateMessage('steps')),
    createElement('table', null, createElement('tbody', null, ...rows)),
  );
}

/** What can be taken along. Plain links: the browser saves what they give. */
function Files({ files, record, resource }: Properties & { files: string[] }): Element {
  const { translateMessage } = page.AdminJS.useTranslation();
  const base = `/admin/resources/${resource.id}/records/${encodeURIComponent(record.id)}/files`;
  const links = files.map((name) =>
    createElement(
      Box,
      { key: name, mb: 'default' },
      createElement(
        'a',
        { href: `${base}/${name}`, download: '', style: { color: '#b45309' }, 'data-file': name },
        translateMessage(`file_${name.replaceAll('.', '_')}`),
      ),
    ),
  );
  return createElement(
    Box,
    CARD,
    createElement(H4, { mb: 'lg' }, translateMessage('files')),
    ...links,
    createElement(Text, { color: 'grey60' }, translateMessage('filesHelp')),
  );
}

type Listed = { records: RecordJson[]; meta: { total: number } };

function RelatedTable({ related, id }: { related: Related; id: string }): Element {
  const session = useSession();
  const { translateLabel, translateProperty, translateMessage } = page.AdminJS.useTranslation();
  const resource = page.ReactRedux.useSelector(({ resources }) =>
    resources.find((one) => one.id === related.resourceId),
  );
  const [listed, setListed] = useState<Listed | undefined>(undefined);
  const query = `filters.${related.filter}=${encodeURIComponent(id)}`;
  useEffect(() => {
    if (!resource) return undefined;
    ask(`resources/${related.resourceId}/actions/list?${query}&perPage=${RELATED_MAX}`, session).then(
      ({ status, body }) => status === 200 && setListed(body as unknown as Listed),
      () => undefined,
    );
    return undefined;
  }, [query]);
  if (!resource || !listed) return null;
  const shown = resource.listProperties.filter(({ name }) => name !== related.filter);
  const cell = (content: Element, key: string) => createElement('td', { key, style: CELL }, content);
  const rows = listed.records.map((record) =>
    createElement(
      'tr',
      { key: record.id },
      ...shown.map((property) => cell(createElement(Value, { property, record, isShort: true }), property.name)),
      cell(
        createElement(
          page.ReactRouterDOM.Link,
          {
            to: `/admin/resources/${resource.id}/records/${encodeURIComponent(record.id)}/show`,
            style: { color: '#b45309' },
          },
          translateMessage('openRecord'),
        ),
        'open',
      ),
    ),
  );
  const heading = createElement(
    'tr',
    null,
    ...shown.map(({ name }) =>
      createElement('th', { key: name, style: { ...CELL, fontWeight: 600 } }, translateProperty(name, resource.id)),
    ),
    createElement('th', { key: 'open' }),
  );
  const all = createElement(
    page.ReactRouterDOM.Link,
    { to: `/admin/resources/${resource.id}?${query}`, style: { color: '#b45309', fontSize: 14 } },
    `${translateMessage('showAll')} (${listed.meta.total})`,
  );
  return createElement(
    Box,
    { ...CARD, 'data-related': resource.id, style: { ...CARD.style, overflowX: 'auto' } },
    createElement(
      Box,
      { flex: true, justifyContent: 'space-between', mb: 'lg' },
      createElement(H4, null, translateLabel(resource.id)),
      rows.length > 0 ? all : null,
    ),
    rows.length === 0
      ? createElement(Text, { color: 'grey60' }, translateMessage('noRecords'))
      : createElement('table', TABLE, createElement('thead', null, heading), createElement('tbody', null, ...rows)),
  );
}

export function Record(given: Properties): Element {
  const { action, resource, record } = given;
  const { nextStep, steps, related, filesFields } = action.custom;
  const had = filesFields.flatMap((name) => record.params[name]?.split('\n') ?? []);
  const files = action.custom.files.filter((name) => filesFields.length === 0 || had.includes(name));
  const next = resource.showProperties.find(({ name }) => name === nextStep);
  const members = resource.showProperties.filter(({ name }) => name !== nextStep && !steps.includes(name));
  return createElement(
    Box,
    { 'data-record': record.id },
    next ? createElement(NextStep, { ...given, property: next }) : null,
    createElement(
      Box,
      CARD,
      createElement(
        Box,
        GRID,
        ...members.map((property) => createElement(Member, { ...given, key: property.name, property })),
      ),
    ),
    files.length > 0 ? createElement(Files, { ...given, files }) : null,
    steps.length > 0 ? createElement(Steps, { ...given, steps }) : null,
    ...related.map((one) =>
      createElement(RelatedTable, {
        key: one.resourceId,
        related: one,
        id: (one.by && record.params[one.by]) || record.id,
      }),
    ),
  );
}
