import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Collection, type Document, MongoBulkWriteError, MongoServerError } from 'mongodb';
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
  return server.client.db('constraints').collection<Row>(name);
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

describe('duplicate keys', () => {
  test('E11000 names index, pattern and value', async () => {
    const rows = collection('emails');
    await rows.createIndex({ email: 1 }, { unique: true });
    await rows.insertOne({ _id: 1, email: 'a@example.org' });
    const error = await errorOf(rows.insertOne({ _id: 2, email: 'a@example.org' }));
    expect(error).toMatchObject({ code: 11000, keyPattern: { email: 1 }, keyValue: { email: 'a@example.org' } });
    expect(error.message).toContain(
      'E11000 duplicate key error collection: constraints.emails index: email_1 dup key: { email: "a@example.org" }',
    );
    expect(await errorOf(rows.insertOne({ _id: 1 }))).toMatchObject({
      code: 11000,
      keyPattern: { _id: 1 },
      keyValue: { _id: 1 },
    });
    await rows.insertOne({ _id: 3, email: 'b@example.org' });
    const moved = await errorOf(rows.updateOne({ _id: 3 }, { $set: { email: 'a@example.org' } }));
    expect(moved).toMatchObject({ code: 11000, keyValue: { email: 'a@example.org' } });
    const claimed = await errorOf(rows.findOneAndUpdate({ _id: 3 }, { $set: { email: 'a@example.org' } }));
    expect(claimed).toMatchObject({ code: 11000, keyPattern: { email: 1 }, keyValue: { email: 'a@example.org' } });
    expect(claimed.message).toContain('index: email_1');
  });

  test('an unordered insertMany stores all the others and lists each duplicate by its index', async () => {
    const rows = collection('many');
    await rows.insertMany([{ _id: 2 }, { _id: 4 }]);
    const error: unknown = await rows
      .insertMany(
        [1, 2, 3, 4, 5].map((_id) => ({ _id })),
        { ordered: false },
      )
      .catch((caught: unknown) => caught);
    if (!(error instanceof MongoBulkWriteError)) throw new Error('no bulk write error');
    expect(error.insertedCount).toBe(3);
    const failures = [error.writeErrors]
      .flat()
      .map((failure) => [failure.index, failure.code, failure.errmsg?.includes('dup key')]);
    expect(failures).toEqual([
      [1, 11000, true],
      [3, 11000, true],
    ]);
    expect(await rows.countDocuments()).toBe(5);
  });

  test('an ordered insertMany stops at the first duplicate', async () => {
    const rows = collection('ordered');
    await rows.insertOne({ _id: 2 });
    await rows.insertMany([{ _id: 1 }, { _id: 2 }, { _id: 3 }]).catch(() => undefined);
    expect((await rows.find().sort({ _id: 1 }).toArray()).map((row) => row._id)).toEqual([1, 2]);
  });

  test('a partial unique index binds only the documents it covers', async () => {
    const rows = collection('partial');
    await rows.createIndex({ account: 1 }, { unique: true, partialFilterExpression: { open: true } });
    await rows.insertMany([
      { _id: 1, account: 'a', open: false },
      { _id: 2, account: 'a', open: false },
      { _id: 3, account: 'a', open: true },
    ]);
    const error = await errorOf(rows.insertOne({ _id: 4, account: 'a', open: true }));
    expect(error).toMatchObject({ code: 11000, keyValue: { account: 'a' } });
    expect((await errorOf(rows.updateOne({ _id: 1 }, { $set: { open: true } }))).code).toBe(11000);
    const byType = collection('partial-type');
    await byType.createIndex({ key: 1 }, { unique: true, partialFilterExpression: { key: { $type: 'string' } } });
    await byType.insertMany([{ _id: 1 }, { _id: 2 }, { _id: 3, key: 'k' }]);
    expect((await errorOf(byType.insertOne({ _id: 4, key: 'k' }))).code).toBe(11000);
  });
});

describe('validators', () => {
  const schema = (minimum: number): object => ({
    $jsonSchema: {
      required: ['balance'],
      properties: { balance: { bsonType: 'long', minimum }, tries: { bsonType: 'int', minimum: 0 } },
    },
  });

  test('a document against the schema is refused with 121, however it is written', async () => {
    await server.client
      .db('constraints')
      .createCollection('accounts', { validator: schema(0), validationLevel: 'strict', validationAction: 'error' });
    const rows = collection('accounts');
    await rows.insertOne({ _id: 1, balance: 10n, tries: 0 });
    expect((await errorOf(rows.insertOne({ _id: 2, balance: 10 }))).code).toBe(121);
    expect((await errorOf(rows.insertOne({ _id: 2 }))).code).toBe(121);
    expect((await errorOf(rows.insertOne({ _id: 2, balance: 1n, tries: 1n }))).code).toBe(121);
    expect((await errorOf(rows.updateOne({ _id: 1 }, { $inc: { balance: -11n } }))).code).toBe(121);
    expect(
      (await errorOf(rows.updateOne({ _id: 1 }, [{ $set: { balance: { $subtract: ['$balance', 11n] } } }]))).code,
    ).toBe(121);
    expect((await errorOf(rows.findOneAndUpdate({ _id: 1 }, { $inc: { balance: -11n } }))).code).toBe(121);
    expect((await errorOf(rows.findOneAndUpdate({ _id: 9 }, { $set: { balance: -1n } }, { upsert: true }))).code).toBe(
      121,
    );
    const bulk: unknown = await rows
      .bulkWrite(
        [
          { updateOne: { filter: { _id: 1 }, update: { $inc: { balance: -11n } } } },
          { updateOne: { filter: { _id: 1 }, update: { $inc: { balance: -4n } } } },
        ],
        { ordered: false },
      )
      .catch((error: unknown) => error);
    expect(bulk).toMatchObject({ code: 121, result: { modifiedCount: 1 } });
    expect(await rows.find().toArray()).toEqual([{ _id: 1, balance: 6n, tries: 0 }]);
  });

  test('collMod changes the schema', async () => {
    await server.client
      .db('constraints')
      .command({ collMod: 'accounts', validator: schema(5), validationLevel: 'strict' });
    const rows = collection('accounts');
    expect((await errorOf(rows.updateOne({ _id: 1 }, { $set: { balance: 4n } }))).code).toBe(121);
    await rows.updateOne({ _id: 1 }, { $set: { balance: 5n } });
  });
});
