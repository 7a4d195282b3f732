import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { Collection, MongoBulkWriteError, MongoClient, MongoNetworkError } from 'mongodb';
import { createAccountWriter } from '../../src/billing/account.ts';
import { creditAccount } from '../../src/billing/credit.ts';
import { flushOutboxes } from '../../src/billing/ledger.ts';
import { newId } from '../../src/ids.ts';
import { connectMongo, disconnectMongo } from '../../src/models/connect.ts';
import { eventually } from '../helpers/eventually.ts';
import { accounts, ledger } from '../helpers/invariants.ts';
import { useStores } from '../helpers/stores.ts';
import { startTcpProxy } from '../helpers/tcp-proxy.ts';
import { accountNow, accountWith, expectSound, figures, holdOn, RUB, settlementFor, silent } from './teller.ts';

/** A write that happened while its answer got lost is the ordinary case of a cut line. It must count once. */

const stores = useStores();
let accountId: string;

afterEach(() => {
  jest.restoreAllMocks();
});

type Writes = 'bulkWrite' | 'updateOne' | 'findOneAndUpdate' | 'insertMany';

/** The next so many calls of these methods reach the database, and their callers are told that the connection broke. */
function loseReplies(times: number, ...methods: Writes[]): void {
  let left = times;
  for (const method of methods) {
    const original = Collection.prototype[method] as (...args: unknown[]) => Promise<unknown>;
    jest.spyOn(Collection.prototype, method).mockImplementation(async function (this: Collection, ...args: unknown[]) {
      const answer = await original.apply(this, args);
      if (left-- > 0) throw new MongoNetworkError('the connection broke');
      return answer as never;
    });
  }
}

describe('when the write counts and its reply is lost,', () => {
  test.each([1, 2, 3])('a hold is held once (%i lost)', async (times) => {
    accountId = await accountWith(10n);
    loseReplies(times, 'findOneAndUpdate', 'bulkWrite');
    const outcome = await createAccountWriter().hold(holdOn(accountId));
    expect(outcome.held).toBe(true);
    expect(await figures(accountId)).toMatchObject({ availableMicros: 9n * RUB, heldMicros: RUB, open: 1 });
    await expectSound(accountId);
  });

  test('the holds of a group are told apart exactly as the account has them', async () => {
    accountId = await accountWith(10n);
    loseReplies(4, 'findOneAndUpdate', 'bulkWrite');
    const writer = createAccountWriter();
    const outcomes = await Promise.all(Array.from({ length: 40 }, () => writer.hold(holdOn(accountId))));
    expect(outcomes.filter((outcome) => outcome.held)).toHaveLength(10);
    expect(await figures(accountId)).toMatchObject({ availableMicros: 0n, heldMicros: 10n * RUB, open: 10 });
    await expectSound(accountId);
  });

  test.each([1, 2, 3])('settlements charge once and resolve (%i lost)', async (times) => {
    accountId = await accountWith(50n);
    const writer = createAccountWriter();
    const holds = Array.from({ length: 20 }, () => holdOn(accountId));
    await Promise.all(holds.map((hold) => writer.hold(hold)));
    loseReplies(times, 'bulkWrite', 'updateOne');
    await Promise.all(holds.map((hold) => writer.settle(settlementFor(hold, 500_000n))));
    expect(await figures(accountId)).toEqual({ availableMicros: 40n * RUB, heldMicros: 0n, open: 0, seq: 21n });
    await expectSound(accountId);
  });

  test('a settlement of which nobody can tell rejects, and its repeat charges no second time', async () => {
    accountId = await accountWith(5n);
    const writer = createAccountWriter();
    const hold = holdOn(accountId);
    await writer.hold(hold);
    loseReplies(1, 'updateOne');
    jest.spyOn(Collection.prototype, 'find').mockImplementation(() => {
      throw new MongoNetworkError('the connection broke');
    });
    await expect(writer.settle(settlementFor(hold, RUB))).rejects.toThrow('the connection broke');
    jest.restoreAllMocks();
    await writer.settle(settlementFor(hold, RUB));
    expect(await figures(accountId)).toEqual({ availableMicros: 4n * RUB, heldMicros: 0n, open: 0, seq: 2n });
  });

  test('a credit repeated after the error counts once', async () => {
    accountId = await accountWith(0n);
    const request = { accountId, entryId: newId('pay'), amountMicros: RUB, kind: 'top_up' as const };
    loseReplies(1, 'updateOne');
    await expect(creditAccount(request)).rejects.toThrow('the connection broke');
    expect(await creditAccount(request)).toBe(false);
    expect(await figures(accountId)).toMatchObject({ availableMicros: RUB, seq: 1n });
  });

  test('a flush that broke after the insert, and one that broke after the removal, lose and double nothing', async () => {
    accountId = await accountWith(5n);
    for (const method of ['insertMany', 'bulkWrite'] as const) {
      loseReplies(1, method);
      await expect(flushOutboxes([accountId], silent)).rejects.toThrow('the connection broke');
      jest.restoreAllMocks();
      await expectSound(accountId);
    }
    await flushOutboxes([accountId], silent);
    expect(await ledger().countDocuments({ accountId })).toBe(1);
    expect((await accounts().findOne({ _id: accountId }))?.outbox).toEqual([]);
  });
});

test('a hold whose request was run and charged before its process looked for it is charged no second time', async () => {
  const [first, second] = [holdOn(await accountWith(10n)), holdOn(await accountWith(10n))];
  const [api, worker] = [createAccountWriter(), createAccountWriter()];
  const original = Collection.prototype.bulkWrite as (...args: unknown[]) => Promise<unknown>;
  let stoodStill = false;
  jest.spyOn(Collection.prototype, 'bulkWrite').mockImplementation(async function (
    this: Collection,
    ...args: unknown[]
  ) {
    const answer = await original.apply(this, args);
    if (!stoodStill) {
      stoodStill = true;
      await worker.settle(settlementFor(first, RUB));
    }
    return answer as never;
  });
  await Promise.all([api.hold(first), api.hold(second)]);
  expect(stoodStill).toBe(true);
  await worker.settle(settlementFor(first, RUB));
  expect(await figures(first.accountId)).toEqual({ availableMicros: 9n * RUB, heldMicros: 0n, open: 0, seq: 2n });
  expect(await figures(second.accountId)).toMatchObject({ heldMicros: RUB, open: 1 });
  await expectSound(first.accountId);
});

test('a flush whose insert never arrived keeps its entries, although the driver says so in a bulk error without details', async () => {
  accountId = await accountWith(5n);
  const broken = new MongoNetworkError('the connection broke');
  jest
    .spyOn(Collection.prototype, 'insertMany')
    .mockRejectedValueOnce(new MongoBulkWriteError(broken, { insertedCount: 0 } as never));
  await expect(flushOutboxes([accountId], silent)).rejects.toThrow('the connection broke');
  expect((await accountNow(accountId)).outbox).toHaveLength(1);
  await expectSound(accountId);
  await flushOutboxes([accountId], silent);
  expect(await ledger().countDocuments({ accountId })).toBe(1);
});

test('on a line that passes writes and swallows their answers, the holds of before are held once after it is mended', async () => {
  accountId = await accountWith(20n);
  const { hostname, port } = new URL(stores.mongoUri);
  const proxy = await startTcpProxy({ host: hostname, port: Number(port) });
  const observer = new MongoClient(stores.mongoUri, { useBigInt64: true });
  await disconnectMongo();
  const options = { database: stores.database, poolMax: 5 };
  await connectMongo({ ...options, uri: `mongodb://127.0.0.1:${proxy.port}/?directConnection=true` });
  try {
    const writer = createAccountWriter();
    await writer.hold(holdOn(accountId));
    proxy.mute();
    const first = writer.hold(holdOn(accountId));
    // The first one's write is on its way when the others come.
    await turn();
    const pending = Promise.all([first, ...Array.from({ length: 29 }, () => writer.hold(holdOn(accountId)))]);
    await eventually(async () => {
      const seen = await observer
        .db(stores.database)
        .collection('accounts')
        .findOne({ _id: accountId as never });
      expect(seen?.open).toBe(2);
    });
    proxy.cut();
    proxy.mend();
    const outcomes = await pending;
    expect(outcomes.filter((outcome) => outcome.held)).toHaveLength(19);
    expect(await figures(accountId)).toMatchObject({ availableMicros: 0n, heldMicros: 20n * RUB, open: 20 });
    await expectSound(accountId);
  } finally {
    await observer.close();
    await disconnectMongo();
    await proxy.close();
    await connectMongo({ ...options, uri: stores.mongoUri });
  }
});
