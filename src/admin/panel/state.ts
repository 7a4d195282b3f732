import type { AdminJS } from 'adminjs';
import type { Visitor } from '../visitor.ts';
import { EN } from './locale-en.ts';
import { RU } from './locale-ru.ts';
import { ROOT_PATH } from './panel.ts';
import { fieldsFor, type Member, type PanelResource } from './resource.ts';
import { SPECS } from './specs.ts';
import { wordsOfResources } from './words/all.ts';

/** What the panel's page knows when it opens: the collections this member may see, and nothing of the others. */

type Described = { properties: Record<string, unknown> } & Record<string, unknown>;
const FIELD_LISTS = ['listProperties', 'showProperties', 'filterProperties', 'editProperties'] as const;

const BRANDING = {
  companyName: 'Ocelotiq',
  logo: '/look/logo.svg',
  favicon: '/look/icon.svg',
  withMadeWithLove: false,
};

const ids = SPECS.map(({ id }) => id);
const TRANSLATIONS = {
  en: { ...EN, resources: wordsOfResources(EN, ids) },
  ru: { ...RU, resources: wordsOfResources(RU, ids) },
};

/** Our colours over AdminJS' own; letters of the operator's machine, so that nothing is fetched from elsewhere. */
export const THEME = {
  colors: {
    primary100: '#9f4708',
    primary80: '#c2650f',
    primary60: '#d97706',
    primary40: '#fbbf24',
    primary20: '#fef3c7',
    accent: '#b45309',
    hoverBg: '#d97706',
    love: '#b45309',
    // Darker than AdminJS' own, so that labels and badges can be read.
    grey100: '#1c1917',
    grey80: '#44403c',
    grey60: '#57534e',
    grey40: '#78716c',
  },
  fontWeights: { lighter: 400, light: 400, normal: 400, bold: 600, bolder: 700 },
  font: "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif",
};

/** The member as AdminJS' `currentAdmin`. */
export function memberOf({ session }: Visitor): Member {
  if (!session) throw new Error('no session');
  const { staffId, email, role } = session.member;
  return { id: staffId, email, role };
}

function describe(resource: PanelResource, member: Member): Described {
  const described = resource.decorate().toJSON(member) as unknown as Described;
  const allowed = new Set(fieldsFor(resource.spec, member.role).map(({ name }) => name));
  const lists = FIELD_LISTS.map((list) => {
    const properties = described[list] as { name: string }[];
    return [list, properties.filter(({ name }) => allowed.has(name))] as const;
  });
  const properties = Object.entries(described.properties).filter(([name]) => allowed.has(name));
  const usable = new Set(
    ['resourceActions', 'actions'].flatMap((list) =>
      (described[list] as { name: string }[])
        .filter(({ name }) => resource.decorate().actions[name]?.isAccessible(member))
        .map(({ name }) => name),
    ),
  );
  const actions = (described.actions as { name: string }[]).filter(({ name }) => usable.has(name));
  return { ...described, ...Object.fromEntries(lists), properties: Object.fromEntries(properties), actions };
}

/** The state of the page's store. */
export function panelState(panel: AdminJS, visitor: Visitor): Record<string, unknown> {
  const member = memberOf(visitor);
  const resources = panel.resources as PanelResource[];
  return {
    resources: resources
      .filter(({ spec }) => fieldsFor(spec, member.role).length > 0)
      .map((resource) => describe(resource, member)),
    branding: BRANDING,
    assets: { styles: [], scripts: [] },
    locale: {
      language: 'en',
      availableLanguages: ['ru', 'en'],
      localeDetection: true,
      translations: TRANSLATIONS,
    },
    paths: { rootPath: ROOT_PATH, loginPath: '/sign-in', logoutPath: '/sign-out' },
    pages: [],
    dashboard: { component: 'Dashboard' },
    versions: {},
    theme: null,
    session: { ...member, formToken: visitor.formToken },
  };
}
