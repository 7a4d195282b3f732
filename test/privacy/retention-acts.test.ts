import { beforeEach, describe, expect, test } from '@jest/globals';
import { newId } from '../../src/ids.ts';
import { nativeCollection } from '../../src/models/connect.ts';
import { DestructionAct, DestructionEvent } from '../../src/models/destruction.ts';
import { RetentionClass } from '../../src/models/retention-class.ts';
import { RetentionRun } from '../../src/models/retention-run.ts';
import { brokenActs } from '../../src/privacy/destruction-acts.ts';
import { useStores } from '../helpers/stores.ts';
import { daysAgo, noRows, oldRequest, runOnce } from './old-rows.ts';

/** Acts of destruction that runs of the retention leave. */

useStores();
const accountId = newId('acc');

beforeEach(noRows);

describe('what confirms a destruction', () => {
  test('is one act for each run that destroyed something, numbered without gaps, hash-chained, with its events', async () => {
    await oldRequest(31, { accountId });
    await oldRequest(32, { accountId: newId('acc') });
    const [first, idle] = [await runOnce(), await runOnce()];
    await oldRequest(33, { accountId });
    await nativeCollection(RetentionClass).deleteMany({});
    const third = await runOnce();
    expect([first.actNumber, idle.actNumber, third.actNumber]).toEqual([1, undefined, 2]);
    const [one, two] = await nativeCollection<{ _id: number; hash: string; previousHash: string }>(DestructionAct)
      .find()
      .sort({ _id: 1 })
      .toArray();
    expect(one).toMatchObject({
      causeId: first._id,
      reason: expect.stringContaining('152-FZ'),
      categories: [{ classId: 'request.content', category: 'тексты запросов и ответов', count: 2 }],
      subjects: 2,
      events: 1,
      unconfirmed: 0,
    });
    expect(two).toMatchObject({ previousHash: one?.hash, accountId });
    expect(await brokenActs()).toEqual([]);
  });

  test('shows an act that was changed, or is missing', async () => {
    for (const days of [31, 32, 33, 34]) {
      await nativeCollection(RetentionClass).deleteMany({});
      await oldRequest(days, { accountId });
      await runOnce();
    }
    const acts = nativeCollection<{ _id: number }>(DestructionAct);
    await acts.updateOne({ _id: 2 }, { $set: { subjects: 0 } });
    expect(await brokenActs()).toEqual([2]);
    await acts.deleteOne({ _id: 3 });
    expect(await brokenActs()).toEqual([2, 4]);
  });

  test('is drawn also for a run whose process died', async () => {
    const at = daysAgo(1);
    const dead = {
      _id: newId('ret'),
      trigger: 'schedule',
      by: 'schedule',
      state: 'running',
      startedAt: at,
      aliveAt: at,
      classes: [],
    };
    await nativeCollection(RetentionRun).insertOne(dead as never);
    const event = {
      causeId: dead._id,
      classId: 'delivery',
      at,
      subjects: [{ accountId, rows: 3 }],
      count: 0,
      isConfirmed: false,
    };
    await nativeCollection(DestructionEvent).insertOne({ _id: newId('des'), ...event } as never);
    await runOnce();
    expect(await nativeCollection(RetentionRun).findOne({ _id: dead._id } as never)).toMatchObject({
      state: 'stopped',
      actNumber: 1,
    });
    expect(await nativeCollection(DestructionAct).findOne({ causeId: dead._id })).toMatchObject({ unconfirmed: 1 });
  });
});
