import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Collection, type Document, Long } from 'mongodb';
import { makeDbPath, removeDbPath, startServer, type TestServer } from './test-server.ts';

/** Rows that are read in the order of an index: as few as are asked for, and the same as without the index. */

type Row = Document & { _id: string };

const ROWS = 400;
const OWNERS = ['ann', 'bob', 'cid', 'dan'];
const PAGES = [
  [0, 20],
  [13, 7],
  [95, 20],
  [ROWS, 20],
] as const;

let server: TestServer;
const dbPath = makeDbPath();

/** A row of each kind of value that may be met where the index has its second member: equal ones, none, null. */
function row(n: number): Row {
  const at = [{ at: Long.fromNumber(n % 37) }, { at: n % 11 }, { at: null }, {}, { at: `t${n % 5}` }][n % 5];
  const spread = String(Math.floor(((n * Math.SQRT2) % 1) * 1e9)).padStart(9, '0');
  return { _id: `row_${spread}_${n}`, owner: OWNERS[Math.floor(((n * Math.E) % 1) ** 2 * 4)], kind: n % 3, ...at };
}

function rows(name: 'indexed' | 'plain'): Collection<Row> {
  return server.client.db('order').collection<Row>(name);
}

beforeAll(async () => {
  server = await startServer(dbPath);
  await rows('indexed').createIndex({ owner: 1, _id: -1 });
  await rows('indexed').createIndex({ owner: 1, at: 1 });
  for (const some of [rows('indexed'), rows('plain')]) {
    await some.insertMany(Array.from({ length: ROWS }, (_, n) => row(n)));
    // Entries of the index that are no longer true, and some that are true again.
    await some.updateMany({ kind: 1 }, [{ $set: { owner: { $cond: [{ $eq: ['$owner', 'ann'] }, 'bob', 'ann'] } } }]);
    await some.deleteMany({ _id: { $regex: '_\\d*[37]$' } });
    await some.insertMany(Array.from({ length: ROWS / 10 }, (_, n) => row(n * 10 + 3)));
  }
});

afterAll(async () => {
  await server.stop();
  removeDbPath(dbPath);
});

describe('in the order of an index', () => {
  const edge = row(77)._id;
  const filters: [string, Document][] = [
    ['one owner', { owner: 'ann' }],
    ['an owner of few', { owner: 'dan' }],
    ['nobody', { owner: 'eve' }],
    ['one owner from an id on', { owner: 'bob', _id: { $gte: edge } }],
    ['one owner between ids', { owner: 'ann', _id: { $gt: 'row_2', $lt: edge } }],
    ['one owner with a member of no index', { owner: 'ann', kind: 2 }],
    ['one owner between values', { owner: 'ann', at: { $gte: 3, $lt: 20 } }],
    ['several owners', { owner: { $in: ['bob', 'cid', 'eve'] } }],
    ['whoever', {}],
  ];
  const orders: [string, Document][] = [
    ['ids', { _id: 1 }],
    ['ids downwards', { _id: -1 }],
    ['values', { at: 1, _id: 1 }],
    ['values downwards', { at: -1, _id: -1 }],
    ['owners and ids', { owner: 1, _id: -1 }],
  ];

  test.each(filters.flatMap(([what, filter]) => orders.map(([how, order]) => [what, how, filter, order] as const)))(
    'pages of %s by %s are those that are read without it',
    async (_what, _how, filter, order) => {
      for (const [skip, limit] of PAGES) {
        const pipeline = [{ $match: filter }, { $sort: order }, { $skip: skip }, { $limit: limit }];
        const [read, expected] = await Promise.all(
          (['indexed', 'plain'] as const).map((name) => rows(name).aggregate(pipeline).toArray()),
        );
        expect(read).toEqual(expected);
      }
    },
  );

  // Of so few rows the planner takes any index for an order of ids alone, so the owner is named in it.
  test.each([
    ['ids', { owner: -1, _id: 1 }],
    ['ids downwards', { owner: 1, _id: -1 }],
    ['values', { at: 1 }],
    ['values downwards', { at: -1 }],
  ] as const)('by %s no more rows are read than are asked for', async (_how, order) => {
    const query = rows('indexed').find({ owner: 'ann' }).sort(order);
    const { executionStats } = await query.skip(5).limit(20).explain('executionStats');
    expect(executionStats.totalDocsExamined).toBe(25);
  });
});
