import { z } from 'zod';
import { changeAccountPrivacy } from '../privacy/account-privacy.ts';
import { PURPOSE, publishConsent, withdrawConsent } from '../privacy/consents.ts';
import { publishPolicy } from '../privacy/policy-versions.ts';
import { operation, personOf, reason } from './define.ts';

/** Commands about what customers are promised, and about what they have decided. */

const yesOrNo = z.enum(['yes', 'no']).transform((word) => word === 'yes');

const purpose = z.string().trim().regex(PURPOSE);
const title = z.string().trim().min(5).max(200);
const text = z.string().trim().min(50).max(10_000);

export const POLICY_OPERATIONS = {
  'accounts.privacy': operation(
    ['privacy.open', 'privacy.execute'],
    'acc',
    z.strictObject({ zeroRetention: yesOrNo, domesticOnly: yesOrNo, reason }),
    async ({ zeroRetention, domesticOnly }, { actor, targetId }) => {
      await changeAccountPrivacy(targetId, { zeroRetention, domesticOnly }, personOf(actor));
    },
  ),
  'policy.publish': operation(
    'privacy.execute',
    undefined,
    z.strictObject({ effectiveAt: z.iso.datetime().transform((moment) => new Date(moment)), reason }),
    async ({ effectiveAt }, { actor, deps }) => {
      const { _id } = await publishPolicy(deps.policy, { effectiveAt, by: personOf(actor) }, Date.now());
      return { madeId: String(_id) };
    },
  ),
  'consents.publish': operation(
    'privacy.execute',
    undefined,
    z.strictObject({ purpose, titleRu: title, titleEn: title, textRu: text, textEn: text, reason }),
    async (input, { actor }) => {
      const texts = {
        purpose: input.purpose,
        title: { ru: input.titleRu, en: input.titleEn },
        text: { ru: input.textRu, en: input.textEn },
      };
      return { madeId: await publishConsent(texts, personOf(actor)) };
    },
  ),
  'consents.withdraw': operation(
    ['privacy.open', 'privacy.execute'],
    'acc',
    z.strictObject({ purpose, reason }),
    (input, { actor, targetId }) => withdrawConsent(targetId, input.purpose, personOf(actor)),
  ),
};
