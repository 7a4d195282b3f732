import { expect, test } from '@jest/globals';
import { createAccount } from '../../src/billing/credit.ts';
import { newId } from '../../src/ids.ts';
import { Account } from '../../src/models/account.ts';
import { AuditEntry } from '../../src/models/audit-entry.ts';
import { useStores } from '../helpers/stores.ts';
import { give, perform, person, reason } from './desk.ts';

useStores();

test('support sets and finds an owner’s address, which is not in the audit log; a closed account has no owner', async () => {
  const accountId = newId('acc');
  await createAccount(accountId);
  const contact = { email: 'Ivan@example.org', language: 'ru' };
  await give(person('support'), 'accounts.contact', accountId, contact);
  const found = await perform(person('auditor'), { name: 'accounts.find', input: { email: 'ivan@example.org' } });
  expect(found.accountIds).toEqual([accountId]);
  const entries = await AuditEntry.find({}).sort({ _id: 1 }).lean();
  const search = entries.filter(({ action }) => action === 'accounts.find');
  expect(search.map(({ outcome, reason: told }) => [outcome, told])).toEqual([
    ['begun', undefined],
    ['done', `found: ${accountId}`],
  ]);
  expect(JSON.stringify(entries)).not.toMatch(/ivan/i);
  expect(entries.find(({ targetId }) => targetId === accountId)?.reason).toBe(`language: ru; ${reason}`);
  await expect(give(person('operator'), 'accounts.contact', accountId, contact)).rejects.toThrow();
  const noAddress = give(person('support'), 'accounts.contact', accountId, { ...contact, email: 'ivan' });
  await expect(noAddress).rejects.toMatchObject({ code: 'invalid_request', param: 'email' });
  await Account.updateOne({ _id: accountId }, { status: 'closed' });
  const late = give(person('support'), 'accounts.contact', accountId, contact);
  await expect(late).rejects.toHaveProperty('code', 'not_found');
});
