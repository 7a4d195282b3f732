import { AUDIT_ACTOR_KINDS, AUDIT_OUTCOMES } from '../../models/audit-entry.ts';
import { STAFF_ROLES, STAFF_STATUSES } from '../../models/staff.ts';
import { choiceField, exactField, idField, presenceField, textField, timeField } from './fields.ts';
import { type PanelSpec, REASON, SCAN_MAX } from './spec.ts';

/** Who works here, and what they did. */

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
  scanMax: SCAN_MAX,
  icon: 'Shield',
  permission: 'audit.read',
  title: 'id',
  hasNumericId: true,
  fields: [
    { ...idField(), filter: (text) => (/^\d{1,15}$/.test(text) ? { _id: Number(text) as never } : undefined) },
    timeField('at', { listed: true }),
    choiceField('actorKind', AUDIT_ACTOR_KINDS),
    exactField('actorId', { reference: 'staff', listed: true, isIndexed: true }),
    choiceField('actorRole', STAFF_ROLES, { listed: true }),
    exactField('action', { listed: true, isIndexed: true }),
    exactField('targetId', { listed: true, isIndexed: true }),
    choiceField('outcome', AUDIT_OUTCOMES, { listed: true }),
    textField('code'),
    textField('reason', { listed: true }),
    textField('address'),
    textField('hash'),
  ],
};
