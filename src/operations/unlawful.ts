import { z } from 'zod';
import { IDENTITY_KINDS, UNLAWFUL_GROUNDS } from '../models/privacy-request.ts';
import { emailAddress } from '../privacy/email-index.ts';
import { openUnlawful } from '../privacy/unlawful.ts';
import { operation, personOf, reason } from './define.ts';
import { accountId, receivedAt } from './privacy.ts';

/** The command about data that must not be here at all. */

export const UNLAWFUL_OPERATIONS = {
  'privacy.open-unlawful': operation(
    ['privacy.open', 'privacy.execute'],
    undefined,
    z.strictObject({
      accountId,
      ground: z.enum(UNLAWFUL_GROUNDS),
      identity: z.enum([...IDENTITY_KINDS, 'own_finding']),
      email: emailAddress.optional(),
      receivedAt: receivedAt.optional(),
      reason,
    }),
    async ({ email: contact, receivedAt: foundAt = new Date(), ...input }, { actor, deps }) => {
      const finding = { ...input, contact, foundAt, by: personOf(actor) };
      return { madeId: (await openUnlawful(finding, deps.cipher))._id };
    },
  ),
};
