import { ACCOUNT_STATUSES, Account, type AccountDocument, LEDGER_KINDS } from '../../models/account.ts';
import { ADJUSTMENT_STATES, ADJUSTMENT_TYPES } from '../../models/adjustment.ts';
import { nativeCollection } from '../../models/connect.ts';
import { ALERT_STATUSES, FINDING_KINDS } from '../../models/reconciliation-alert.ts';
import { formatRub } from '../../money.ts';
import { TIMELINE } from './account-timeline.ts';
import {
  choiceField,
  createdField,
  exactField,
  idField,
  linesField,
  moneyField,
  plain,
  switchField,
  textField,
  timeField,
} from './fields.ts';
import { type PanelField, type PanelSpec, REASON, RUBLES, SCAN_MAX } from './spec.ts';
import { CHANGE_CONTACT, EMAIL, FIND_ACCOUNT } from './specs-contact.ts';
import { SET_HOLD } from './specs-keeping.ts';
import { WITHDRAW_CONSENT } from './specs-policy.ts';
import { REQUEST_SUSPENSION } from './specs-suspensions.ts';

/** Accounts and their money. */

const HOLDS_SHOWN_MAX = 100;

/** Read for the account's own page only: there may be hundreds. */
const heldFor: PanelField = {
  name: 'heldFor',
  paths: ['_id'],
  permission: 'money.read',
  type: 'lines',
  value: () => undefined,
  opened: async ({ _id }) => {
    const accounts = nativeCollection<AccountDocument>(Account);
    const account = await accounts.findOne({ _id: String(_id) }, { projection: { holds: 1 } });
    const holds = Object.entries(account?.holds ?? {}).sort(([one], [other]) => (one < other ? -1 : 1));
    const lines = holds.map(
      ([requestId, { amountMicros, expiresAt }]) => `${requestId}  ${formatRub(amountMicros)} ₽  → ${plain(expiresAt)}`,
    );
    return [...lines.slice(0, HOLDS_SHOWN_MAX), ...(lines.length > HOLDS_SHOWN_MAX ? ['…'] : [])].join('\n') || '—';
  },
};

export const ACCOUNTS: PanelSpec = {
  id: 'accounts',
  collection: 'accounts',
  scanMax: SCAN_MAX,
  icon: 'Users',
  permission: 'accounts.read',
  title: 'id',
  related: [
    { resourceId: 'keys', filter: 'accountId' },
    { resourceId: 'requests', filter: 'accountId' },
    { resourceId: 'ledger', filter: 'accountId' },
    { resourceId: 'alerts', filter: 'accountId' },
    { resourceId: 'adjustments', filter: 'accountId' },
    { resourceId: 'suspensionRequests', filter: 'accountId' },
    { resourceId: 'tickets', filter: 'accountId' },
    { resourceId: 'privacyRequests', filter: 'accountId' },
    { resourceId: 'legalHolds', filter: 'accountId' },
    { resourceId: 'consents', filter: 'accountId' },
    { resourceId: 'policyAcceptances', filter: 'accountId' },
    { resourceId: 'audit', filter: 'targetId' },
  ],
  fields: [
    idField(),
    choiceField('status', ACCOUNT_STATUSES, { listed: true }),
    textField('statusReason'),
    EMAIL,
    moneyField('available', { path: 'availableMicros', permission: 'money.read', listed: true }),
    moneyField('held', { path: 'heldMicros', permission: 'money.read', listed: true }),
    textField('openRequests', { path: 'open', listed: true }),
    heldFor,
    switchField('zeroRetention', { path: 'privacy.zeroRetention' }),
    switchField('domesticOnly', { path: 'privacy.domesticOnly' }),
    createdField('acc', { listed: true }),
    TIMELINE,
  ],
  collectionCommands: [FIND_ACCOUNT],
  commands: [
    { action: 'adjust', operation: 'adjustments.propose', icon: 'PlusCircle', fields: [RUBLES, REASON] },
    {
      action: 'correct',
      operation: 'adjustments.propose-correction',
      icon: 'Edit',
      fields: [REASON],
      when: ({ status }) => status === 'frozen',
    },
    {
      action: 'release',
      operation: 'accounts.release',
      icon: 'Unlock',
      fields: [REASON],
      when: ({ status }) => status === 'frozen',
    },
    {
      action: 'suspend',
      operation: 'accounts.suspend',
      icon: 'PauseCircle',
      fields: [REASON],
      when: ({ status }) => status === 'active',
      isDangerous: true,
    },
    REQUEST_SUSPENSION,
    {
      action: 'activate',
      operation: 'accounts.activate',
      icon: 'PlayCircle',
      fields: [REASON],
      when: ({ status }) => status === 'suspended',
    },
    {
      action: 'changePrivacy',
      operation: 'accounts.privacy',
      icon: 'Shield',
      fields: [
        { name: 'zeroRetention', kind: 'choice', choices: ['yes', 'no'] },
        { name: 'domesticOnly', kind: 'choice', choices: ['yes', 'no'] },
        REASON,
      ],
      when: ({ status }) => status !== 'closed',
    },
    CHANGE_CONTACT,
    WITHDRAW_CONSENT,
    SET_HOLD,
  ],
};

export const LEDGER: PanelSpec = {
  id: 'ledger',
  ordered: { within: 'accountId', by: 'seq' },
  collection: 'ledger',
  scanMax: SCAN_MAX,
  icon: 'Book',
  permission: 'money.read',
  title: 'id',
  fields: [
    idField({ listed: false }),
    timeField('at', { listed: true }),
    exactField('accountId', { reference: 'accounts', listed: true, isIndexed: true }),
    textField('seq', { listed: true }),
    choiceField('kind', LEDGER_KINDS, { listed: true }),
    moneyField('amount', { path: 'amountMicros', listed: true }),
    moneyField('after', { path: 'afterMicros', listed: true }),
    textField('requestId', { reference: 'requests' }),
  ],
};

export const ALERTS: PanelSpec = {
  id: 'alerts',
  collection: 'reconciliation_alerts',
  icon: 'AlertTriangle',
  permission: 'money.read',
  title: 'id',
  fields: [
    idField({ listed: false }),
    timeField('firstSeenAt', { listed: true }),
    timeField('lastSeenAt'),
    exactField('accountId', { reference: 'accounts', listed: true }),
    choiceField('finding', FINDING_KINDS, { path: 'kind', listed: true }),
    textField('seq', { listed: true }),
    textField('expected', { listed: true }),
    textField('found', { listed: true }),
    choiceField('alertStatus', ALERT_STATUSES, { path: 'status', listed: true }),
    textField('requestId', { reference: 'requests' }),
    textField('acknowledgedBy'),
    timeField('acknowledgedAt'),
    textField('resolvedBy'),
    timeField('resolvedAt'),
    textField('adjustmentId', { reference: 'adjustments' }),
  ],
  commands: [
    {
      action: 'acknowledge',
      operation: 'alerts.acknowledge',
      icon: 'Eye',
      fields: [REASON],
      when: ({ alertStatus }) => alertStatus === 'open',
    },
  ],
};

const isProposed = ({ adjustmentState }: Readonly<Record<string, unknown>>) => adjustmentState === 'proposed';

export const ADJUSTMENTS: PanelSpec = {
  id: 'adjustments',
  collection: 'adjustments',
  icon: 'Edit3',
  permission: 'money.read',
  title: 'id',
  fields: [
    idField(),
    exactField('accountId', { reference: 'accounts', listed: true }),
    choiceField('adjustmentType', ADJUSTMENT_TYPES, { path: 'type', listed: true }),
    moneyField('amount', { path: 'amountMicros', listed: true }),
    choiceField('adjustmentState', ADJUSTMENT_STATES, { path: 'state', listed: true }),
    textField('requestId', { reference: 'requests' }),
    textField('reason'),
    textField('proposedBy', { listed: true }),
    textField('decidedBy'),
    timeField('proposedAt', { listed: true }),
    timeField('decidedAt'),
    timeField('expiresAt'),
    timeField('finishedAt'),
    textField('failure'),
    linesField(
      'breaks',
      'breaks',
      ['seq', 'missing'],
      ({ seq, missing }) => `${plain(seq)}${missing ? '  (missing)' : ''}`,
    ),
    linesField('charges', 'charges', ['requestId', 'expected', 'found'], ({ requestId, expected, found }) =>
      [plain(requestId), plain(found), '≠', plain(expected)].join('  '),
    ),
    linesField('holds', 'holds', ['requestId', 'fromMicros', 'toMicros'], ({ requestId, fromMicros, toMicros }) =>
      [plain(requestId), plain(fromMicros), '→', plain(toMicros)].join('  '),
    ),
  ],
  steps: ['proposedAt', 'decidedAt', 'finishedAt'],
  commands: [
    { action: 'approve', operation: 'adjustments.approve', icon: 'Check', fields: [REASON], when: isProposed },
    {
      action: 'reject',
      operation: 'adjustments.reject',
      icon: 'X',
      fields: [REASON],
      when: isProposed,
      isDangerous: true,
    },
  ],
};
