import { expect, test } from '@jest/globals';
import { createAccountWriter } from '../../src/billing/account.ts';
import { creditAccount } from '../../src/billing/credit.ts';
import { flushOutboxes } from '../../src/billing/ledger.ts';
import { newId } from '../../src/ids.ts';
import { accounts, ledger } from '../helpers/invariants.ts';
import { useStores } from '../helpers/stores.ts';
import { accountNow, accountWith, expectSound, holdOn, RUB, settlementFor, silent } from './teller.ts';

/** Money comes in once for each entry id, whatever the account is doing meanwhile. */

useStores();

const topUp = (accountId: string, entryId = newId('pay'), amountMicros = RUB) =>
  creditAccount({ accountId, entryId, amountMicros, kind: 'top_up' });

test('one entry id credited a hundred times at once counts once', async () => {
  const accountId = await accountWith(0n);
  const entryId = newId('pay');
  const credited = await Promise.all(Array.from({ length: 100 }, () => topUp(accountId, entryId)));
  expect(credited.filter(Boolean)).toHaveLength(1);
  expect(await accountNow(accountId)).toMatchObject({ availableMicros: RUB, seq: 1n });
  await expectSound(accountId);
});

test('an entry id that has reached the ledger is never credited again, even when the account has forgotten it', async () => {
  const accountId = await accountWith(0n);
  const entryId = newId('pay');
  expect(await topUp(accountId, entryId)).toBe(true);
  await flushOutboxes([accountId], silent);
  expect(await topUp(accountId, entryId)).toBe(false);
  await accounts().updateOne({ _id: accountId }, { $set: { credited: [] } });
  expect(await topUp(accountId, entryId)).toBe(false);
  expect(await accountNow(accountId)).toMatchObject({ availableMicros: RUB, seq: 1n, outbox: [] });
  expect(await ledger().countDocuments({ accountId })).toBe(1);
});

test('a repeat that races the flush of its entry is not credited again', async () => {
  const accountId = await accountWith(0n);
  for (let round = 0; round < 10; round++) {
    const entryId = newId('pay');
    await topUp(accountId, entryId);
    await accounts().updateOne({ _id: accountId }, { $set: { credited: [] } });
    const repeats = Array.from({ length: 8 }, () => topUp(accountId, entryId));
    await Promise.all([...repeats, flushOutboxes([accountId], silent), flushOutboxes([accountId], silent)]);
  }
  expect((await accountNow(accountId)).availableMicros).toBe(10n * RUB);
  await expectSound(accountId);
});

test('what an account remembers of its credits stays bounded, and what it has forgotten still counts once', async () => {
  const accountId = await accountWith(0n);
  const oldest = newId('pay');
  await topUp(accountId, oldest);
  await flushOutboxes([accountId], silent);
  const later = Array.from({ length: 499 }, () => newId('pay'));
  await accounts().updateOne({ _id: accountId }, { $set: { credited: [oldest, ...later] } });
  await topUp(accountId);
  const { credited } = await accountNow(accountId);
  expect(credited).toHaveLength(500);
  expect(credited).not.toContain(oldest);
  expect(await topUp(accountId, oldest)).toBe(false);
  expect((await accountNow(accountId)).availableMicros).toBe(2n * RUB);
  await expectSound(accountId);
});

test('different credits at once, while the account is charged without a pause, all arrive', async () => {
  const accountId = await accountWith(100n);
  const writer = createAccountWriter();
  let busy = true;
  const load = Array.from({ length: 4 }, async () => {
    let charged = 0n;
    while (busy) {
      const hold = holdOn(accountId, { amountMicros: 1_000n });
      if ((await writer.hold(hold)).held) {
        await writer.settle(settlementFor(hold, 10n));
        charged += 10n;
      }
    }
    return charged;
  });
  const credited = await Promise.all(Array.from({ length: 20 }, () => topUp(accountId)));
  busy = false;
  const charged = (await Promise.all(load)).reduce((sum, one) => sum + one, 0n);
  expect(credited).toEqual(Array(20).fill(true));
  expect((await accountNow(accountId)).availableMicros).toBe(120n * RUB - charged);
  await expectSound(accountId);
});

test('an amount that is not positive, or no account, is refused', async () => {
  const accountId = await accountWith(1n);
  for (const amountMicros of [0n, -RUB, 10n ** 18n + 1n]) {
    await expect(topUp(accountId, newId('pay'), amountMicros)).rejects.toMatchObject({ code: 'invalid_request' });
  }
  await expect(topUp(newId('acc'))).rejects.toMatchObject({ code: 'not_found' });
  expect((await accountNow(accountId)).availableMicros).toBe(RUB);
});
