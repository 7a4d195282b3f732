import { can } from '../../auth/roles.ts';
import { CONTACT_LANGUAGES } from '../../models/account-contact.ts';
import { contactOf, maskEmail } from '../../privacy/account-contact.ts';
import type { PanelCommand, PanelField } from './spec.ts';
import { REASON } from './spec.ts';

/** Who owns an account. The address is on the account's own page only, whole for those who write to customers. */

export const EMAIL: PanelField = {
  name: 'ownerEmail',
  paths: ['_id'],
  value: () => undefined,
  opened: async ({ _id }, cipher, role) => {
    const contact = await contactOf(String(_id), cipher);
    if (!contact) return '—';
    return can(role, 'contacts.read') ? `${contact.email} (${contact.language})` : maskEmail(contact.email);
  },
};

/** Asked by a command, so that the address is in no URL. */
export const FIND_ACCOUNT: PanelCommand = {
  action: 'findAccount',
  operation: 'accounts.find',
  icon: 'Search',
  fields: [{ name: 'email', kind: 'email' }],
};

export const CHANGE_CONTACT: PanelCommand = {
  action: 'changeContact',
  operation: 'accounts.contact',
  icon: 'Mail',
  fields: [{ name: 'email', kind: 'email' }, { name: 'language', kind: 'choice', choices: CONTACT_LANGUAGES }, REASON],
  when: ({ status }) => status !== 'closed',
};
