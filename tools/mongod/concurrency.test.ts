import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  type ClientSession,
  type Collection,
  MongoBulkWriteError,
  type MongoClient,
  MongoServerError,
  UUID,
} from 'mongodb';
import { makeDbPath, removeDbPath, sendRaw, startServer, type TestServer } from './test-server.ts';

type Row = {
  _id: number | string;
  n?: bigint;
  balance?: bigint;
  count?: bigint;
  name?: string;
  key?: string;
  state?: string;
  rank?: number;
  entries?: number[];
};

let server: TestServer;
const dbPath = makeDbPath();

beforeAll(async () => {
  server = await startServer(dbPath);
});

afterAll(async () => {
  await server.stop();
  removeDbPath(dbPath);
});

function collection(name: string): Collection<Row> {
  return server.client.db('concurrency').collection<Row>(name);
}

function times<Result>(count: number, work: (index: number) => Promise<Result>): Promise<Result[]> {
  return Promise.all(Array.from({ length: count }, (_, index) => work(index)));
}

describe('many writers of one document', () => {
  test('of 500 guarded debits exactly those succeed that the balance covers', async () => {
    const rows = collection('debits');
    await rows.insertOne({ _id: 'a', balance: 3_000_000n });
    const results = await times(500, () =>
      rows.updateOne({ _id: 'a', balance: { $gte: 10_000n } }, { $inc: { balance: -10_000n } }),
    );
    expect(results.filter((result) => result.modifiedCount === 1)).toHaveLength(300);
    expect(await rows.findOne({ _id: 'a' })).toEqual({ _id: 'a', balance: 0n });
  });

  test('the same with pipeline updates through findOneAndUpdate, and each success is recorded once', async () => {
    const rows = collection('pipeline-debits');
    await rows.insertOne({ _id: 'a', balance: 100n, entries: [] });
    const debit = (index: number): Promise<unknown> =>
      rows.findOneAndUpdate({ _id: 'a', balance: { $gte: 1n } }, [
        { $set: { balance: { $add: ['$balance', -1n] }, entries: { $concatArrays: ['$entries', [index]] } } },
      ]);
    const results = await times(200, debit);
    expect(results.filter((found) => found !== null)).toHaveLength(100);
    const account = await rows.findOne({ _id: 'a' });
    expect(account?.balance).toBe(0n);
    expect(new Set(account?.entries).size).toBe(100);
  });

  test('the same when the filter has no _id', async () => {
    const rows = collection('indexed-debits');
    await rows.createIndex({ name: 1, balance: 1 });
    await rows.insertOne({ _id: 'a', name: 'n', balance: 60n });
    const results = await times(100, () =>
      rows.updateOne({ name: 'n', balance: { $gte: 1n } }, { $inc: { balance: -1n } }),
    );
    expect(results.filter((result) => result.modifiedCount === 1)).toHaveLength(60);
  });

  test('100 inserts of one unique value: one wins', async () => {
    const rows = collection('unique');
    await rows.createIndex({ key: 1 }, { unique: true });
    const results = await times(100, (index) =>
      rows.insertOne({ _id: index, key: 'k' }).catch((error: unknown) => error),
    );
    const losers = results.filter((result) => result instanceof MongoServerError && result.code === 11000);
    expect(losers).toHaveLength(99);
  });

  test('200 upserts of one unique key make one document with an exact count', async () => {
    const rows = collection('upserts');
    await rows.createIndex({ key: 1 }, { unique: true });
    await times(100, () => rows.updateOne({ key: 'k' }, { $inc: { count: 1n } }, { upsert: true }));
    await times(100, () => rows.findOneAndUpdate({ key: 'k' }, { $inc: { count: 1n } }, { upsert: true }));
    expect(await rows.find().project({ _id: 0 }).toArray()).toEqual([{ key: 'k', count: 200n }]);
  });

  test('150 jobs claimed by 200 workers: each job once', async () => {
    const rows = collection('jobs');
    await rows.createIndex({ state: 1, rank: 1 });
    await rows.insertMany(Array.from({ length: 150 }, (_, index) => ({ _id: index, state: 'new', rank: index })));
    const claimed = await times(200, () =>
      rows.findOneAndUpdate({ state: 'new' }, { $set: { state: 'taken' } }, { sort: { rank: 1 } }),
    );
    const ids = claimed.filter((job) => job !== null).map((job) => job._id);
    expect(new Set(ids).size).toBe(150);
    expect(ids).toHaveLength(150);
  });
});

describe('bulk writes that cross', () => {
  test('unordered bulks over the same documents in opposite orders all end, and every change counts', async () => {
    const rows = collection('crossing');
    const ids = Array.from({ length: 12 }, (_, index) => index);
    await rows.insertMany(ids.map((_id) => ({ _id, n: 0n })));
    const bulk = (index: number): Promise<unknown> => {
      const order = index % 2 === 0 ? ids : [...ids].reverse();
      return rows.bulkWrite(
        order.map((_id) => ({ updateOne: { filter: { _id }, update: [{ $set: { n: { $add: ['$n', 1n] } } }] } })),
        { ordered: false },
      );
    };
    await times(60, bulk);
    expect((await rows.find().toArray()).map((row) => row.n)).toEqual(ids.map(() => 60n));
  });

  test('the same when filters hide which documents they aim at, so that the database itself meets the deadlocks', async () => {
    const rows = collection('hidden-crossing');
    await rows.insertMany([1, 2, 3].map((_id) => ({ _id, name: `n${_id}`, n: 0n })));
    const bulk = (index: number): Promise<unknown> => {
      const byName = [1, 2, 3].map((id) => ({
        updateOne: { filter: { name: `n${id}` }, update: { $inc: { n: 1n } } },
      }));
      const byId = [3, 2, 1].map((_id) => ({ updateOne: { filter: { _id }, update: { $inc: { n: 1n } } } }));
      return rows.bulkWrite(index % 2 === 0 ? byName : byId, { ordered: index % 3 === 0 });
    };
    await times(40, bulk);
    expect((await rows.find().toArray()).map((row) => row.n)).toEqual([40n, 40n, 40n]);
  });

  test('unordered inserts of the same unique values in opposite orders all end, and each value is there once', async () => {
    const rows = collection('crossing-inserts');
    await rows.createIndex({ key: 1 }, { unique: true });
    const keys = Array.from({ length: 12 }, (_, index) => `k${index}`);
    const inserted = await times(40, async (index) => {
      const order = index % 2 === 0 ? keys : [...keys].reverse();
      const documents = order.map((key) => ({ _id: `${index}-${key}`, key }));
      try {
        return (await rows.insertMany(documents, { ordered: false })).insertedCount;
      } catch (error) {
        if (!(error instanceof MongoBulkWriteError)) throw error;
        return error.insertedCount;
      }
    });
    expect(inserted.reduce((sum, count) => sum + count, 0)).toBe(12);
    expect(new Set((await rows.find().toArray()).map((row) => row.key))).toEqual(new Set(keys));
    expect(await rows.countDocuments()).toBe(keys.length);
  });

  test('updateMany both ways round', async () => {
    const rows = collection('many');
    await rows.insertMany([
      { _id: 1, n: 0n },
      { _id: 2, n: 0n },
    ]);
    await times(40, (index) =>
      rows.updateMany({ _id: { $in: index % 2 === 0 ? [1, 2] : [2, 1] } }, { $inc: { n: 1n } }),
    );
    expect((await rows.find().toArray()).map((row) => row.n)).toEqual([40n, 40n]);
  });
});

describe('retryable writes', () => {
  let lastNumber = 1000n;

  /** Sends one command twice under one session and number, as a driver does after a broken connection. */
  async function sendTwice(command: object): Promise<Record<string, unknown>[]> {
    const numbered = { ...command, $db: 'concurrency', lsid: { id: new UUID() }, txnNumber: ++lastNumber };
    return [await sendRaw(server.port, numbered), await sendRaw(server.port, numbered)];
  }

  test('an update, a findAndModify, an insert and a bulk sent again are answered again and applied once', async () => {
    const rows = collection('retried');
    await rows.insertMany([
      { _id: 1, n: 0n },
      { _id: 2, n: 0n },
    ]);
    const one = await sendTwice({ update: 'retried', updates: [{ q: { _id: 1 }, u: { $inc: { n: 1n } } }] });
    expect(one[1]).toMatchObject({ n: 1, nModified: 1 });
    const modified = await sendTwice({
      findAndModify: 'retried',
      query: { _id: 1 },
      update: { $inc: { n: 10n } },
      new: true,
    });
    expect(modified[1]?.value).toEqual(modified[0]?.value);
    const many = await sendTwice({
      update: 'retried',
      ordered: false,
      updates: [1, 2].map((_id) => ({ q: { _id }, u: [{ $set: { n: { $add: ['$n', 100n] } } }] })),
    });
    expect(many[1]).toMatchObject({ n: 2, nModified: 2 });
    const inserted = await sendTwice({ insert: 'retried', documents: [{ _id: 3 }, { _id: 4 }] });
    expect(inserted[1]).toMatchObject({ n: 2 });
    expect(inserted[1]?.writeErrors).toBeUndefined();
    expect(await rows.find().sort({ _id: 1 }).toArray()).toEqual([
      { _id: 1, n: 111n },
      { _id: 2, n: 100n },
      { _id: 3 },
      { _id: 4 },
    ]);
  });
});

describe('transactions', () => {
  async function transfer(client: MongoClient, session: ClientSession, from: number, to: number): Promise<void> {
    const rows = client.db('concurrency').collection<Row>('transfers');
    await rows.updateOne({ _id: from }, { $inc: { n: -1n } }, { session });
    await rows.updateOne({ _id: to }, { $inc: { n: 1n } }, { session });
  }

  test('nothing is seen before the commit and everything after; an abort leaves nothing', async () => {
    const rows = collection('commit');
    await rows.insertOne({ _id: 0 });
    const session = server.client.startSession();
    session.startTransaction();
    await rows.insertOne({ _id: 1 }, { session });
    expect(await rows.countDocuments()).toBe(1);
    expect(await rows.countDocuments({}, { session })).toBe(2);
    await session.commitTransaction();
    expect(await rows.countDocuments()).toBe(2);
    session.startTransaction();
    await rows.deleteMany({}, { session });
    await session.abortTransaction();
    expect(await rows.countDocuments()).toBe(2);
    await session.endSession();
  });

  test('the second writer of a document gets a transient conflict, the first commits', async () => {
    const rows = collection('conflict');
    await rows.insertOne({ _id: 1, n: 0n });
    const first = server.client.startSession();
    const second = server.client.startSession();
    first.startTransaction();
    second.startTransaction();
    await rows.updateOne({ _id: 1 }, { $inc: { n: 1n } }, { session: first });
    const error: unknown = await rows
      .updateOne({ _id: 1 }, { $inc: { n: 10n } }, { session: second })
      .catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 112 });
    expect(error instanceof MongoServerError && error.hasErrorLabel('TransientTransactionError')).toBe(true);
    await first.commitTransaction();
    await second.abortTransaction();
    expect(await rows.findOne({ _id: 1 })).toEqual({ _id: 1, n: 1n });
    await Promise.all([first.endSession(), second.endSession()]);
  });

  test('50 concurrent transfers all complete and conserve the sum', async () => {
    const rows = collection('transfers');
    await rows.insertMany([0, 1, 2, 3].map((_id) => ({ _id, n: 100n })));
    await times(50, (index) =>
      server.client.withSession((session) =>
        session.withTransaction(() => transfer(server.client, session, index % 4, (index + 1) % 4)),
      ),
    );
    const all = await rows.find().toArray();
    expect(all.reduce((sum, row) => sum + (row.n ?? 0n), 0n)).toBe(400n);
    expect(all.map((row) => row.n)).toEqual([99n, 99n, 101n, 101n].map(() => expect.any(BigInt)));
  });

  test('a commit that is sent again is answered again; after an abort it is refused', async () => {
    const session = server.client.startSession();
    session.startTransaction();
    await collection('again').insertOne({ _id: 1 }, { session });
    await session.commitTransaction();
    await session.commitTransaction();
    expect(await collection('again').countDocuments()).toBe(1);
    await session.endSession();
  });

  test('a plain write waits for an open transaction and then applies', async () => {
    const rows = collection('waiting');
    await rows.insertOne({ _id: 1, n: 0n });
    const session = server.client.startSession();
    session.startTransaction();
    await rows.updateOne({ _id: 1 }, { $inc: { n: 1n } }, { session });
    const plain = rows.updateOne({ _id: 1 }, { $inc: { n: 10n } });
    expect(await rows.findOne({ _id: 1 })).toEqual({ _id: 1, n: 0n });
    await session.commitTransaction();
    await plain;
    expect(await rows.findOne({ _id: 1 })).toEqual({ _id: 1, n: 11n });
    await session.endSession();
  });
});
