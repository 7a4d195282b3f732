import { ACCOUNT_STATUSES, LEDGER_KINDS } from '../../models/account.ts';
import { ALERT_STATUSES, FINDING_KINDS } from '../../models/reconciliation-alert.ts';
import { choiceField, createdField, exactField, idField, moneyField, textField, timeField } from './fields.ts';
import { type PanelSpec, REASON } from './spec.ts';

/** Accounts and their money. */

export const ACCOUNTS: PanelSpec = {
  id: 'accounts',
  collection: 'accounts',
  icon: 'Users',
  permission: 'accounts.read',
  title: 'id',
  fields: [
    idField(),
    choiceField('status', ACCOUNT_STATUSES, { listed: true }),
    textField('statusReason'),
    moneyField('available', { path: 'availableMicros', permission: 'money.read', listed: true }),
    moneyField('held', { path: 'heldMicros', permission: 'money.read', listed: true }),
    textField('openRequests', { path: 'open', listed: true }),
    createdField('acc', { listed: true }),
  ],
  commands: [
    {
      action: 'suspend',
      operation: 'accounts.suspend',
      icon: 'PauseCircle',
      fields: [REASON],
      when: ({ status }) => status === 'active',
      isDangerous: true,
    },
    {
      action: 'activate',
      operation: 'accounts.activate',
      icon: 'PlayCircle',
      fields: [REASON],
      when: ({ status }) => status === 'suspended',
    },
  ],
};

export const LEDGER: PanelSpec = {
  id: 'ledger',
  collection: 'ledger',
  icon: 'Book',
  permission: 'money.read',
  title: 'id',
  fields: [
    idField({ listed: false }),
    timeField('at', { listed: true }),
    exactField('accountId', { reference: 'accounts', listed: true }),
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
    timeField('lastSeenAt', { listed: true }),
    exactField('accountId', { reference: 'accounts', listed: true }),
    choiceField('finding', FINDING_KINDS, { path: 'kind', listed: true }),
    textField('seq'),
    textField('expected', { listed: true }),
    textField('found', { listed: true }),
    choiceField('alertStatus', ALERT_STATUSES, { path: 'status', listed: true }),
    textField('requestId', { reference: 'requests' }),
    textField('acknowledgedBy'),
    timeField('acknowledgedAt'),
    textField('resolvedBy'),
    timeField('resolvedAt'),
    textField('adjustmentId'),
  ],
};
