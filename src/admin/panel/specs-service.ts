import type { Document } from 'mongodb';
import { AUDIT_ACTOR_KINDS, AUDIT_OUTCOMES } from '../../models/audit-entry.ts';
import { STAFF_ROLES, STAFF_STATUSES } from '../../models/staff.ts';
import {
  choiceField,
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
import { type PanelField, type PanelSpec, REASON } from './spec.ts';

/** What is sold and where it is sent, who works here, and what they did. */

function routeLine(route: Document): string {
  const state = route.enabled === false ? '  (off)' : '';
  return `${plain(route.priority)}  ${route.id}  ${route.providerId} / ${route.upstreamModel}${state}`;
}

export const MODELS: PanelSpec = {
  id: 'models',
  collection: 'models',
  icon: 'Cpu',
  permission: 'routing.read',
  title: 'id',
  fields: [
    idField(),
    textField('name', { listed: true }),
    textField('ownedBy', { listed: true }),
    switchField('enabled', { listed: true }),
    textField('contextTokensMax', { listed: true }),
    textField('outputTokensMax'),
    textField('outputTokensDefault'),
    textField('mediaPartTokensMax'),
    linesField('routes', 'routes', ['id', 'providerId', 'upstreamModel', 'priority', 'enabled'], routeLine, {
      listed: true,
    }),
    timeField('createdAt'),
  ],
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
    switchField('enabled', { listed: true }),
    switchField('needsKey', { listed: true }),
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
  title: 'id',
  fields: [
    idField({ listed: false }),
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
};

const ROLE_CHOICE = { name: 'role', kind: 'choice', choices: STAFF_ROLES } as const;
const isNotDisabled = ({ status }: Readonly<Record<string, unknown>>) => status !== 'disabled';

export const STAFF: PanelSpec = {
  id: 'staff',
  collection: 'staff',
  icon: 'UserCheck',
  permission: 'staff.read',
  title: 'email',
  related: [{ resourceId: 'audit', filter: 'actorId' }],
  fields: [
    idField({ listed: false }),
    exactField('email', { listed: true }),
    choiceField('role', STAFF_ROLES, { listed: true }),
    choiceField('status', STAFF_STATUSES, { listed: true }),
    presenceField('device', 'totp.confirmedAt', { listed: true }),
    timeField('lastSignInAt', { listed: true }),
    timeField('invitedUntil', { path: 'invitation.expiresAt' }),
    timeField('disabledAt'),
    timeField('createdAt'),
  ],
  collectionCommands: [
    {
      action: 'invite',
      operation: 'staff.invite',
      icon: 'UserPlus',
      fields: [{ name: 'email', kind: 'email' }, ROLE_CHOICE],
    },
  ],
  commands: [
    {
      action: 'changeRole',
      operation: 'staff.change-role',
      icon: 'Shuffle',
      fields: [ROLE_CHOICE, REASON],
      when: isNotDisabled,
    },
    { action: 'endSessions', operation: 'staff.end-sessions', icon: 'LogOut', fields: [REASON], when: isNotDisabled },
    { action: 'reset', operation: 'staff.reset', icon: 'RefreshCcw', fields: [REASON], isDangerous: true },
    {
      action: 'disable',
      operation: 'staff.disable',
      icon: 'UserX',
      fields: [REASON],
      when: isNotDisabled,
      isDangerous: true,
    },
  ],
};

export const AUDIT: PanelSpec = {
  id: 'audit',
  collection: 'audit',
  icon: 'Shield',
  permission: 'audit.read',
  title: 'id',
  hasNumericId: true,
  fields: [
    { ...idField(), filter: (text) => (/^\d{1,15}$/.test(text) ? { _id: Number(text) as never } : undefined) },
    timeField('at', { listed: true }),
    choiceField('actorKind', AUDIT_ACTOR_KINDS),
    exactField('actorId', { reference: 'staff', listed: true }),
    choiceField('actorRole', STAFF_ROLES, { listed: true }),
    exactField('action', { listed: true }),
    exactField('targetId', { listed: true }),
    choiceField('outcome', AUDIT_OUTCOMES, { listed: true }),
    textField('code'),
    textField('reason', { listed: true }),
    textField('address'),
    textField('hash'),
  ],
};
