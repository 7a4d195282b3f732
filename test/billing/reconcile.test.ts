import { beforeEach, describe, expect, test } from '@jest/globals';
import { createAccountWriter } from '../../src/billing/account.ts';
import { creditAccount } from '../../src/billing/credit.ts';
import { checkEverything } from '../../src/billing/full-check.ts';
import { flushOutboxes } from '../../src/billing/ledger.ts';
import { createReconciler, dueAfterPage, paceOf, reconciliationFigures } from '../../src/billing/reconciler.ts';
import { segments } from '../../src/billing/segments.ts';
import { inspectAccount } from '../../src/billing/survey.ts';
import { newId } from '../../src/ids.ts';
import { accounts, ledger, requests } from '../helpers/invariants.ts';
import { useStores } from '../helpers/stores.ts';
import { alerts, busyAccount, storeRequest } from './books.ts';
import { accountNow, accountWith, holdOn, RUB, settlementFor, silent } from './teller.ts';

/** The walks of the reconciler, page by page. Every kind of tampering is tried in test/flows/reconcile.test.ts. */

useStores();

const reconciler = createReconciler({ intervalMs: 0, rowsPerSecond: 1_000_000 }, silent);

beforeEach(async () => {
  for (const collection of [accounts(), ledger(), requests(), segments(), alerts()]) await collection.deleteMany({});
});

async function found() {
  const all = await alerts().find().sort({ seq: 1, kind: 1 }).toArray();
  return all.map(({ accountId, kind, seq }) => ({ accountId, kind, seq }));
}

test('accounts with holds, outboxes and ledgers in order are left alone, and are cheap when they do not change', async () => {
  const ids = [await busyAccount(), await busyAccount()];
  await creditAccount({ accountId: ids[0] ?? '', entryId: 'pay:late', amountMicros: RUB, kind: 'top_up' });
  await reconciler.all();
  const before = await segments().find().sort({ _id: 1 }).toArray();
  await reconciler.all();
  expect(await segments().find().sort({ _id: 1 }).toArray()).toEqual(before);
  expect(await found()).toEqual([]);
  expect(await reconciliationFigures(Date.now())).toMatchObject({
    wrongAccounts: 0,
    accounts: 2,
    rows: 14,
    holdsOpen: 4,
    chargesWrong: 0,
  });
});

test('a difference is kept with what was expected and what was there, is told once, and measured', async () => {
  const accountId = await busyAccount();
  await reconciler.all();
  await accounts().updateOne({ _id: accountId }, { $inc: { availableMicros: -RUB } });
  for (let round = 0; round < 3; round++) await reconciler.all();
  const [alert, ...others] = await alerts().find().toArray();
  expect(others).toEqual([]);
  expect(alert).toMatchObject({
    accountId,
    kind: 'balance_differs',
    seq: 7n,
    expected: String(100n * RUB - 1_800_000n),
    found: String(99n * RUB - 1_800_000n),
    status: 'open',
  });
  expect(alert?.lastSeenAt.getTime()).toBeGreaterThan(alert?.firstSeenAt.getTime() ?? 0);
  expect(await reconciliationFigures(Date.now())).toMatchObject({ wrongAccounts: 1, differenceMicros: RUB });
  expect(await accountNow(accountId)).toMatchObject({ status: 'frozen', statusReason: 'reconciliation' });
});

test('an outbox that was emptied is missed in the ledger', async () => {
  const accountId = await busyAccount();
  await creditAccount({ accountId, entryId: 'pay:lost', amountMicros: RUB, kind: 'top_up' });
  await accounts().updateOne({ _id: accountId }, { $set: { outbox: [] } });
  await reconciler.all();
  expect(await found()).toEqual([{ accountId, kind: 'ledger_row_missing', seq: 8n }]);
});

test('a long ledger is kept in segments of 1 000 rows, and an old row in any of them is named', async () => {
  const accountId = await accountWith(0n);
  const entry = (seq: number) => ({
    _id: `adj:${accountId}:${seq}`,
    accountId,
    seq: BigInt(seq),
    amountMicros: RUB,
    afterMicros: BigInt(seq) * RUB,
    kind: 'adjustment' as const,
    at: new Date(),
  });
  const rows = Array.from({ length: 2_300 }, (_, index) => entry(index + 1));
  await ledger().insertMany(rows);
  await accounts().updateOne({ _id: accountId }, { $set: { seq: 2_300n, availableMicros: 2_300n * RUB } });
  await reconciler.all();
  await reconciler.all();
  expect(await found()).toEqual([]);
  const stored = await segments().find().sort({ _id: 1 }).toArray();
  expect(stored.map(({ start, end }) => [start.seq, end.seq])).toEqual([
    [0n, 1_000n],
    [1_000n, 2_000n],
    [2_000n, 2_300n],
  ]);
  expect(stored[1]?.start).toEqual(stored[0]?.end);
  await ledger().updateOne({ accountId, seq: 1_234n }, { $set: { kind: 'grant' } });
  await reconciler.all();
  expect(await found()).toEqual([{ accountId, kind: 'ledger_row_changed', seq: 1_234n }]);
});

test('records and rows that were found right before are looked at again when they are not what they were', async () => {
  const changes: [kind: string, change: (accountId: string) => Promise<unknown>][] = [
    ['ledger_row_changed', (accountId) => ledger().updateOne({ accountId, seq: 2n }, { $set: { kind: 'grant' } })],
    ['ledger_row_missing', (accountId) => ledger().deleteOne({ accountId, seq: 2n })],
    [
      'ledger_row_changed',
      (accountId) => segments().updateOne({ accountId }, { $set: { 'end.hash': 'f'.repeat(64) } }),
    ],
    [
      'ledger_row_extra',
      async (accountId) => {
        const last = await ledger().findOne({ accountId }, { sort: { seq: -1 } });
        await ledger().insertOne({ ...last, _id: `extra:${accountId}`, seq: (last?.seq ?? 0n) + 1n } as never);
      },
    ],
  ];
  for (const [kind, change] of changes) {
    for (const collection of [accounts(), ledger(), requests(), segments(), alerts()]) await collection.deleteMany({});
    const accountId = await busyAccount();
    for (let round = 0; round < 3; round++) await reconciler.all();
    expect(await found()).toEqual([]);
    await change(accountId);
    for (let round = 0; round < 2; round++) await reconciler.all();
    const [alert, ...others] = await alerts().find().toArray();
    expect(others).toEqual([]);
    expect(alert).toMatchObject({ accountId, kind });
    expect(alert?.lastSeenAt.getTime()).toBeGreaterThan(alert?.firstSeenAt.getTime() ?? 0);
  }
});

test('a row that was on its way from the outbox is looked at again when the outbox says something else', async () => {
  const accountId = await busyAccount();
  await reconciler.all();
  await creditAccount({ accountId, entryId: 'pay:late', amountMicros: RUB, kind: 'top_up' });
  const [entry] = (await accounts().findOne({ _id: accountId }))?.outbox ?? [];
  await ledger().insertOne({ ...entry, accountId } as never);
  for (let round = 0; round < 2; round++) await reconciler.segments();
  expect(await found()).toEqual([]);
  await accounts().updateOne({ _id: accountId }, { $set: { 'outbox.0._id': 'pay:other' } });
  await reconciler.segments();
  expect(await found()).toEqual([{ accountId, kind: 'ledger_row_extra', seq: 8n }]);
});

test('a cost without a charge, and a charge that is not what its request cost, are named', async () => {
  const [uncharged, overcharged] = [await accountWith(10n), await accountWith(10n)];
  const old = Date.now() - 120_000;
  await storeRequest(holdOn(uncharged, { requestId: newId('req', old) }), 5n);
  const hold = holdOn(overcharged, { requestId: newId('req', old) });
  await storeRequest(hold, 5n);
  const writer = createAccountWriter();
  await writer.hold(hold);
  await writer.settle(settlementFor(hold, 6n));
  await flushOutboxes([uncharged, overcharged], silent);
  await reconciler.all();
  expect(await found()).toEqual([
    { accountId: uncharged, kind: 'charge_differs', seq: 1n },
    { accountId: overcharged, kind: 'charge_differs', seq: 2n },
  ]);
});

test('a frozen account takes no new holds, and what was running is still settled', async () => {
  const accountId = await busyAccount();
  const running = holdOn(accountId);
  const writer = createAccountWriter();
  await writer.hold(running);
  await accounts().updateOne({ _id: accountId }, { $inc: { availableMicros: RUB } });
  await reconciler.all();
  expect(await writer.hold(holdOn(accountId))).toEqual({ held: false, refusal: { reason: 'not_active' } });
  await writer.settle(settlementFor(running, RUB));
  expect((await accountNow(accountId)).holds[running.requestId]).toBeUndefined();
});

test('several reconcilers over accounts busy with holds, charges, credits and flushes never see a difference', async () => {
  const ids = [await accountWith(1_000n), await accountWith(1_000n), await accountWith(1_000n)];
  const writer = createAccountWriter();
  let busy = true;
  const load = ids.map(async (accountId) => {
    for (let round = 0; busy; round++) {
      const holds = Array.from({ length: 10 }, () => holdOn(accountId, { amountMicros: 1_000n }));
      await Promise.all(holds.map((hold) => writer.hold(hold)));
      await Promise.all(holds.map((hold) => storeRequest(hold, 100n)));
      await Promise.all(holds.map((hold) => writer.settle(settlementFor(hold, 100n))));
      await creditAccount({ accountId, entryId: `pay:${accountId}:${round}`, amountMicros: RUB, kind: 'top_up' });
      await Promise.all([flushOutboxes([accountId], silent), flushOutboxes([accountId], silent)]);
    }
  });
  await Promise.all(
    Array.from({ length: 3 }, async () => {
      for (let round = 0; round < 10; round++) await reconciler.all();
    }),
  );
  busy = false;
  await Promise.all(load);
  await reconciler.all();
  expect(await alerts().find().toArray()).toEqual([]);
  for (const accountId of ids) {
    const { seq } = await accountNow(accountId);
    expect((await segments().findOne({ _id: `${accountId}:tail` }))?.end.seq).toBe(seq);
  }
});

describe('the full check', () => {
  test('finds what the walks of the last hour and of a thousand rows do not look at, and accounts that never were', async () => {
    const old = Date.now() - 30 * 86_400_000;
    const sound = await busyAccount();
    const uncharged = await accountWith(10n);
    await storeRequest(holdOn(uncharged, { requestId: newId('req', old) }), 5n);
    const never = newId('acc');
    const row = {
      accountId: never,
      seq: 1n,
      amountMicros: RUB,
      afterMicros: RUB,
      kind: 'top_up' as const,
      at: new Date(),
    };
    await ledger().insertOne({ _id: `pay:${never}`, ...row });
    await reconciler.all();
    expect(await found()).toEqual([]);
    const { accounts: looked, findings } = await checkEverything(silent);
    expect(looked).toBe(3);
    const expected = [
      { accountId: never, kind: 'account_missing', seq: 1n },
      { accountId: uncharged, kind: 'charge_differs', seq: 1n },
    ];
    expect(findings.map(({ accountId, kind, seq }) => ({ accountId, kind, seq }))).toEqual(
      expect.arrayContaining(expected),
    );
    expect(findings).toHaveLength(2);
    expect(await found()).toEqual(expected);
    expect(await accountNow(sound)).toMatchObject({ status: 'active' });
    await expect(inspectAccount(newId('acc'))).rejects.toMatchObject({ code: 'not_found' });
  });

  test('does not miss, nor make up, what comes after twenty thousand unseen rows', async () => {
    const accountId = await accountWith(0n);
    const rows = Array.from({ length: 21_500 }, (_, index) => ({
      _id: `adj:${accountId}:${index + 1}`,
      accountId,
      seq: BigInt(index + 1),
      amountMicros: RUB,
      afterMicros: BigInt(index + 1) * RUB,
      kind: 'adjustment' as const,
      at: new Date(),
    }));
    await ledger().insertMany(rows);
    const total = BigInt(rows.length);
    await accounts().updateOne({ _id: accountId }, { $set: { seq: total, availableMicros: total * RUB } });
    expect((await checkEverything(silent)).findings).toEqual([]);
    await ledger().deleteOne({ accountId, seq: 21_400n });
    expect((await checkEverything(silent)).findings).toMatchObject([{ kind: 'ledger_row_missing', seq: 21_400n }]);
  });
});

test('old rows are read no faster than lets a pass be over in one and a half intervals', () => {
  const walk = { intervalMs: 30_000, rowsPerSecond: 10_000 };
  expect(paceOf(walk, 300_000)).toBeCloseTo(6_667, 0);
  expect(paceOf(walk, 9_000_000)).toBe(10_000);
  expect(paceOf(walk, 10)).toBe(2_000);
  expect(paceOf({ ...walk, rowsPerSecond: Number.POSITIVE_INFINITY }, 10)).toBe(Number.POSITIVE_INFINITY);
  expect(paceOf(walk, undefined)).toBe(10_000);
});

test('a walk makes up for what it did not use between two looks, and not for a longer rest', () => {
  const pageMs = 400;
  /** When the pages are begun after a rest: each when it is due, or at once. */
  const pagesAfter = (restMs: number): number[] => {
    let [dueMs, nowMs] = [0, restMs];
    return Array.from({ length: 6 }, () => {
      const startedAtMs = nowMs;
      dueMs = dueAfterPage(dueMs, startedAtMs, pageMs);
      nowMs = Math.max(nowMs, dueMs);
      return startedAtMs - restMs;
    });
  };
  expect(pagesAfter(0)).toEqual([0, 400, 800, 1_200, 1_600, 2_000]);
  expect(pagesAfter(1_000)).toEqual([0, 0, 0, 200, 600, 1_000]);
  expect(pagesAfter(60_000)).toEqual([0, 0, 0, 0, 100, 500]);
});
