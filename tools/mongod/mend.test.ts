import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Document } from 'mongodb';
import { makeDbPath, removeDbPath, startServer, type TestServer } from './test-server.ts';

type Row = Document & { _id: number };
type Unit = 'day' | 'week' | 'month' | 'quarter' | 'year';

const UNITS: readonly Unit[] = ['day', 'week', 'month', 'quarter', 'year'];
const DAY_MS = 86_400_000;
const dbPath = makeDbPath();
let server: TestServer;

beforeAll(async () => {
  server = await startServer(dbPath);
});

afterAll(async () => {
  await server.stop();
  removeDbPath(dbPath);
});

/** Dates from 1971 to 2060, always the same ones. */
function someDates(count: number): Date[] {
  let state = 42;
  return Array.from({ length: count }, () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return new Date(((state / 2 ** 31) * 89 + 1) * 365.25 * DAY_MS);
  });
}

/** The clock on the wall in the zone, as if it were UTC. */
function wallClock(date: Date, timeZone: string): Date {
  const fields = {
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  } as const;
  const parts = new Intl.DateTimeFormat('en-US', { timeZone, hourCycle: 'h23', ...fields }).formatToParts(date);
  const part = (type: string): number => Number(parts.find((found) => found.type === type)?.value);
  return new Date(Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'), part('second')));
}

/** The moment when the zone's clock shows this. */
function momentOf(wall: Date, timeZone: string): Date {
  const first = new Date(2 * wall.getTime() - wallClock(wall, timeZone).getTime());
  return new Date(first.getTime() + wall.getTime() - wallClock(first, timeZone).getTime());
}

function truncated(date: Date, unit: Unit, timeZone: string): Date {
  const wall = wallClock(date, timeZone);
  const [year, month, day] = [wall.getUTCFullYear(), wall.getUTCMonth(), wall.getUTCDate()];
  const starts: Record<Unit, number> = {
    day: Date.UTC(year, month, day),
    week: Date.UTC(year, month, day - ((wall.getUTCDay() + 6) % 7)),
    month: Date.UTC(year, month),
    quarter: Date.UTC(year, month - (month % 3)),
    year: Date.UTC(year, 0),
  };
  return momentOf(new Date(starts[unit]), timeZone);
}

test('$dateTrunc by day, week, month, quarter and year is right, in UTC and in zones', async () => {
  const rows = server.client.db('mend').collection<Row>('dates');
  const dates = someDates(150);
  await rows.insertMany(dates.map((at, _id) => ({ _id, at })));
  for (const timezone of ['UTC', 'Europe/Moscow', 'Europe/Prague']) {
    const fields = UNITS.map((unit) => [unit, { $dateTrunc: { date: '$at', unit, timezone, startOfWeek: 'monday' } }]);
    const found = await rows.aggregate([{ $sort: { _id: 1 } }, { $project: Object.fromEntries(fields) }]).toArray();
    const expected = dates.map((at, _id) => ({
      _id,
      ...Object.fromEntries(UNITS.map((unit) => [unit, truncated(at, unit, timezone)])),
    }));
    expect(found).toEqual(expected);
  }
});

test('$dateTrunc by several units counts from January 2000', async () => {
  const rows = server.client.db('mend').collection<Row>('bins');
  await rows.insertOne({ _id: 1, at: new Date('2024-08-15T12:00:00Z') });
  const trunc = (unit: string, binSize: number): Document => ({ $dateTrunc: { date: '$at', unit, binSize } });
  const [found] = await rows
    .aggregate([{ $project: { months: trunc('month', 5), days: trunc('day', 7), hours: trunc('hour', 5) } }])
    .toArray();
  // 295 months and 8993 days after 2000-01-01: 59 and 1284 whole bins.
  expect(found).toMatchObject({
    months: new Date('2024-08-01T00:00:00Z'),
    days: new Date(Date.UTC(2000, 0, 1 + 1284 * 7)),
  });
});

test('$dateAdd and $dateSubtract in a zone keep the wall clock over a clock change', async () => {
  const rows = server.client.db('mend').collection<Row>('shifts');
  await rows.insertOne({ _id: 1, spring: new Date('2024-03-30T11:00:00Z'), autumn: new Date('2024-10-27T11:00:00Z') });
  const zone = { unit: 'day', amount: 1, timezone: 'Europe/Prague' };
  const [found] = await rows
    .aggregate([
      {
        $project: {
          later: { $dateAdd: { startDate: '$spring', ...zone } },
          earlier: { $dateSubtract: { startDate: '$autumn', ...zone } },
        },
      },
    ])
    .toArray();
  expect(found).toEqual({ _id: 1, later: new Date('2024-03-31T10:00:00Z'), earlier: new Date('2024-10-26T10:00:00Z') });
});

test('buckets come in order, and $push keeps the order of a sort before the group', async () => {
  const rows = server.client.db('mend').collection<Row>('groups');
  await rows.insertMany(
    Array.from({ length: 300 }, (_, index) => ({ _id: index, kind: index % 3, rank: (index * 7919) % 300 })),
  );
  const buckets = await rows
    .aggregate([{ $bucket: { groupBy: '$rank', boundaries: [0, 50, 100, 200, 300] } }])
    .toArray();
  expect(buckets.map((bucket) => [bucket._id, bucket.count])).toEqual(
    [
      [0, 50],
      [50, 50],
      [100, 100],
      [200, 100],
    ].map(([start, count]) => [start, count]),
  );
  const groups = await rows
    .aggregate([{ $sort: { rank: 1 } }, { $group: { _id: '$kind', ranks: { $push: '$rank' } } }])
    .toArray();
  for (const group of groups) expect(group.ranks).toEqual([...group.ranks].sort((a: number, b: number) => a - b));
});
