import { randomBytes } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { createAccount } from '../../src/billing/credit.ts';
import { newId } from '../../src/ids.ts';
import { AccountContact, type AccountContactDocument } from '../../src/models/account-contact.ts';
import { nativeCollection } from '../../src/models/connect.ts';
import {
  accountsOfEmail,
  contactOf,
  indexContactsAnew,
  maskEmail,
  setContact,
} from '../../src/privacy/account-contact.ts';
import { createContentCipher } from '../../src/privacy/content-key.ts';
import { createEmailIndex, emailAddress } from '../../src/privacy/email-index.ts';
import { createKeyStore } from '../../src/privacy/key-store.ts';
import { resealAccount } from '../../src/privacy/reseal.ts';
import { toBytes } from '../../src/privacy/sealing.ts';
import { useStores } from '../helpers/stores.ts';

useStores();
const [first, second] = [randomBytes(32), randomBytes(32)];
const OLD = new Map([[1, first]]);
const BOTH = new Map([
  [1, first],
  [2, second],
]);
const NEW = new Map([[2, second]]);
const running = new AbortController().signal;
const rows = () => nativeCollection<AccountContactDocument>(AccountContact);
const tools = (keys: ReadonlyMap<number, Uint8Array>) => ({
  cipher: createContentCipher(keys),
  emailIndex: createEmailIndex(keys),
});

async function owned(email: string, keys = OLD): Promise<string> {
  const accountId = newId('acc');
  await createAccount(accountId);
  await setContact(accountId, { email, language: 'ru' }, 'anna', tools(keys));
  return accountId;
}

describe('the index of addresses', () => {
  test('is the same however an address is written, and another for another address or secret', () => {
    const { newest } = createEmailIndex(OLD);
    const same = [' Ivan@Пример.рф', 'ivan@xn--e1afmkfd.xn--p1ai', 'IVAN@ПРИМЕР.РФ '];
    expect(new Set(same.map(newest)).size).toBe(1);
    expect(newest('ivan@example.org')).toMatch(/^1:[\w-]{43}$/);
    expect(newest('iwan@example.org')).not.toBe(newest('ivan@example.org'));
    expect(createEmailIndex(new Map([[1, second]])).newest('ivan@example.org')).not.toBe(newest('ivan@example.org'));
  });

  test.each(['ivan', 'ivan@', '@example.org', 'a b@example.org', 'a@b@c', 'a@exa mple', `${'a'.repeat(250)}@b.org`])(
    'takes %s for no address',
    (text) => {
      expect(emailAddress.safeParse(text).success).toBe(false);
    },
  );
});

test('an owner is found by the whole address, which is nowhere in the row', async () => {
  const accounts = [await owned('Ivan@Example.org'), await owned('ivan@example.ORG')];
  await owned('petr@example.org');
  const { cipher, emailIndex } = tools(OLD);
  expect((await accountsOfEmail('IVAN@example.org', emailIndex)).sort()).toEqual(accounts.sort());
  expect(await accountsOfEmail('van@example.org', emailIndex)).toEqual([]);
  const row = (await rows().findOne({ _id: accounts[0] as string })) as AccountContactDocument;
  expect(JSON.stringify(row)).not.toMatch(/ivan|example/i);
  expect(Buffer.from(toBytes(row.email)).toString('latin1')).not.toMatch(/example/i);
  expect(maskEmail((await contactOf(accounts[0] as string, cipher))?.email ?? '')).toMatch(/^.…@example\.org$/i);
});

test('a new master key finds everybody at once, and the old one may go after the rotation', async () => {
  const accountId = await owned('olga@example.org');
  expect(await accountsOfEmail('olga@example.org', createEmailIndex(BOTH))).toEqual([accountId]);
  await createKeyStore(BOTH).rotateMaster(running);
  expect((await indexContactsAnew(tools(BOTH), running)).changed).toBeGreaterThanOrEqual(1);
  expect(await indexContactsAnew(tools(BOTH), running)).toEqual({ changed: 0, unreadable: 0 });
  expect(await accountsOfEmail('olga@example.org', createEmailIndex(NEW))).toEqual([accountId]);
  expect(await contactOf(accountId, createContentCipher(NEW))).toEqual({ email: 'olga@example.org', language: 'ru' });
});

test('sealing anew under a new data key takes the address of its account and of no other', async () => {
  const [accountId, other] = [await owned('one@example.org', BOTH), await owned('two@example.org', BOTH)];
  const before = await rows().findOne({ _id: other });
  const store = createKeyStore(BOTH);
  await store.rotateAccount(accountId);
  const cipher = createContentCipher(BOTH, store);
  expect(await resealAccount(accountId, { store, cipher }, running)).toMatchObject({ version: 2, resealed: 1 });
  expect(await contactOf(accountId, cipher)).toMatchObject({ email: 'one@example.org' });
  expect(await rows().findOne({ _id: other })).toEqual(before);
});
