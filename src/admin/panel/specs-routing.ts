import type { Document } from 'mongodb';
import { PRICE_PROPOSAL_STATES } from '../../models/price-proposal.ts';
import { providerKeyEnd } from '../../requests/provider-keys.ts';
import {
  choiceField,
  exactField,
  idField,
  linesField,
  moneyField,
  plain,
  switchField,
  textField,
  timeField,
} from './fields.ts';
import { type CommandField, type PanelField, type PanelSpec, REASON } from './spec.ts';

/** What is sold, where it is sent, and what it costs. */

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
const rateInput = (name: string): CommandField => ({ name, kind: 'rubles', isOptional: true });
const PRICE_FIELDS: readonly CommandField[] = [
  { name: 'modelId', kind: 'word' },
  { name: 'validFrom', kind: 'moment' },
  { name: 'input', kind: 'rubles' },
  { name: 'output', kind: 'rubles' },
  ...['cachedInput', 'cacheWrite', 'reasoning', 'request'].map(rateInput),
  REASON,
];

const PROPOSE = { action: 'propose', operation: 'prices.propose', icon: 'PlusCircle', fields: PRICE_FIELDS } as const;

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
  ],
  related: [
    { resourceId: 'prices', filter: 'modelId', by: 'modelId' },
    { resourceId: 'proposals', filter: 'modelId', by: 'modelId' },
  ],
  commands: [
    { action: 'enable', operation: 'models.enable', icon: 'PlayCircle', fields: [REASON], when: isOff },
    { ...TURN_OFF, operation: 'models.disable' },
    {
      action: 'route',
      operation: 'models.route',
      icon: 'GitBranch',
      fields: [
        { name: 'route', kind: 'word' },
        { name: 'enabled', kind: 'choice', choices: ['yes', 'no'] },
        { name: 'priority', kind: 'word' },
        REASON,
      ],
    },
    {
      action: 'weigh',
      operation: 'models.set-weight',
      icon: 'Sliders',
      fields: [{ name: 'route', kind: 'word' }, { name: 'weight', kind: 'word' }, REASON],
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
    keyEnd,
  ],
  commands: [
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

function rate(name: string, listed = false): PanelField {
  return moneyField(name, { path: `${name}MicrosPerMillion`, ...(listed ? { listed } : {}) });
}

export const PRICES: PanelSpec = {
  id: 'prices',
  collection: 'prices',
  icon: 'Tag',
  permission: 'prices.read',
  title: 'modelId',
  fields: [
    idField({ listed: false, isHidden: true }),
    exactField('modelId', { listed: true }),
    textField('version', { listed: true }),
    timeField('validFrom', { listed: true }),
    rate('input', true),
    rate('cachedInput', true),
    rate('cacheWrite'),
    rate('output', true),
    rate('reasoning'),
    moneyField('request', { path: 'requestMicros' }),
  ],
  collectionCommands: [PROPOSE],
};

const isProposed = ({ proposalState }: Texts) => proposalState === 'proposed';

export const PROPOSALS: PanelSpec = {
  id: 'proposals',
  collection: 'price_proposals',
  icon: 'FileText',
  permission: 'prices.read',
  title: 'id',
  fields: [
    idField(),
    exactField('modelId', { listed: true }),
    choiceField('proposalState', PRICE_PROPOSAL_STATES, { path: 'state', listed: true }),
    timeField('validFrom', { listed: true }),
    rate('input', true),
    rate('cachedInput'),
    rate('cacheWrite'),
    rate('output', true),
    rate('reasoning'),
    moneyField('request', { path: 'requestMicros' }),
    textField('reason'),
    textField('proposedBy'),
    timeField('proposedAt'),
    textField('decidedBy'),
    timeField('decidedAt'),
  ],
  collectionCommands: [PROPOSE],
  commands: [
    { action: 'approvePrice', operation: 'prices.approve', icon: 'Check', fields: [REASON], when: isProposed },
    {
      action: 'rejectPrice',
      operation: 'prices.reject',
      icon: 'X',
      fields: [REASON],
      when: isProposed,
      isDangerous: true,
    },
  ],
};
