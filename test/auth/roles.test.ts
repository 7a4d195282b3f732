import { expect, it, test } from '@jest/globals';
import { can, PERMISSIONS, type Permission } from '../../src/auth/roles.ts';
import { STAFF_ROLES } from '../../src/models/staff.ts';

/** Who may what, written down a second time and in another form: a slip in one of the two shows. */
const ALLOWED: Record<Permission, string> = {
  'accounts.read': 'support operator finance admin auditor',
  'accounts.suspend': 'finance admin',
  'accounts.request-suspension': 'support',
  'contacts.read': 'support admin',
  'contacts.change': 'support admin',
  'money.read': 'support finance admin auditor',
  'money.propose': 'support',
  'money.propose-large': 'finance',
  'money.approve': 'finance',
  'money.approve-large': 'admin',
  'books.act': 'finance admin',
  'requests.read': 'support operator admin auditor',
  'requests.act': 'support operator admin',
  'content.break-glass': 'support admin',
  'keys.read': 'support operator admin',
  'keys.revoke': 'support operator admin',
  'routing.read': 'operator admin auditor',
  'routing.change': 'operator admin',
  'providers.change': 'admin',
  'provider-keys.rotate': 'operator admin',
  'provider-keys.change': 'admin',
  'prices.read': 'finance admin auditor',
  'prices.propose': 'finance',
  'prices.approve': 'admin',
  'privacy.open': 'support',
  'privacy-requests.read': 'support admin auditor',
  'privacy.read': 'admin auditor',
  'privacy.execute': 'admin',
  'incidents.read': 'support operator admin auditor',
  'incidents.open': 'support operator admin',
  'incidents.decide': 'admin',
  'tickets.read': 'support admin auditor',
  'tickets.act': 'support admin',
  'announcements.read': 'support operator finance admin auditor',
  'announcements.change': 'operator admin',
  'staff.read': 'admin auditor',
  'staff.change': 'admin',
  'settings.read': 'operator admin auditor',
  'audit.read': 'admin auditor',
};

test.each(PERMISSIONS)('%s', (permission) => {
  const allowed = STAFF_ROLES.filter((role) => can(role, permission));
  expect(allowed.join(' ')).toBe(ALLOWED[permission]);
});

it('denies what is not in the table, to everybody, and everything to who is in no role', () => {
  for (const role of STAFF_ROLES)
    for (const permission of ['accounts.delete', 'constructor', '__proto__', ''] as unknown as Permission[])
      expect(can(role, permission)).toBe(false);
  for (const permission of PERMISSIONS) expect(can('owner' as never, permission)).toBe(false);
});
