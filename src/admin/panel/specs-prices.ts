import { PRICE_PROPOSAL_STATES } from '../../models/price-proposal.ts';
import { choiceField, exactField, idField, moneyField, textField, timeField } from './fields.ts';
import { type CommandField, type PanelField, type PanelSpec, REASON } from './spec.ts';

/** What models cost, and what is proposed. */

type Texts = Readonly<Record<string, unknown>>;
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
