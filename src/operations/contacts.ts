import { z } from 'zod';
import { CONTACT_LANGUAGES } from '../models/account-contact.ts';
import { accountsOfEmail, setContact } from '../privacy/account-contact.ts';
import { emailAddress } from '../privacy/email-index.ts';
import { operation, personOf, reason } from './define.ts';

/** Commands about who owns an account. Addresses come in bodies only, and are in no log. */

export const CONTACT_OPERATIONS = {
  'accounts.find': operation(
    'accounts.read',
    undefined,
    z.strictObject({ email: emailAddress }),
    async ({ email }, { deps }) => ({ accountIds: await accountsOfEmail(email, deps.emailIndex) }),
  ),
  'accounts.contact': operation(
    'contacts.change',
    'acc',
    z.strictObject({ email: emailAddress, language: z.enum(CONTACT_LANGUAGES), reason }),
    ({ email, language }, { actor, targetId, deps }) =>
      setContact(targetId, { email, language }, personOf(actor), deps),
  ),
};
