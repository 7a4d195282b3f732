import { describe, expect, test } from '@jest/globals';
import { createAccountWriter } from '../../src/billing/account.ts';
import { type HoldOutcome, spendBuckets } from '../../src/billing/account-updates.ts';
import { newId } from '../../src/ids.ts';
import { accounts } from '../helpers/invariants.ts';
import { useStores } from '../helpers/stores.ts';
import { accountNow, accountWith, expectSound, figures, holdOn, RUB, settlementFor } from './teller.ts';

/** Reserving money, one by one and in groups. What is asked in one tick while a write flies goes out as one group. */

useStores();

const held = (outcomes: readonly HoldOutcome[]) => outcomes.filter((outcome) => outcome.held).length;
const reasons = (outcomes: readonly HoldOutcome[]) =>
  [...new Set(outcomes.flatMap((outcome) => (outcome.held ? [] : [outcome.refusal.reason])))].sort();

describe('a hold', () => {
  test('asked for again after its answer, by the same or another process, reserves once', async () => {
    const accountId = await accountWith(5n);
    const hold = holdOn(accountId);
    const [writer, other] = [createAccountWriter(), createAccountWriter()];
    for (const each of [writer, writer, other]) expect((await each.hold(hold)).held).toBe(true);
    expect(await figures(accountId)).toMatchObject({ availableMicros: 4n * RUB, heldMicros: RUB, open: 1 });
    await expectSound(accountId);
  });

  test('asked for fifty times at once reserves once, also inside one group', async () => {
    const accountId = await accountWith(200n);
    const writers = [createAccountWriter(), createAccountWriter()];
    const hold = holdOn(accountId);
    const outcomes = await Promise.all(
      writers.flatMap((writer) => [
        writer.hold(holdOn(accountId)),
        ...Array.from({ length: 25 }, () => writer.hold(hold)),
      ]),
    );
    expect(held(outcomes)).toBe(52);
    expect(await figures(accountId)).toMatchObject({ availableMicros: 197n * RUB, heldMicros: 3n * RUB, open: 3 });
    await expectSound(accountId);
  });

  test('is refused for an account that does not exist or may not spend, without harm to others of its group', async () => {
    const [good, suspended] = [await accountWith(5n), await accountWith(5n)];
    await accounts().updateOne({ _id: suspended }, { $set: { status: 'suspended' } });
    const writer = createAccountWriter();
    const first = writer.hold(holdOn(good));
    const [missing, barred, fine] = await Promise.all(
      [newId('acc'), suspended, good].map((accountId) => writer.hold(holdOn(accountId))),
    );
    expect(missing).toEqual({ held: false, refusal: { reason: 'no_account' } });
    expect(barred).toEqual({ held: false, refusal: { reason: 'not_active' } });
    expect([(await first).held, fine?.held]).toEqual([true, true]);
    expect(await figures(suspended)).toMatchObject({ availableMicros: 5n * RUB, heldMicros: 0n, open: 0 });
  });

  test('of exactly the balance fits, and of one micro-ruble more does not', async () => {
    const accountId = await accountWith(5n);
    const writer = createAccountWriter();
    expect((await writer.hold(holdOn(accountId, { amountMicros: 5n * RUB + 1n }))).held).toBe(false);
    expect((await writer.hold(holdOn(accountId, { amountMicros: 5n * RUB }))).held).toBe(true);
    expect(await writer.hold(holdOn(accountId, { amountMicros: 1n }))).toEqual({
      held: false,
      refusal: { reason: 'balance', availableMicros: 0n, heldMicros: 5n * RUB, open: 1 },
    });
  });
});

describe('a group of holds', () => {
  test('whose sum does not fit gives as many as fit, exactly', async () => {
    const accountId = await accountWith(37n);
    const writers = [createAccountWriter(), createAccountWriter(), createAccountWriter()];
    const outcomes = await Promise.all(
      Array.from({ length: 300 }, (_, index) => writers[index % 3]?.hold(holdOn(accountId)) as Promise<HoldOutcome>),
    );
    expect(held(outcomes)).toBe(37);
    expect(reasons(outcomes)).toEqual(['balance']);
    expect(await figures(accountId)).toMatchObject({ availableMicros: 0n, heldMicros: 37n * RUB, open: 37 });
    await expectSound(accountId);
  });

  test('of unequal amounts lets the small ones in where a large one does not fit', async () => {
    const accountId = await accountWith(10n);
    const writer = createAccountWriter();
    const amounts = [1n, 50n, 2n, 60n, 3n, 4n];
    const outcomes = await Promise.all(
      amounts.map((rub) => writer.hold(holdOn(accountId, { amountMicros: rub * RUB }))),
    );
    expect(outcomes.map((outcome) => outcome.held)).toEqual([true, false, true, false, true, true]);
    expect(await figures(accountId)).toMatchObject({ availableMicros: 0n, heldMicros: 10n * RUB, open: 4 });
  });

  test('of several accounts decides each account by itself', async () => {
    const ids = await Promise.all([3n, 0n, 100n].map(accountWith));
    const writer = createAccountWriter();
    const outcomes = await Promise.all(
      ids.flatMap((accountId) => Array.from({ length: 10 }, () => writer.hold(holdOn(accountId)))),
    );
    expect([0, 1, 2].map((part) => held(outcomes.slice(part * 10, part * 10 + 10)))).toEqual([3, 0, 10]);
    await expectSound(...ids);
  });

  test('of several accounts with room for all tells each what its account has then', async () => {
    const ids = await Promise.all([50n, 70n].map(accountWith));
    const writer = createAccountWriter();
    const outcomes = await Promise.all(
      ids.flatMap((accountId) => Array.from({ length: 8 }, () => writer.hold(holdOn(accountId)))),
    );
    expect([outcomes[7], outcomes[15]]).toEqual([
      { held: true, open: 8, availableMicros: 42n * RUB },
      { held: true, open: 8, availableMicros: 62n * RUB },
    ]);
    await expectSound(...ids);
  });

  test('never opens more requests than the account may have', async () => {
    const accountId = await accountWith(100n);
    const writer = createAccountWriter();
    const outcomes = await Promise.all(
      Array.from({ length: 30 }, () => writer.hold(holdOn(accountId, { openMax: 12 }))),
    );
    expect([held(outcomes), reasons(outcomes)]).toEqual([12, ['too_many_open']]);
    expect((await accountNow(accountId)).open).toBe(12);
  });
});

describe('the spend cap of a key', () => {
  const at = new Date(Date.UTC(2026, 10, 22, 12));
  const { day, month } = spendBuckets(at);

  test.each([
    ['daily', { dailyMicros: 7n * RUB }],
    ['monthly', { monthlyMicros: 7n * RUB }],
    ['lifetime', { lifetimeMicros: 7n * RUB }],
  ] as const)('holds under a group: %s', async (window, caps) => {
    const accountId = await accountWith(100n);
    const writer = createAccountWriter();
    const [limited, free] = [newId('key'), newId('key')];
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, () => writer.hold(holdOn(accountId, { keyId: limited, at, caps }))),
    );
    expect(held(outcomes)).toBe(7);
    expect(outcomes.at(-1)).toEqual({ held: false, refusal: { reason: 'spend_limit', window } });
    expect((await writer.hold(holdOn(accountId, { keyId: free, at }))).held).toBe(true);
    expect((await accountNow(accountId)).spend[limited]).toEqual({
      total: 7n * RUB,
      [day]: 7n * RUB,
      [month]: 7n * RUB,
    });
    await expectSound(accountId);
  });

  test('counts what was charged, and gives back what was held beyond it', async () => {
    const accountId = await accountWith(100n);
    const writer = createAccountWriter();
    const keyId = newId('key');
    const ask = () => holdOn(accountId, { keyId, at, amountMicros: 4n * RUB, caps: { dailyMicros: 6n * RUB } });
    const first = ask();
    expect((await writer.hold(first)).held).toBe(true);
    expect((await writer.hold(ask())).held).toBe(false);
    await writer.settle(settlementFor(first, 2n * RUB));
    expect((await accountNow(accountId)).spend[keyId]?.[day]).toBe(2n * RUB);
    expect((await writer.hold(ask())).held).toBe(true);
    expect((await writer.hold(ask())).held).toBe(false);
  });

  test('of one day does not bind on the next', async () => {
    const accountId = await accountWith(100n);
    const writer = createAccountWriter();
    const caps = { dailyMicros: RUB };
    const tomorrow = new Date(at.getTime() + 86_400_000);
    expect((await writer.hold(holdOn(accountId, { at, caps }))).held).toBe(true);
    expect((await writer.hold(holdOn(accountId, { at, caps }))).held).toBe(false);
    expect((await writer.hold(holdOn(accountId, { at: tomorrow, caps }))).held).toBe(true);
  });

  test('of zero, or below the amount asked for, lets nothing pass', async () => {
    const accountId = await accountWith(100n);
    const writer = createAccountWriter();
    for (const dailyMicros of [0n, RUB - 1n]) {
      expect(await writer.hold(holdOn(accountId, { caps: { dailyMicros } }))).toEqual({
        held: false,
        refusal: { reason: 'spend_limit', window: 'daily' },
      });
    }
    expect(await figures(accountId)).toMatchObject({ availableMicros: 100n * RUB, open: 0 });
  });
});
