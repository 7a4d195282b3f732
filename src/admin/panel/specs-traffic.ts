import type { Document } from 'mongodb';
import { ApiKey, type ApiKeyDocument } from '../../models/api-key.ts';
import { nativeCollection } from '../../models/connect.ts';
import { DELIVERY_STATES, DELIVERY_TYPES } from '../../models/delivery.ts';
import { REQUEST_MODES, REQUEST_STATES, TERMINAL_STATES } from '../../models/request.ts';
import {
  choiceField,
  createdField,
  exactField,
  idField,
  linesField,
  moneyField,
  plain,
  presenceField,
  switchField,
  textField,
  timeField,
} from './fields.ts';
import { type PanelField, type PanelSpec, REASON, RUBLES, SCAN_MAX } from './spec.ts';

/** API keys, requests and what became of their webhooks. Never a key, a prompt, an answer or an address. */

const keyEnds: PanelField = {
  name: 'key',
  paths: ['prefix', 'last4'],
  listed: true,
  value: ({ prefix, last4 }: Document) => `${String(prefix)}…${String(last4)}`,
};

const keyState: PanelField = {
  name: 'state',
  paths: ['revokedAt', 'expiresAt'],
  listed: true,
  choices: ['active', 'revoked', 'expired'],
  value: ({ revokedAt, expiresAt }: Document) => {
    if (revokedAt) return 'revoked';
    return expiresAt instanceof Date && expiresAt.getTime() <= Date.now() ? 'expired' : 'active';
  },
};

export const KEYS: PanelSpec = {
  id: 'keys',
  collection: 'api_keys',
  icon: 'Key',
  permission: 'keys.read',
  title: 'id',
  related: [
    { resourceId: 'requests', filter: 'keyId' },
    { resourceId: 'audit', filter: 'targetId' },
  ],
  fields: [
    idField(),
    exactField('accountId', { reference: 'accounts', listed: true, isIndexed: true }),
    keyEnds,
    keyState,
    textField('label'),
    textField('models', { path: 'scopes.models' }),
    textField('endpoints', { path: 'scopes.endpoints' }),
    moneyField('dailyLimit', { path: 'limits.dailyMicros' }),
    moneyField('monthlyLimit', { path: 'limits.monthlyMicros' }),
    moneyField('lifetimeLimit', { path: 'limits.lifetimeMicros' }),
    textField('requestsPerMinute', { path: 'limits.requestsPerMinute' }),
    textField('tokensPerMinute', { path: 'limits.tokensPerMinute' }),
    textField('concurrency', { path: 'limits.concurrency' }),
    textField('onDisconnect'),
    switchField('zeroRetention'),
    presenceField('webhookAddress', 'webhook.url'),
    timeField('webhookDisabledAt', { path: 'webhook.disabledAt' }),
    textField('webhookDisabledReason', { path: 'webhook.disabledReason' }),
    timeField('lastUsedAt', { listed: true }),
    timeField('expiresAt'),
    timeField('revokedAt'),
    createdField('key'),
  ],
  commands: [
    {
      action: 'revoke',
      operation: 'keys.revoke',
      icon: 'XCircle',
      fields: [REASON],
      when: ({ state }) => state === 'active',
      isDangerous: true,
    },
    {
      action: 'enableWebhook',
      operation: 'keys.enable-webhook',
      icon: 'Send',
      fields: [REASON],
      when: ({ webhookDisabledAt }) => typeof webhookDisabledAt === 'string' && webhookDisabledAt !== '—',
    },
  ],
};

function attemptLine(attempt: Document): string {
  const parts = [plain(attempt.at), attempt.providerId, attempt.routeId, attempt.outcome, plain(attempt.status)];
  return [...parts.filter((part) => part !== undefined), `${plain(attempt.ms)} ms`].join('  ');
}

function tokens(name: string): PanelField {
  return textField(name, { path: `usage.${name}` });
}

/** Requests have no index on the key: they are found among those of its account. */
const keyOfAccount: PanelField = {
  ...textField('keyId', { reference: 'keys', isIndexed: true }),
  filter: async (keyId) => {
    const keys = nativeCollection<ApiKeyDocument>(ApiKey);
    const key = await keys.findOne({ _id: keyId }, { projection: { accountId: 1 } });
    return { accountId: key?.accountId ?? 'none', keyId };
  },
};

export const REQUESTS: PanelSpec = {
  id: 'requests',
  collection: 'requests',
  scanMax: SCAN_MAX,
  icon: 'Activity',
  permission: 'requests.read',
  title: 'id',
  steps: ['createdAt', 'heldAt', 'claimedAt', 'firstByteAt', 'finishedAt', 'settledAt', 'contentPurgedAt'],
  related: [
    { resourceId: 'deliveries', filter: 'requestId' },
    { resourceId: 'tickets', filter: 'requestId' },
    { resourceId: 'contentGrants', filter: 'requestId' },
    { resourceId: 'audit', filter: 'targetId' },
  ],
  fields: [
    idField(),
    createdField('req', { listed: true }),
    exactField('accountId', { reference: 'accounts', listed: true, isIndexed: true }),
    keyOfAccount,
    exactField('model', { listed: true }),
    choiceField('mode', REQUEST_MODES),
    choiceField('state', REQUEST_STATES, { listed: true }),
    exactField('provider', { path: 'provider.providerId', listed: true }),
    textField('upstreamModel', { path: 'provider.upstreamModel' }),
    textField('errorCode', { path: 'error.code' }),
    tokens('promptTokens'),
    tokens('cachedTokens'),
    tokens('cacheWriteTokens'),
    tokens('completionTokens'),
    tokens('reasoningTokens'),
    textField('usageSource'),
    moneyField('hold', { path: 'holdMicros', permission: 'money.read' }),
    moneyField('cost', { path: 'costMicros', permission: 'money.read', listed: true }),
    textField('priceVersion', { path: 'price.version', permission: 'money.read' }),
    switchField('settled', { permission: 'money.read' }),
    textField('review', { permission: 'money.read' }),
    textField('attempt'),
    linesField('attempts', 'attempts', ['at', 'providerId', 'routeId', 'outcome', 'status', 'ms'], attemptLine),
    textField('cancelReason'),
    textField('webhook'),
    switchField('zeroRetention'),
    timeField('heldAt'),
    timeField('claimedAt'),
    timeField('firstByteAt'),
    timeField('finishedAt'),
    timeField('settledAt'),
    timeField('deadlineAt'),
    timeField('contentPurgedAt'),
  ],
  commands: [
    {
      action: 'cancel',
      operation: 'requests.cancel',
      icon: 'StopCircle',
      fields: [REASON],
      when: ({ state }) => !(TERMINAL_STATES as readonly unknown[]).includes(state),
      isDangerous: true,
    },
    {
      action: 'refund',
      operation: 'adjustments.propose-refund',
      icon: 'CornerUpLeft',
      fields: [RUBLES, REASON],
      when: ({ cost }) => typeof cost === 'string' && cost !== '—' && cost !== '0 ₽',
    },
  ],
};

function deliveryLine(attempt: Document): string {
  return [plain(attempt.at), attempt.outcome, plain(attempt.status), `${plain(attempt.ms)} ms`]
    .filter((part) => part !== undefined)
    .join('  ');
}

export const DELIVERIES: PanelSpec = {
  id: 'deliveries',
  collection: 'deliveries',
  scanMax: SCAN_MAX,
  icon: 'Send',
  permission: 'requests.read',
  title: 'id',
  fields: [
    idField(),
    createdField('evt', { listed: true }),
    exactField('accountId', { reference: 'accounts', listed: true, isIndexed: true }),
    exactField('requestId', { reference: 'requests', listed: true, isIndexed: true }),
    textField('keyId', { reference: 'keys' }),
    choiceField('type', DELIVERY_TYPES, { listed: true }),
    choiceField('state', DELIVERY_STATES, { listed: true }),
    textField('attempt', { listed: true }),
    switchField('fromKey'),
    timeField('nextAttemptAt'),
    timeField('deliveredAt'),
    linesField('attempts', 'attempts', ['at', 'outcome', 'status', 'ms'], deliveryLine),
  ],
  commands: [{ action: 'redeliver', operation: 'deliveries.redeliver', icon: 'RotateCw', fields: [REASON] }],
};
