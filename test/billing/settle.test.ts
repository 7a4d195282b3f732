import { describe, expect, jest, test } from '@jest/globals';
import { createAccountWriter } from '../../src/billing/account.ts';
import type { HoldRequest } from '../../src/billing/account-updates.ts';
import { flushOutboxes } from '../../src/billing/ledger.ts';
import { accounts, ledger } from '../helpers/invariants.ts';
import { useStores } from '../helpers/stores.ts';
import { accountNow, accountWith, expectSound, figures, holdOn, RUB, settlementFor, silent } from './teller.ts';

/** Charging and freeing holds: each once, whoever asks and however often. */

useStores();

async function heldOn(accountId: string, count: number): Promise<HoldRequest[]> {
  const writer = createAccountWriter();
  const holds = Array.from({ length: count }, () => holdOn(accountId));
  for (const outcome of await Promise.all(holds.map((hold) => writer.hold(hold)))) expect(outcome.held).toBe(true);
  return holds;
}

const charges = (accountId: string) => ledger().find({ accountId, kind: 'charge' }).sort({ seq: 1 }).toArray();

describe('a settlement', () => {
  test('repeated by the same or another process charges once', async () => {
    const accountId = await accountWith(5n);
    const [hold] = (await heldOn(accountId, 1)) as [HoldRequest];
    const settlement = settlementFor(hold, 300_000n);
    const [writer, other] = [createAccountWriter(), createAccountWriter()];
    for (const each of [writer, writer, other]) await each.settle(settlement);
    expect(await figures(accountId)).toEqual({ availableMicros: 4_700_000n, heldMicros: 0n, open: 0, seq: 2n });
    await expectSound(accountId);
  });

  test('of one request asked for fifty times at once, in groups with others, makes one entry', async () => {
    const accountId = await accountWith(100n);
    const [hot, ...others] = (await heldOn(accountId, 90)) as [HoldRequest, ...HoldRequest[]];
    // The first of each writer flies alone, so the repeats meet in one group; enough is held for a wrong sum to pass.
    await Promise.all(
      others.slice(0, 2).flatMap((other) => {
        const writer = createAccountWriter();
        const repeats = Array.from({ length: 25 }, () => settlementFor(hot, 400_000n));
        return [settlementFor(other, RUB), ...repeats].map((settlement) => writer.settle(settlement));
      }),
    );
    const account = await accountNow(accountId);
    expect(account.outbox.filter((entry) => entry.requestId === hot.requestId)).toHaveLength(1);
    expect(await figures(accountId)).toEqual({
      availableMicros: 10n * RUB + 600_000n,
      heldMicros: 87n * RUB,
      open: 87,
      seq: 4n,
    });
    await expectSound(accountId);
  });

  test('that costs nothing frees the hold and leaves no entry', async () => {
    const accountId = await accountWith(5n);
    const [hold] = (await heldOn(accountId, 1)) as [HoldRequest];
    await createAccountWriter().settle(settlementFor(hold, 0n));
    expect(await figures(accountId)).toEqual({ availableMicros: 5n * RUB, heldMicros: 0n, open: 0, seq: 1n });
    expect((await accountNow(accountId)).spend[hold.keyId]?.total).toBe(0n);
  });

  test('with another amount than the hold, or for no hold at all, changes nothing', async () => {
    const accountId = await accountWith(5n);
    const [hold] = (await heldOn(accountId, 1)) as [HoldRequest];
    const before = await accountNow(accountId);
    const writer = createAccountWriter();
    await writer.settle({ ...settlementFor(hold, RUB), holdMicros: 2n * RUB });
    await writer.settle(settlementFor(holdOn(accountId), RUB));
    expect(await accountNow(accountId)).toEqual(before);
  });
});

describe('a group of settlements', () => {
  test('of which some are closed already closes the others, each once', async () => {
    const accountId = await accountWith(100n);
    const holds = await heldOn(accountId, 20);
    const [writer, other] = [createAccountWriter(), createAccountWriter()];
    await Promise.all(holds.slice(5, 10).map((hold) => other.settle(settlementFor(hold, RUB))));
    await Promise.all(holds.map((hold) => writer.settle(settlementFor(hold, RUB))));
    expect(await figures(accountId)).toEqual({ availableMicros: 80n * RUB, heldMicros: 0n, open: 0, seq: 21n });
    await expectSound(accountId);
  });

  test('does not make the others wait for a statement each because one is closed already', async () => {
    const accountId = await accountWith(100n);
    const holds = await heldOn(accountId, 60);
    const closed = holds[30] as HoldRequest;
    await createAccountWriter().settle(settlementFor(closed, RUB));
    const updates = jest.spyOn(accounts(), 'updateOne');
    const writer = createAccountWriter();
    await Promise.all(holds.map((hold) => writer.settle(settlementFor(hold, RUB))));
    const statements = updates.mock.calls.length;
    updates.mockRestore();
    expect(statements).toBeLessThanOrEqual(2);
    expect(await figures(accountId)).toEqual({ availableMicros: 40n * RUB, heldMicros: 0n, open: 0, seq: 61n });
    await expectSound(accountId);
  });

  test('closes the others though some hold in another way than said, and those by what they are', async () => {
    const accountId = await accountWith(100n);
    const holds = await heldOn(accountId, 20);
    const again = holdOn(accountId, { tried: 1 });
    const [writer, first] = [createAccountWriter(), createAccountWriter()];
    expect((await writer.hold(again)).held).toBe(true);
    await first.settle(settlementFor(holds[3] as HoldRequest, RUB));
    const wrongAmount = { ...settlementFor(holds[4] as HoldRequest, RUB), holdMicros: 2n * RUB };
    const right = holds.filter((_, index) => index !== 4).map((hold) => settlementFor(hold, RUB));
    const all = [...right, wrongAmount, settlementFor(again, RUB)];
    await Promise.all(all.map((settlement) => writer.settle(settlement)));
    expect(await figures(accountId)).toEqual({ availableMicros: 79n * RUB, heldMicros: RUB, open: 1, seq: 21n });
    await expectSound(accountId);
  });

  test('numbers its entries densely and gives each the balance after it', async () => {
    const accountId = await accountWith(100n);
    const holds = await heldOn(accountId, 30);
    const writer = createAccountWriter();
    await Promise.all(holds.map((hold, index) => writer.settle(settlementFor(hold, BigInt(index % 3) * 250_000n))));
    await flushOutboxes([accountId], silent);
    const entries = await charges(accountId);
    expect(entries.map((entry) => entry.seq)).toEqual(entries.map((_, index) => BigInt(index + 2)));
    let after = 100n * RUB;
    for (const entry of entries) {
      after += entry.amountMicros;
      expect(entry.afterMicros).toBe(after);
    }
    expect((await accountNow(accountId)).availableMicros).toBe(after);
  });

  test('raced by four processes closes each hold once', async () => {
    const ids = await Promise.all([200n, 200n, 200n].map(accountWith));
    const holds = (await Promise.all(ids.map((accountId) => heldOn(accountId, 40)))).flat();
    const writers = Array.from({ length: 4 }, createAccountWriter);
    await Promise.all(
      writers.flatMap((writer, shift) =>
        holds.map((_, index) => {
          // Each process has its own order, so their groups overlap in every way.
          const hold = holds[(index * 7 + shift * 31) % holds.length] as HoldRequest;
          return writer.settle(settlementFor(hold, 500_000n));
        }),
      ),
    );
    for (const accountId of ids)
      expect(await figures(accountId)).toEqual({ availableMicros: 180n * RUB, heldMicros: 0n, open: 0, seq: 41n });
    await expectSound(...ids);
  });
});

test('accounts that owe ledger entries are named once to the flusher', async () => {
  const [charged, released] = [await accountWith(10n), await accountWith(10n)];
  const [one, two, free] = [...(await heldOn(charged, 2)), ...(await heldOn(released, 1))] as [
    HoldRequest,
    HoldRequest,
    HoldRequest,
  ];
  const writer = createAccountWriter();
  await Promise.all([
    writer.settle(settlementFor(one, RUB)),
    writer.settle(settlementFor(two, RUB)),
    writer.settle(settlementFor(free, 0n)),
  ]);
  expect(writer.takeDirty()).toEqual([charged]);
  expect(writer.takeDirty()).toEqual([]);
});
