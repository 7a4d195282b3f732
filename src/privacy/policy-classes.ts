import type { DataClass, MongoStore } from './data-class.ts';
import { days, LIMITATION } from './norms.ts';

/** What an account has taken note of and consented to. Part of the registry. */

const ARCHIVE = '152-FZ art. 9(3); Rosarchiv list 236 p. 441: three years after the consent ends';
const PROOF = '152-FZ art. 18.1(2); Civil Code art. 196: limitation of three years';

export const POLICY_CLASSES: readonly DataClass<MongoStore>[] = [
  {
    id: 'policy_acceptance',
    category: { en: 'versions of the policy that were accepted', ru: 'принятые версии политики' },
    purpose: 'showing which version was known when',
    legalBasis: PROOF,
    retention: days(1_095, 1_095, 1_825, 'the end of the contract', 'limitation of three years'),
    store: { kind: 'mongodb', collection: 'policy_acceptances', owner: 'accountId', fields: '*' },
    erasure: {
      action: 'pseudonymise',
      norm: LIMITATION,
      until: 'three years after the end of the contract',
      holds: { $or: [{ address: { $exists: true } }, { userAgent: { $exists: true } }] },
      update: { $unset: { address: '', userAgent: '' } },
    },
  },
  {
    id: 'consent',
    category: { en: 'consents and their withdrawal', ru: 'согласия и их отзыв' },
    purpose: 'showing what was consented to, in which words, and when that ended',
    legalBasis: ARCHIVE,
    retention: days(1_095, 1_095, 1_825, 'withdrawal', 'three years after the consent ends'),
    store: { kind: 'mongodb', collection: 'consents', owner: 'accountId', fields: '*' },
    // What was consented to ends with the account, and so does what it was given with.
    erasure: {
      action: 'pseudonymise',
      norm: ARCHIVE,
      until: 'three years after the erasure',
      holds: {
        $or: [{ activeKey: { $exists: true } }, { address: { $exists: true } }, { userAgent: { $exists: true } }],
      },
      update: [
        {
          $set: {
            withdrawnAt: { $ifNull: ['$withdrawnAt', '$$NOW'] },
            withdrawnBy: { $ifNull: ['$withdrawnBy', 'erasure'] },
          },
        },
        { $unset: ['activeKey', 'address', 'userAgent'] },
      ],
    },
    purge: { holds: {}, update: 'delete', by: { field: 'withdrawnAt' }, guard: {}, isEvidence: true },
  },
];
