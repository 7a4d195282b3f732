import { z } from 'zod';
import { changeAccountPrivacy } from '../privacy/account-privacy.ts';
import { operation, personOf, reason } from './define.ts';

/** Commands about what customers have decided about their data. */

const yesOrNo = z.enum(['yes', 'no']).transform((word) => word === 'yes');

export const POLICY_OPERATIONS = {
  'accounts.privacy': operation(
    ['privacy.open', 'privacy.execute'],
    'acc',
    z.strictObject({ zeroRetention: yesOrNo, domesticOnly: yesOrNo, reason }),
    async ({ zeroRetention, domesticOnly }, { actor, targetId }) => {
      await changeAccountPrivacy(targetId, { zeroRetention, domesticOnly }, personOf(actor));
    },
  ),
};
