import { beforeAll, expect, it } from '@jest/globals';
import mongoose from 'mongoose';
import { newId } from '../../src/ids.ts';
import { nativeCollection } from '../../src/models/connect.ts';
import { AccountRollup, Rollup } from '../../src/models/rollup.ts';
import { RollupWalk, type RollupWalkDocument } from '../../src/models/rollup-walk.ts';
import { applyBatch } from '../../src/rollups/apply-batch.ts';
import { HOUR_MS, hourOf, hourRange } from '../../src/rollups/hour.ts';
import { latencyClass, percentileMs } from '../../src/rollups/latency.ts';
import { countedUpTo, readHours, sumOf, topAccounts, topModels } from '../../src/rollups/read-rollups.ts';
import { useStores } from '../helpers/stores.ts';

/** What charts are drawn from. */

useStores();

const NOW_MS = Date.UTC(2026, 10, 20, 12, 30);
const HOURS = 200;
const ACCOUNTS = Array.from({ length: 20 }, () => newId('acc'));

beforeAll(async () => {
  const increments = Array.from({ length: HOURS }, (_, back) => {
    const hour = hourOf(NOW_MS - back * HOUR_MS);
    const by = (requests: bigint) => [
      { path: 'requests', value: requests },
      { path: 'revenueMicros', value: 1_000n - requests },
    ];
    return [
      { kind: 'total' as const, key: '', hour, by: by(3n) },
      { kind: 'model' as const, key: 'small', hour, by: by(1n) },
      { kind: 'model' as const, key: 'large', hour, by: by(2n) },
      ...ACCOUNTS.map((key, index) => ({ kind: 'account' as const, key, hour, by: by(BigInt(index + 1)) })),
    ];
  });
  await applyBatch(1, { increments: increments.flat() });
});

it('gives the last hours with the present one, and their sum', async () => {
  const day = await readHours('total', 24, NOW_MS);
  expect(day.map(({ hour }) => hour.getTime())).toEqual(
    Array.from({ length: 24 }, (_, index) => hourOf(NOW_MS).getTime() - (23 - index) * HOUR_MS),
  );
  expect(sumOf(day)).toMatchObject({ requests: 72n, revenueMicros: 24n * 997n });
});

it('ranks models and accounts by what is asked', async () => {
  const given = { hours: 24, max: 2, nowMs: NOW_MS };
  expect(await topModels({ ...given, by: 'requests' })).toEqual([
    { key: 'large', requests: 48n, revenueMicros: 24n * 998n },
    { key: 'small', requests: 24n, revenueMicros: 24n * 999n },
  ]);
  const accounts = await topAccounts({ ...given, by: 'revenueMicros' });
  expect(accounts.map(({ key }) => key)).toEqual(ACCOUNTS.slice(0, 2));
});

it('reads by index only', async () => {
  const collections = { rollups: nativeCollection(Rollup), accounts: nativeCollection(AccountRollup) };
  const hour = { $gte: hourOf(NOW_MS - 24 * HOUR_MS) };
  const plans = await Promise.all([
    collections.rollups.find({ kind: 'total', hour }).explain('queryPlanner'),
    collections.rollups.aggregate([{ $match: { kind: 'model', hour } }]).explain('queryPlanner'),
    collections.accounts.find({ _id: hourRange(NOW_MS, 24) as never }).explain('queryPlanner'),
  ]);
  for (const plan of plans) expect(JSON.stringify(plan)).not.toMatch(/COLLSCAN|Seq Scan/);
});

it('tells up to when everything was counted, a minute before the walk had nothing left', async () => {
  expect(await countedUpTo()).toBeUndefined();
  const walk = { _id: 'requests', batch: 1, position: '', waiting: [], closedUpTo: hourOf(NOW_MS) } as const;
  await mongoose.connection
    .collection<RollupWalkDocument>(RollupWalk.collection.collectionName)
    .insertOne({ ...walk, waiting: [], caughtUpAt: new Date(NOW_MS) });
  expect(await countedUpTo()).toEqual(new Date(NOW_MS - 60_000));
});

it('reads percentiles off the classes of latencies', () => {
  expect([0, 50, 51, 600_000, 600_001].map(latencyClass)).toEqual(['ms50', 'ms50', 'ms100', 'ms600000', 'more']);
  expect(percentileMs({}, 0.5)).toBeUndefined();
  expect(percentileMs({ ms100: 10n }, 0.5)).toBe(75);
  expect(percentileMs({ ms100: 90n, ms1000: 10n }, 0.95)).toBe(875);
  expect(percentileMs({ more: 1n }, 0.5)).toBe(600_000);
});
