import { expect, test } from '@jest/globals';
import { createAccount } from '../../src/billing/credit.ts';
import { newId } from '../../src/ids.ts';
import { Account } from '../../src/models/account.ts';
import { accountPrivacy } from '../../src/privacy/account-privacy.ts';
import { useStores } from '../helpers/stores.ts';
import { give, person } from './desk.ts';

useStores();

test('support sets what an owner has decided, by name, and a closed account has nothing to decide', async () => {
  const accountId = newId('acc');
  await createAccount(accountId);
  const support = person('support');
  await give(support, 'accounts.privacy', accountId, { zeroRetention: 'yes', domesticOnly: 'no' });
  expect(await accountPrivacy(accountId)).toEqual({ zeroRetention: true, domesticOnly: false });
  expect(await Account.findById(accountId).lean()).toMatchObject({ privacy: { changedBy: support.staffId } });
  await Account.updateOne({ _id: accountId }, { status: 'closed' });
  const change = give(support, 'accounts.privacy', accountId, { zeroRetention: 'no', domesticOnly: 'no' });
  await expect(change).rejects.toHaveProperty('code', 'not_found');
});
