import { beforeEach, describe, expect, test } from '@jest/globals';
import { checkCharges, readCharges } from '../../src/billing/cross-checks.ts';
import { createKnownPages, type KnownPages } from '../../src/billing/known-pages.ts';
import { newId } from '../../src/ids.ts';
import { Adjustment, type AdjustmentDocument } from '../../src/models/adjustment.ts';
import { nativeCollection } from '../../src/models/connect.ts';
import { fromRaw, type RawRow } from '../../src/models/raw-rows.ts';
import { accounts, ledger, requests } from '../helpers/invariants.ts';
import { useStores } from '../helpers/stores.ts';
import { alerts } from './books.ts';
import { accountWith, RUB, silent } from './teller.ts';

/** The last hour's requests and charges, read once and page by page, however many of them have no counterpart. */

useStores();

const COST = 1_000n;
const NOW_MS = Date.now();

beforeEach(async () => {
  for (const collection of [accounts(), ledger(), requests(), alerts()]) await collection.deleteMany({});
});

/** `count` identifiers of requests that began `fromMs` ago and after, a millisecond apart. */
const idsFrom = (agoMs: number, count: number) =>
  Array.from({ length: count }, (_, index) => newId('req', NOW_MS - agoMs + index));

async function storeRequests(accountId: string, ids: readonly string[], costMicros: bigint): Promise<void> {
  const ended = { accountId, keyId: 'key_of_the_account', state: 'done', settled: true, costMicros, attempt: 1 };
  await requests().insertMany(ids.map((_id) => ({ _id, ...ended, holdMicros: RUB })) as never);
}

async function storeCharges(accountId: string, ids: readonly string[], fromSeq = 1): Promise<void> {
  const rows = ids.map((requestId, index) => ({
    _id: `${requestId}:settle`,
    accountId,
    seq: BigInt(fromSeq + index),
    amountMicros: -COST,
    afterMicros: RUB,
    kind: 'charge' as const,
    requestId,
    at: new Date(NOW_MS),
  }));
  await ledger().insertMany(rows);
}

const idOf = (raw: RawRow) => fromRaw<{ _id: string }>(raw)._id;

/** Walks over the hour. @returns what the pages held, and what they added up to. */
async function walk(known: KnownPages = createKnownPages(), nowMs = NOW_MS) {
  const seen = { requests: [] as string[], entries: [] as string[], pages: 0, wrong: 0 };
  for (let next: string | undefined = ''; next !== undefined; seen.pages++) {
    const page = await readCharges(next, nowMs);
    seen.requests.push(...page.requests.map(idOf));
    seen.entries.push(...page.entries.map(idOf));
    const { wrong = 0n } = await checkCharges(page, nowMs, known, silent);
    seen.wrong += Number(wrong);
    next = page.next;
  }
  return seen;
}

test('every request and every charge of the hour is on one page, and those in order are left alone', async () => {
  const accountId = await accountWith(10n);
  const charged = idsFrom(1_800_000, 1_100);
  const free = idsFrom(1_500_000, 1_100);
  const mixed = idsFrom(1_200_000, 600);
  const costed = [...charged, ...mixed.filter((_, index) => index % 3 === 0)];
  await storeRequests(accountId, costed, COST);
  await storeRequests(accountId, [...free, ...mixed.filter((_, index) => index % 3 !== 0)], 0n);
  await storeCharges(accountId, costed);
  const seen = await walk();
  expect(seen.requests).toEqual([...charged, ...free, ...mixed].sort());
  expect(seen.entries).toEqual(costed.map((id) => `${id}:settle`).sort());
  expect(seen.wrong).toBe(0);
  expect(await alerts().countDocuments()).toBe(0);
});

test('charges without a request are named though there are more of them than a page holds', async () => {
  const accountId = await accountWith(10n);
  const known = idsFrom(1_800_000, 700);
  const unknown = idsFrom(1_799_900, 1_200);
  await storeRequests(accountId, known, COST);
  await storeCharges(accountId, [...known, ...unknown]);
  const seen = await walk();
  expect(seen.requests).toEqual(known);
  expect(seen.entries).toHaveLength(1_900);
  expect(new Set(seen.entries).size).toBe(1_900);
  expect(seen.wrong).toBe(1_200);
  expect(await alerts().findOne({ accountId })).toMatchObject({ kind: 'charge_differs', expected: 'a request' });
});

test('a charge of another account, or of another amount, is named once', async () => {
  const [payer, other] = [await accountWith(10n), await accountWith(10n)];
  const [swapped = '', wrong = ''] = idsFrom(1_800_000, 2);
  await storeRequests(payer, [swapped], COST);
  await storeCharges(other, [swapped], 2);
  await storeRequests(payer, [wrong], COST + 1n);
  await storeCharges(payer, [wrong], 3);
  expect((await walk()).wrong).toBe(3);
  const found = await alerts()
    .find({}, { projection: { accountId: 1, _id: 0 } })
    .toArray();
  expect(found.map(({ accountId }) => accountId).sort()).toEqual([payer, other].sort());
});

test('what two persons accepted of a charge is accepted for that account, not for another it concerns', async () => {
  const [payer, other] = [await accountWith(10n), await accountWith(10n)];
  const [requestId = ''] = idsFrom(1_800_000, 1);
  await storeRequests(payer, [requestId], COST);
  await storeCharges(other, [requestId], 2);
  const charges = [{ requestId, expected: `${-COST}`, found: `${-COST}` }];
  const accepted = { _id: newId('adj'), accountId: payer, state: 'executed', charges };
  await nativeCollection<AdjustmentDocument>(Adjustment).insertOne(accepted as never, {
    bypassDocumentValidation: true,
  });
  expect((await walk()).wrong).toBe(1);
  expect(await alerts().find().toArray()).toMatchObject([{ accountId: other }]);
});

test('a request of the last minute may wait for its charge, but a charge does not come before its request', async () => {
  const accountId = await accountWith(10n);
  const [waiting = '', unknown = ''] = idsFrom(30_000, 2);
  await storeRequests(accountId, [waiting], COST);
  expect((await walk()).wrong).toBe(0);
  await storeCharges(accountId, [unknown]);
  expect((await walk()).wrong).toBe(1);
});

describe('pages that are as they were', () => {
  const MINUTE_MS = 60_000;

  /** Tells which pages were not looked at because they were known to be right. */
  function watched() {
    const pages = createKnownPages();
    const passed: string[] = [];
    const known: KnownPages = {
      ...pages,
      isRight: (start, digest) => {
        const isRight = pages.isRight(start, digest);
        if (isRight) passed.push(start);
        return isRight;
      },
    };
    return { known, passed };
  }

  test('are not looked at again, also when the hour has moved on', async () => {
    const accountId = await accountWith(10n);
    const base = Math.floor((NOW_MS - 1_800_000) / MINUTE_MS) * MINUTE_MS;
    const ids = Array.from({ length: 1_500 }, (_, index) => newId('req', base + index * 100));
    await storeRequests(accountId, ids, COST);
    await storeCharges(accountId, ids);
    const { known, passed } = watched();
    const { pages } = await walk(known);
    expect(pages).toBeGreaterThanOrEqual(4);
    expect(passed).toEqual([]);
    await walk(known);
    expect(passed).toHaveLength(pages);
    passed.length = 0;
    // The first minute has left the hour; what is left begins with a minute and is the same from there.
    await walk(known, base + 3_600_000 + MINUTE_MS);
    expect(passed.length).toBeGreaterThanOrEqual(pages - 3);
    expect(await alerts().countDocuments()).toBe(0);
  });

  test('are looked at again as soon as anything in them is another', async () => {
    const changes: ((ids: readonly string[], accountId: string) => Promise<unknown>)[] = [
      ([id = '']) => requests().updateOne({ _id: id }, { $set: { costMicros: COST + 1n } }),
      ([id = '']) => ledger().updateOne({ _id: `${id}:settle` }, { $set: { amountMicros: -COST - 1n } }),
      ([id = '']) => ledger().deleteOne({ _id: `${id}:settle` }),
      ([id = '']) => requests().deleteOne({ _id: id }),
      (_ids, accountId) => storeCharges(accountId, idsFrom(1_700_000, 1), 50),
      (_ids, accountId) => storeRequests(accountId, idsFrom(1_700_000, 1), COST),
    ];
    for (const change of changes) {
      for (const collection of [accounts(), ledger(), requests(), alerts()]) await collection.deleteMany({});
      const accountId = await accountWith(10n);
      const ids = idsFrom(1_800_000, 20);
      await storeRequests(accountId, ids, COST);
      await storeCharges(accountId, ids);
      const { known, passed } = watched();
      for (let round = 0; round < 2; round++) expect((await walk(known)).wrong).toBe(0);
      expect(passed).toHaveLength(1);
      await change(ids, accountId);
      expect((await walk(known)).wrong).toBe(1);
      expect((await walk(known)).wrong).toBe(1);
    }
  });

  test('are looked at again when what they lean on is elsewhere: a charge that is still in the outbox', async () => {
    const accountId = await accountWith(10n);
    const [requestId = ''] = idsFrom(1_800_000, 1);
    await storeRequests(accountId, [requestId], COST);
    await accounts().updateOne({ _id: accountId }, {
      $push: { outbox: { _id: `${requestId}:settle`, seq: 2n, amountMicros: -COST, afterMicros: RUB, kind: 'charge' } },
    } as never);
    const { known, passed } = watched();
    expect((await walk(known)).wrong).toBe(0);
    await accounts().updateOne({ _id: accountId }, { $set: { outbox: [] } });
    expect((await walk(known)).wrong).toBe(1);
    expect(passed).toEqual([]);
  });

  test('are looked at again when they were too young to be judged', async () => {
    const accountId = await accountWith(10n);
    const nowMs = Math.floor(NOW_MS / MINUTE_MS) * MINUTE_MS;
    await storeRequests(accountId, [newId('req', nowMs - 30_000)], COST);
    const { known } = watched();
    expect((await walk(known, nowMs)).wrong).toBe(0);
    expect((await walk(known, nowMs + MINUTE_MS - 1)).wrong).toBe(1);
  });

  test('do not hide what is counted: a call of which nobody knows how it ended', async () => {
    const accountId = await accountWith(10n);
    const [requestId = ''] = idsFrom(1_800_000, 1);
    await storeRequests(accountId, [requestId], 0n);
    await requests().updateOne({ _id: requestId }, { $set: { state: 'failed', 'error.code': 'interrupted' } });
    const known = createKnownPages();
    for (let round = 0; round < 2; round++) {
      const page = await readCharges('', NOW_MS);
      expect(await checkCharges(page, NOW_MS, known, silent)).toEqual({ rows: 1n, wrong: 0n, orphans: 1n });
    }
  });
});

test('a walk comes to its end though identifiers stand in its way that nobody here made', async () => {
  const accountId = await accountWith(10n);
  const ids = idsFrom(1_800_000, 499);
  await storeRequests(accountId, ids, COST);
  await storeCharges(accountId, ids);
  const strange = `${(ids.at(-1) ?? '').slice(0, 12)}~`;
  await storeCharges(accountId, [strange], 700);
  const seen = await walk();
  expect(seen.entries).toHaveLength(500);
  expect(seen.pages).toBeLessThan(5);
  expect(seen.wrong).toBe(1);
});
