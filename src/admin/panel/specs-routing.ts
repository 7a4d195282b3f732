import type { Document } from 'mongodb';
import { OFFERS, offerOf } from '../../requests/catalogue.ts';
import { providerKeyEnd } from '../../requests/provider-keys.ts';
import { exactField, idField, linesField, plain, switchField, textField, timeField, versionField } from './fields.ts';
import { filled, MODEL_FORM, PROVIDER_FORM, ROUTE_FORM } from './forms-routing.ts';
import { type PanelField, type PanelSpec, REASON, SEEN_VERSION } from './spec.ts';

/** What is sold, and where it is sent. */

function routeLine(route: Document): string {
  const state = route.enabled === false ? '  (off)' : '';
  const country = route.country === undefined ? '' : `  ${plain(route.country)}`;
  const weight = Number(route.weight ?? 0) > 0 ? `  ×${plain(route.weight)}` : '';
  return `${plain(route.priority)}${weight}  ${route.id}  ${route.providerId} / ${route.upstreamModel}${country}${state}`;
}

type Texts = Readonly<Record<string, unknown>>;
const isOff = ({ enabled }: Texts) => enabled === 'no';
const TURN_OFF = {
  action: 'disable',
  icon: 'PauseCircle',
  fields: [REASON],
  when: ({ enabled }: Texts) => enabled === 'yes',
  isDangerous: true,
  explanation: 'explain_turnOff',
};
/** What a model lacks to be offered. */
const offer: PanelField = {
  name: 'offer',
  paths: ['_id'],
  choices: OFFERS,
  value: () => undefined,
  opened: async ({ _id }) => (await offerOf(String(_id), new Date())) ?? '—',
};

export const MODELS: PanelSpec = {
  id: 'models',
  collection: 'models',
  icon: 'Cpu',
  permission: 'routing.read',
  title: 'modelId',
  fields: [
    idField({ listed: false, isHidden: true }),
    exactField('modelId', { path: '_id', listed: true }),
    textField('name', { listed: true }),
    textField('ownedBy', { listed: true }),
    offer,
    switchField('enabled', { listed: true }),
    textField('contextTokensMax', { listed: true }),
    textField('outputTokensMax'),
    textField('outputTokensDefault'),
    textField('mediaPartTokensMax'),
    linesField(
      'routes',
      'routes',
      ['id', 'providerId', 'upstreamModel', 'priority', 'weight', 'enabled', 'country'],
      routeLine,
      {
        listed: true,
      },
    ),
    timeField('createdAt'),
    versionField(),
  ],
  nextStep: 'offer',
  related: [
    { resourceId: 'prices', filter: 'modelId', by: 'modelId' },
    { resourceId: 'proposals', filter: 'modelId', by: 'modelId' },
  ],
  collectionCommands: [
    {
      action: 'createModel',
      operation: 'models.create',
      icon: 'PlusCircle',
      fields: [{ name: 'modelId', kind: 'word' }, ...MODEL_FORM, REASON],
    },
  ],
  commands: [
    {
      action: 'changeModel',
      operation: 'models.change',
      icon: 'Edit',
      fields: [SEEN_VERSION, ...filled(MODEL_FORM), REASON],
    },
    {
      action: 'addRoute',
      operation: 'routes.add',
      icon: 'PlusCircle',
      fields: [SEEN_VERSION, { name: 'route', kind: 'word' }, ...ROUTE_FORM, REASON],
    },
    { action: 'enable', operation: 'models.enable', icon: 'PlayCircle', fields: [REASON], when: isOff },
    { ...TURN_OFF, operation: 'models.disable' },
    {
      action: 'route',
      operation: 'models.route',
      icon: 'GitBranch',
      fields: [
        { name: 'route', kind: 'word' },
        { name: 'enabled', kind: 'choice', choices: ['yes', 'no'] },
        { name: 'routePlace', kind: 'number' },
        REASON,
      ],
    },
    {
      action: 'weigh',
      operation: 'models.set-weight',
      icon: 'Sliders',
      fields: [{ name: 'route', kind: 'word' }, { name: 'weight', kind: 'number' }, REASON],
    },
  ],
};

/** Nothing else of a key is ever shown. */
const keyEnd: PanelField = {
  name: 'apiKeyEnd',
  paths: ['_id'],
  value: () => undefined,
  opened: async ({ _id }) => {
    const last4 = await providerKeyEnd(String(_id));
    return last4 === undefined ? '—' : `…${last4}`;
  },
};

/** What stands in them may name an organisation or a project: nobody is shown it. */
const headerNames: PanelField = {
  name: 'headerNames',
  paths: ['headers'],
  value: ({ headers }) => Object.keys((headers ?? {}) as object).join(', ') || undefined,
};

export const PROVIDERS: PanelSpec = {
  id: 'providers',
  collection: 'providers',
  icon: 'Server',
  permission: 'routing.read',
  title: 'id',
  fields: [
    idField(),
    textField('kind', { listed: true }),
    textField('baseUrl', { listed: true }),
    textField('country', { listed: true }),
    switchField('enabled', { listed: true }),
    switchField('needsKey', { listed: true }),
    headerNames,
    keyEnd,
    versionField(),
  ],
  collectionCommands: [
    {
      action: 'createProvider',
      operation: 'providers.create',
      icon: 'PlusCircle',
      fields: [{ name: 'provider', kind: 'word' }, ...PROVIDER_FORM, REASON],
    },
  ],
  commands: [
    {
      action: 'changeProvider',
      operation: 'providers.change',
      icon: 'Edit',
      fields: [SEEN_VERSION, ...filled(PROVIDER_FORM), REASON],
    },
    { action: 'enable', operation: 'providers.enable', icon: 'PlayCircle', fields: [REASON], when: isOff },
    { ...TURN_OFF, operation: 'providers.disable' },
    {
      action: 'setKey',
      operation: 'providers.set-key',
      icon: 'Key',
      fields: [{ name: 'apiKey', kind: 'secret' }, REASON],
      when: ({ needsKey }) => needsKey === 'yes',
    },
    {
      action: 'removeKey',
      operation: 'providers.remove-key',
      icon: 'Trash2',
      fields: [REASON],
      when: ({ needsKey }) => needsKey === 'yes',
      isDangerous: true,
    },
  ],
};
