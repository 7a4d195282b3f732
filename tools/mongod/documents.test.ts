import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  Binary,
  BSONRegExp,
  type Collection,
  Decimal128,
  type Document,
  Double,
  Int32,
  Long,
  MongoServerError,
  ObjectId,
  Timestamp,
  UUID,
} from 'mongodb';
import { makeDbPath, removeDbPath, startServer, type TestServer } from './test-server.ts';

type Row = Document & { _id: number };

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
  return server.client.db('documents').collection<Row>(name);
}

async function errorOf(promise: Promise<unknown>): Promise<MongoServerError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof MongoServerError) return error;
    throw error;
  }
  throw new Error('it did not fail');
}

describe('values', () => {
  test('every type comes back as it was stored', async () => {
    const values = {
      int32: new Int32(7),
      double: new Double(7),
      long: 2n ** 62n,
      decimal: Decimal128.fromString('12345678901234567890.123456789'),
      date: new Date('2024-02-29T23:59:59.999Z'),
      id: new ObjectId(),
      uuid: new UUID(),
      bytes: new Binary(Buffer.from([0, 1, 255])),
      regex: new BSONRegExp('^a.b$', 'i'),
      stamp: new Timestamp({ t: 5, i: 6 }),
      nothing: null,
      text: 'žluťoučký \u0000 😀',
      nested: { list: [1, 'two', { three: [null] }] },
    };
    const rows = collection('types');
    await rows.insertOne({ _id: 1, ...values });
    const found = await rows.findOne({ _id: 1 }, { promoteValues: false, useBigInt64: false, bsonRegExp: true });
    expect(found?.int32).toEqual(new Int32(7));
    expect(found?.double).toEqual(new Double(7));
    expect(found?.decimal).toEqual(values.decimal);
    expect(found?.regex).toEqual(values.regex);
    expect(found?.stamp).toEqual(values.stamp);
    const plain = await rows.findOne({ _id: 1 });
    expect(plain).toMatchObject({
      long: 2n ** 62n,
      date: values.date,
      nothing: null,
      text: values.text,
      nested: values.nested,
    });
    expect(plain?.bytes).toEqual(values.bytes);
    expect(String(plain?.uuid)).toBe(String(values.uuid));
  });

  test('64-bit integers add exactly beyond 2^53, and an overflow is an error that changes nothing', async () => {
    const rows = collection('longs');
    const near = 2n ** 63n - 2n;
    await rows.insertOne({ _id: 1, micros: 9_007_199_254_740_993n, near });
    await rows.updateOne({ _id: 1 }, { $inc: { micros: 2n } });
    expect(await rows.findOne({ _id: 1 })).toMatchObject({ micros: 9_007_199_254_740_995n });
    const error = await errorOf(rows.updateOne({ _id: 1 }, { $inc: { near: 5n } }));
    expect(error.code).toBe(2);
    expect(await rows.findOne({ _id: 1 })).toMatchObject({ near });
  });

  test('a pipeline update keeps 64-bit integers and sees one $$NOW', async () => {
    const rows = collection('pipelines');
    await rows.insertOne({ _id: 1, balance: 5_000_000_000n, entries: [{ amount: 1n }] });
    const before = Date.now();
    const enough = { $gte: ['$balance', 3_000_000_000n] };
    const pipeline = [
      {
        $set: {
          balance: { $cond: [enough, { $add: ['$balance', -3_000_000_000n] }, '$balance'] },
          entries: { $concatArrays: ['$entries', { $cond: [enough, [{ amount: 3_000_000_000n, at: '$$NOW' }], []] }] },
          at: '$$NOW',
        },
      },
    ];
    const first = await rows.findOneAndUpdate({ _id: 1 }, pipeline, { returnDocument: 'after' });
    expect(first).toMatchObject({ balance: 2_000_000_000n, entries: [{ amount: 1n }, { amount: 3_000_000_000n }] });
    const at = first?.at as Date;
    expect(Math.abs(at.getTime() - before)).toBeLessThan(10_000);
    expect(first?.entries[1].at).toEqual(at);
    const second = await rows.findOneAndUpdate({ _id: 1 }, pipeline, { returnDocument: 'after' });
    expect(second).toMatchObject({ balance: 2_000_000_000n });
    expect(second?.entries).toHaveLength(2);
  });

  test('a document of 15 MB comes back, one over 16 MB is refused', async () => {
    const rows = collection('large');
    const text = 'x'.repeat(15 * 1024 * 1024);
    await rows.insertOne({ _id: 1, text });
    const found = await rows.findOne({ _id: 1 });
    expect(found?.text === text).toBe(true);
    await expect(rows.insertOne({ _id: 2, text: 'x'.repeat(17 * 1024 * 1024) })).rejects.toThrow();
  });
});

describe('cursors', () => {
  test('every document comes once over many batches, sorted or not', async () => {
    const rows = collection('cursor');
    await rows.insertMany(
      Array.from({ length: 3000 }, (_, index) => ({ _id: index, rank: (index * 7919) % 3000, text: 'x'.repeat(200) })),
    );
    const seen = new Set<unknown>();
    for await (const row of rows.find().batchSize(100)) seen.add(row._id);
    expect(seen.size).toBe(3000);
    const sorted = await rows.find().sort({ rank: 1 }).batchSize(70).toArray();
    expect(sorted.map((row) => row.rank)).toEqual(Array.from({ length: 3000 }, (_, index) => index));
    const groups = await rows
      .aggregate([{ $group: { _id: { $mod: ['$_id', 500] }, count: { $sum: 1 } } }], { batchSize: 50 })
      .toArray();
    expect(groups).toHaveLength(500);
    expect(groups.every((group) => group.count === 6)).toBe(true);
  });

  test('a cursor closed early is gone', async () => {
    const cursor = collection('cursor').find().batchSize(10);
    await cursor.next();
    const id = cursor.id;
    await cursor.close();
    const error = await errorOf(server.client.db('documents').command({ getMore: id, collection: 'cursor' }));
    expect(error.code).toBe(43);
  });

  test('explain tells the index, and how many documents were read when the query is run for it', async () => {
    const rows = collection('explained');
    await rows.insertMany(Array.from({ length: 30 }, (_, index) => ({ _id: index })));
    const query = rows.find({ _id: { $gte: 10 } }).limit(5);
    const run = await query.explain('executionStats');
    expect(JSON.stringify(run.queryPlanner)).toContain('"indexName":"_id_"');
    expect(run.executionStats.totalDocsExamined).toBe(5);
    expect((await query.explain('queryPlanner')).executionStats).toBeUndefined();
  });

  test('count without a filter is exact right after deletes', async () => {
    const rows = collection('counted');
    await rows.insertMany(Array.from({ length: 50 }, (_, index) => ({ _id: index })));
    await rows.deleteMany({ _id: { $lt: 20 } });
    expect(await rows.estimatedDocumentCount()).toBe(30);
    expect(await rows.countDocuments({ _id: { $gte: 45 } })).toBe(5);
  });
});

describe('write results', () => {
  test('an unordered bulkWrite counts what it did', async () => {
    const rows = collection('bulk');
    await rows.insertMany([{ _id: 1, n: 1n }, { _id: 2, n: 2n }, { _id: 3 }]);
    const result = await rows.bulkWrite(
      [
        { updateOne: { filter: { _id: 1 }, update: { $inc: { n: 10n } } } },
        { updateOne: { filter: { _id: 2, n: { $gte: 5n } }, update: { $inc: { n: 10n } } } },
        { updateOne: { filter: { _id: 4 }, update: [{ $set: { n: { $add: [1n, 2n] } } }], upsert: true } },
        { deleteOne: { filter: { _id: 3 } } },
        { insertOne: { document: { _id: 5 } } },
      ],
      { ordered: false, writeConcern: { w: 'majority' } },
    );
    expect(result).toMatchObject({
      matchedCount: 1,
      modifiedCount: 1,
      upsertedCount: 1,
      deletedCount: 1,
      insertedCount: 1,
      upsertedIds: { 2: 4 },
    });
    expect(await rows.find().sort({ _id: 1 }).toArray()).toEqual([
      { _id: 1, n: 11n },
      { _id: 2, n: 2n },
      { _id: 4, n: 3n },
      { _id: 5 },
    ]);
  });

  test('findOneAndUpdate that changes nothing still reports the document it found', async () => {
    const rows = collection('no-op');
    await rows.insertOne({ _id: 1, state: 'done' });
    const result = await rows.findOneAndUpdate(
      { _id: 1 },
      { $set: { state: 'done' } },
      { includeResultMetadata: true },
    );
    expect(result.lastErrorObject).toMatchObject({ n: 1, updatedExisting: true });
    expect(await rows.updateOne({ _id: 1 }, { $set: { state: 'done' } })).toMatchObject({
      matchedCount: 1,
      modifiedCount: 0,
    });
  });

  test('an unacknowledged write arrives', async () => {
    const rows = collection('silent');
    await rows.insertOne({ _id: 1 }, { writeConcern: { w: 0 } });
    for (let tries = 0; (await rows.countDocuments()) === 0 && tries < 100; tries++)
      await new Promise((resolve) => setTimeout(resolve, 10));
    expect(await rows.countDocuments()).toBe(1);
  });
});

describe('honest refusals', () => {
  test('what the engine cannot do is an error and not silence', async () => {
    const database = server.client.db('documents');
    const stream = collection('types').watch();
    await expect(stream.next()).rejects.toMatchObject({ code: 115 });
    await stream.close().catch(() => undefined);
    expect((await errorOf(database.createCollection('capped', { capped: true, size: 1000 }))).code).toBe(115);
    expect((await errorOf(database.command({ noSuchCommand: 1 }))).code).toBe(59);
    expect(
      (await errorOf(collection('types').createIndex({ a: 1 }, { collation: { locale: 'en', strength: 2 } }))).code,
    ).toBe(115);
  });

  test('the server says that it is not MongoDB', async () => {
    const info = await server.client.db('admin').command({ buildInfo: 1 });
    expect(info).toMatchObject({
      modules: ['documentdb'],
      documentdb: { extension: expect.any(String), postgres: expect.stringMatching(/^18/) },
    });
    expect(Long.isLong(info.bits)).toBe(false);
  });
});
