import { beforeEach, describe, expect, test } from '@jest/globals';
import { createAccountWriter } from '../../src/billing/account.ts';
import { flushOutboxes } from '../../src/billing/ledger.ts';
import { reconcilePage } from '../../src/billing/reconcile.ts';
import { nativeCollection } from '../../src/models/connect.ts';
import { Reconciliation, type ReconciliationDocument } from '../../src/models/reconciliation.ts';
import { accounts, ledger } from '../helpers/invariants.ts';
import { useStores } from '../helpers/stores.ts';
import { accountNow, accountWith, holdOn, RUB, settlementFor, silent } from './teller.ts';

/** A balance that does not follow from its ledger is found, named and frozen; nothing is corrected, nobody else is touched. */

useStores();

let victim: string;
let bystanders: string[];

/** An account with 100 RUB, five charges in the ledger, one in the outbox and two open holds. */
async function busyAccount(): Promise<string> {
  const accountId = await accountWith(100n);
  const writer = createAccountWriter();
  const holds = Array.from({ length: 8 }, () => holdOn(accountId));
  for (const hold of holds) await writer.hold(hold);
  for (const hold of holds.slice(0, 5)) await writer.settle(settlementFor(hold, 300_000n));
  await flushOutboxes([accountId], silent);
  for (const hold of holds.slice(5, 6)) await writer.settle(settlementFor(hold, 300_000n));
  return accountId;
}

beforeEach(async () => {
  for (const collection of [accounts(), ledger()]) await collection.deleteMany({});
  victim = await busyAccount();
  bystanders = [await busyAccount(), await busyAccount()];
});

async function findings() {
  const wrong = [];
  let afterId: string | undefined;
  do {
    const page = await reconcilePage(afterId, 2, silent);
    wrong.push(...page.wrong);
    afterId = page.nextId;
  } while (afterId !== undefined);
  return wrong;
}

const statuses = async (ids: string[]) => Promise.all(ids.map(async (id) => (await accountNow(id)).status));

test('accounts with holds, outboxes and ledgers in order are left alone', async () => {
  expect(await findings()).toEqual([]);
  expect(await statuses([victim, ...bystanders])).toEqual(['active', 'active', 'active']);
});

describe('is found, named and frozen alone:', () => {
  const charge = { accountId: '', kind: 'charge' as const };
  const tampers: [string, () => Promise<unknown>, string[], bigint][] = [
    [
      'an amount in the ledger that was changed',
      () => ledger().updateOne({ ...charge, accountId: victim }, { $set: { amountMicros: -100_000n } }),
      ['balance_differs_from_ledger'],
      -200_000n,
    ],
    [
      'a ledger row that was deleted',
      () => ledger().deleteOne({ ...charge, accountId: victim, seq: 3n }),
      ['balance_differs_from_ledger', 'ledger_sequence_has_gaps'],
      -300_000n,
    ],
    [
      'the last ledger row that was deleted',
      () => ledger().deleteOne({ ...charge, accountId: victim, seq: 6n }),
      ['balance_differs_from_ledger', 'ledger_sequence_has_gaps'],
      -300_000n,
    ],
    [
      'a balance that was raised',
      () => accounts().updateOne({ _id: victim }, { $inc: { availableMicros: RUB } }),
      ['balance_differs_from_ledger'],
      RUB,
    ],
    [
      'an entry lost from the outbox',
      () => accounts().updateOne({ _id: victim }, { $set: { outbox: [] } }),
      ['balance_differs_from_ledger', 'ledger_sequence_has_gaps'],
      -300_000n,
    ],
    [
      'money moved between available and held',
      () => accounts().updateOne({ _id: victim }, { $inc: { availableMicros: RUB, heldMicros: -RUB } }),
      ['held_differs_from_holds'],
      0n,
    ],
    [
      'a count of open requests that is wrong',
      () => accounts().updateOne({ _id: victim }, { $inc: { open: 1 } }),
      ['open_differs_from_holds'],
      0n,
    ],
  ];

  test.each(tampers)('%s', async (_, tamper, problems, differenceMicros) => {
    await tamper();
    expect(await findings()).toEqual([{ accountId: victim, seq: 7n, differenceMicros, problems }]);
    expect(await statuses([victim, ...bystanders])).toEqual(['frozen', 'active', 'active']);
    expect((await accountNow(victim)).statusReason).toBe('reconciliation');
    const report = await nativeCollection<ReconciliationDocument>(Reconciliation).findOne({ _id: victim });
    expect(report).toMatchObject({ differenceMicros, problems });
  });
});

test('a frozen account takes no new holds, and what was running is still settled', async () => {
  const running = holdOn(victim);
  const writer = createAccountWriter();
  await writer.hold(running);
  await accounts().updateOne({ _id: victim }, { $inc: { availableMicros: RUB } });
  await findings();
  expect(await writer.hold(holdOn(victim))).toEqual({ held: false, refusal: { reason: 'not_active' } });
  await writer.settle(settlementFor(running, RUB));
  expect((await accountNow(victim)).holds[running.requestId]).toBeUndefined();
});

test('the check never freezes an account that is busy with holds, charges, credits and flushes', async () => {
  const writer = createAccountWriter();
  let busy = true;
  const load = bystanders.map(async (accountId) => {
    while (busy) {
      const holds = Array.from({ length: 10 }, () => holdOn(accountId, { amountMicros: 1_000n }));
      await Promise.all(holds.map((hold) => writer.hold(hold)));
      await Promise.all(holds.map((hold) => writer.settle(settlementFor(hold, 100n))));
      await flushOutboxes([accountId], silent);
    }
  });
  for (let round = 0; round < 25; round++) expect(await findings()).toEqual([]);
  busy = false;
  await Promise.all(load);
  expect(await statuses(bystanders)).toEqual(['active', 'active']);
});
