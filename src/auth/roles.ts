import { STAFF_ROLES, type StaffRole } from '../models/staff.ts';

/**
 * What each role may do: the one table that decides. Everything that is not in it is denied.
 * A row reads in the order of STAFF_ROLES: support, operator, finance, admin, auditor.
 */
const MATRIX = {
  'accounts.read': '+++++',
  'accounts.suspend': '--++-',
  'accounts.request-suspension': '+----',
  'contacts.read': '+--+-',
  'contacts.change': '+--+-',
  'money.read': '+-+++',
  'money.propose': '+----',
  'money.propose-large': '--+--',
  'money.approve': '--+--',
  'money.approve-large': '---+-',
  'books.act': '--++-',
  'requests.read': '++-++',
  'requests.act': '++-+-',
  'content.break-glass': '+--+-',
  'keys.read': '++-+-',
  'keys.revoke': '++-+-',
  'routing.read': '-+-++',
  'routing.change': '-+-+-',
  'providers.change': '---+-',
  'provider-keys.rotate': '-+-+-',
  'provider-keys.change': '---+-',
  'prices.read': '--+++',
  'prices.propose': '--+--',
  'prices.approve': '---+-',
  'privacy.open': '+----',
  'privacy-requests.read': '+--++',
  'privacy.read': '---++',
  'privacy.execute': '---+-',
  'incidents.read': '++-++',
  'incidents.open': '++-+-',
  'incidents.decide': '---+-',
  'tickets.read': '+--++',
  'tickets.act': '+--+-',
  'announcements.read': '+++++',
  'announcements.change': '-+-+-',
  'staff.read': '---++',
  'staff.change': '---+-',
  'settings.read': '-+-++',
  'audit.read': '---++',
} as const;

export type Permission = keyof typeof MATRIX;

export const PERMISSIONS = Object.keys(MATRIX) as Permission[];

/** Whether a role may do this. Unknown permissions and roles are denied. */
export function can(role: StaffRole, permission: Permission): boolean {
  if (!Object.hasOwn(MATRIX, permission)) return false;
  return MATRIX[permission][STAFF_ROLES.indexOf(role)] === '+';
}
