import { expect, test } from '@jest/globals';
import { createAccountWriter } from '../../src/billing/account.ts';
import { flushOutboxes, flushPage } from '../../src/billing/ledger.ts';
import { accounts, ledger } from '../helpers/invariants.ts';
import { useStores } from '../helpers/stores.ts';
import { accountNow, accountWith, expectSound, holdOn, RUB, settlementFor, silent } from './teller.ts';

/** Entries on their way from the account's outbox to the ledger. */

useStores();

async function charge(accountId: string, count: number): Promise<void> {
  const writer = createAccountWriter();
  await Promise.all(
    Array.from({ length: count }, async () => {
      const hold = holdOn(accountId);
      await writer.hold(hold);
      await writer.settle(settlementFor(hold, 10_000n));
    }),
  );
}

async function expectDense(accountId: string, entries: number): Promise<void> {
  const rows = await ledger().find({ accountId }).sort({ seq: 1 }).toArray();
  expect(rows.map((row) => row.seq)).toEqual(Array.from({ length: entries }, (_, index) => BigInt(index + 1)));
  let after = 0n;
  for (const row of rows) {
    after += row.amountMicros;
    expect(row.afterMicros).toBe(after);
  }
  expect((await accountNow(accountId)).outbox).toEqual([]);
  await expectSound(accountId);
}

test('five flushers at once, while entries keep coming, move each entry once and in a dense sequence', async () => {
  const accountId = await accountWith(200n);
  let charging = true;
  const charges = (async () => {
    for (let round = 0; round < 6; round++) await charge(accountId, 25);
    charging = false;
  })();
  await Promise.all([
    charges,
    ...Array.from({ length: 5 }, async () => {
      while (charging) await flushOutboxes([accountId], silent);
    }),
  ]);
  await flushOutboxes([accountId], silent);
  await expectDense(accountId, 151);
});

test('what a flusher inserted before it died is not inserted again', async () => {
  const accountId = await accountWith(10n);
  await charge(accountId, 5);
  const { outbox } = await accountNow(accountId);
  await ledger().insertMany(outbox.slice(0, 4).map((entry) => ({ ...entry, accountId })));
  await expectSound(accountId);
  await flushOutboxes([accountId], silent);
  await expectDense(accountId, 6);
});

test('an entry the ledger refuses stays in the outbox, and the others of its batch go on', async () => {
  const [bad, good] = [await accountWith(10n), await accountWith(10n)];
  for (const accountId of [bad, good]) await charge(accountId, 3);
  const before = (await accountNow(bad)).outbox;
  // Something else holds the second number of that account.
  const [, second] = before;
  if (!second) throw new Error('the account has no second entry');
  await ledger().insertOne({ ...second, _id: 'adj:by-hand', accountId: bad });
  await flushOutboxes([bad, good], silent);
  expect((await accountNow(bad)).outbox.map(({ _id }) => _id)).toEqual([second._id]);
  await expectDense(good, 4);
});

test('an entry is booked on the account whose outbox holds it, whatever account it names', async () => {
  const [own, other] = [await accountWith(10n), await accountWith(10n)];
  await charge(own, 1);
  await accounts().updateOne({ _id: own }, { $set: { 'outbox.0.accountId': other } });
  await flushOutboxes([own], silent);
  await expectDense(own, 2);
  expect(await ledger().countDocuments({ accountId: other })).toBe(0);
});

test('the walk over all accounts finds what a process that died left behind, and tells how old it is', async () => {
  const ids = await Promise.all(Array.from({ length: 7 }, () => accountWith(1n)));
  let afterId: string | undefined;
  let oldestMs = 0;
  let pages = 0;
  do {
    const page = await flushPage(afterId, 3, Date.now() + 60_000, silent);
    oldestMs = Math.max(oldestMs, page.oldestMs);
    afterId = page.nextId;
    pages++;
  } while (afterId !== undefined);
  expect(pages).toBeGreaterThanOrEqual(3);
  expect(oldestMs).toBeGreaterThanOrEqual(60_000);
  for (const accountId of ids) await expectDense(accountId, 1);
});

test('an outbox longer than one flush is emptied by the next ones', async () => {
  const accountId = await accountWith(0n);
  const entries = Array.from({ length: 1_100 }, (_, index) => ({
    _id: `adj:${accountId}:${index + 1}`,
    seq: BigInt(index + 1),
    amountMicros: RUB,
    afterMicros: BigInt(index + 1) * RUB,
    kind: 'adjustment' as const,
    at: new Date(),
  }));
  await accounts().updateOne(
    { _id: accountId },
    { $set: { outbox: entries, seq: 1_100n, availableMicros: 1_100n * RUB } },
  );
  const moved: number[] = [];
  for (let round = 0; round < 4; round++) {
    moved.push(await flushOutboxes([accountId], silent));
    await expectSound(accountId);
  }
  expect(moved).toEqual([500, 500, 100, 0]);
  await expectDense(accountId, 1_100);
});
