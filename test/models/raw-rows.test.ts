import { beforeEach, describe, expect, test } from '@jest/globals';
import { BSON, type FindOptions } from 'mongodb';
import { LedgerEntry } from '../../src/models/ledger-entry.ts';
import { allFromRaw, fromRaw, type RawPage, readRaw } from '../../src/models/raw-rows.ts';
import { ledger } from '../helpers/invariants.ts';
import { useStores } from '../helpers/stores.ts';

/** Rows as bytes: all that a cursor would give, whether or not they fit into one answer. */

useStores();

const MEGABYTE = 1_024 * 1_024;

beforeEach(() => ledger().deleteMany({}));

async function store(count: number): Promise<void> {
  const rows = Array.from({ length: count }, (_, index) => ({
    _id: `row_${`${index}`.padStart(5, '0')}`,
    accountId: 'acc_1',
    seq: BigInt(index),
    amountMicros: 5n,
  }));
  await ledger().insertMany(rows as never, { bypassDocumentValidation: true });
}

async function bothWays(filter: object, page: RawPage = {}) {
  const raw = await readRaw(LedgerEntry, filter, page);
  return {
    raw: raw.map((row) => fromRaw(row)),
    rows: await ledger()
      .find(filter, page as FindOptions)
      .toArray(),
  };
}

describe('rows read as bytes are those of an ordinary read', () => {
  test('more of them than the first batch of a cursor has', async () => {
    await store(350);
    const { raw, rows } = await bothWays({ seq: { $gte: 20n } }, { sort: { _id: 1 } });
    expect(raw).toHaveLength(330);
    expect(raw).toEqual(rows);
  });

  test('with a limit, an order and some members only', async () => {
    await store(40);
    const page = { sort: { _id: -1 }, limit: 7, projection: { seq: 1 } };
    const { raw, rows } = await bothWays({ accountId: 'acc_1' }, page);
    expect(raw).toEqual(rows);
    expect(raw[0]).toEqual({ _id: 'row_00039', seq: 39n });
  });

  test('none', async () => {
    expect(await readRaw(LedgerEntry, { accountId: 'nobody' })).toEqual([]);
  });

  test('too large for one answer', async () => {
    const rows = ['a', 'b', 'c', 'd', 'e'].map((_id) => ({ _id, accountId: _id, text: _id.repeat(12 * MEGABYTE) }));
    for (const row of rows) await ledger().insertOne(row as never, { bypassDocumentValidation: true });
    const raw = await readRaw(LedgerEntry, {}, { sort: { _id: 1 } });
    expect(raw.map((row) => fromRaw<{ _id: string }>(row)._id)).toEqual(['a', 'b', 'c', 'd', 'e']);
  });
});

test('many of them become objects in order while others have their turn', async () => {
  const bytes = BSON.serialize({ _id: 'row', values: Array.from({ length: 500 }, (_, index) => `value ${index}`) });
  const raw = Array.from({ length: 500 }, () => bytes);
  let turns = 0;
  let other = setImmediate(function next() {
    turns++;
    other = setImmediate(next);
  });
  const rows = await allFromRaw(raw);
  clearImmediate(other);
  expect(rows).toEqual(raw.map((row) => fromRaw(row)));
  // 250 000 values: more than ten milliseconds on any machine.
  expect(turns).toBeGreaterThanOrEqual(5);
});

test('a read that the database refuses is told as every refused read', async () => {
  await expect(readRaw(LedgerEntry, { $nothing: 1 } as never)).rejects.toThrow(/nothing/);
});
