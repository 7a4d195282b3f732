import { beforeEach, describe, expect, test } from '@jest/globals';
import { createAccount } from '../../src/billing/credit.ts';
import type { AppError } from '../../src/errors.ts';
import { newId } from '../../src/ids.ts';
import { ApiKey, type ApiKeyDocument } from '../../src/models/api-key.ts';
import { nativeCollection } from '../../src/models/connect.ts';
import { Delivery } from '../../src/models/delivery.ts';
import { LegalHold } from '../../src/models/legal-hold.ts';
import type { RequestDocument } from '../../src/models/request.ts';
import { type ClassId, RetentionClass } from '../../src/models/retention-class.ts';
import type { RetentionRunDocument } from '../../src/models/retention-run.ts';
import { rowsOf } from '../../src/privacy/class-rows.ts';
import { releaseLegalHold, setLegalHold } from '../../src/privacy/legal-holds.ts';
import { countPast, pastFilter } from '../../src/privacy/purge-class.ts';
import { previewRetention } from '../../src/privacy/retention.ts';
import { changeRetention, cutoff, type Preview, readPreview } from '../../src/privacy/retention-settings.ts';
import { ROW_CLASSES, rowClass } from '../../src/privacy/row-classes.ts';
import { requests } from '../helpers/invariants.ts';
import { useStores } from '../helpers/stores.ts';
import { daysAgo, noRows, oldRequest, runOnce as run } from './old-rows.ts';

useStores();
const running = new AbortController().signal;
const accountId = newId('acc');

beforeEach(noRows);

const request = (days: number, row: Partial<RequestDocument> = {}) => oldRequest(days, { accountId, ...row });
const of = (report: RetentionRunDocument, classId: ClassId) => report.classes.find((one) => one.classId === classId);

const holdsContent = async (_id: string) => (await requests().findOne({ _id }))?.input !== undefined;

async function key(revokedDaysAgo?: number): Promise<string> {
  const _id = newId('key');
  const revoked = revokedDaysAgo === undefined ? {} : { revokedAt: daysAgo(revokedDaysAgo) };
  const secrets = { digest: _id, webhook: { url: Buffer.from('u'), secrets: [Buffer.from('s')] } };
  await nativeCollection<ApiKeyDocument>(ApiKey).insertOne({
    _id,
    accountId,
    label: 'l',
    ...secrets,
    ...revoked,
  } as ApiKeyDocument);
  return _id;
}

describe('a run of the retention', () => {
  test('removes each class past its own term, from the moment its term counts from', async () => {
    const [old, young] = [await request(31), await request(29)];
    const [active, fresh, spent, gone] = [await key(), await key(2), await key(8), await key(366)];
    const event = (days: number, state: string) => ({
      _id: newId('evt', daysAgo(days).getTime()),
      requestId: 'r',
      accountId,
      state,
    });
    await nativeCollection(Delivery).insertMany([
      event(91, 'delivered'),
      event(91, 'pending'),
      event(89, 'failed'),
    ] as never[]);

    const report = await run();
    expect(report).toMatchObject({ state: 'done', trigger: 'manual', by: 'a test', endedAt: expect.any(Date) });
    expect([await holdsContent(old), await holdsContent(young)]).toEqual([false, true]);
    const keys = await nativeCollection<ApiKeyDocument>(ApiKey).find().sort({ _id: 1 }).toArray();
    const kept = keys.map(({ _id, digest, webhook }): [string, unknown[]] => [
      _id,
      [digest === _id, webhook.secrets.length, webhook.url !== undefined],
    ]);
    expect(new Map(kept)).toEqual(
      new Map([
        [active, [true, 1, true]],
        [fresh, [true, 1, true]],
        [spent, [false, 0, false]],
      ]),
    );
    expect(keys.map(({ _id }) => _id)).not.toContain(gone);
    expect(of(report, 'delivery')?.removed).toBe(1);
    expect(
      (await nativeCollection<{ state: string }>(Delivery).find().toArray()).map(({ state }) => state).sort(),
    ).toEqual(['failed', 'pending']);
    expect(of(await run(), 'request.content')?.removed).toBe(0);
  });

  test('deletes usage records five full years after their Moscow year, and never earlier', async () => {
    const row = rowClass('request.usage');
    expect(cutoff(row, 5, Date.parse('2032-01-01T00:00:00+03:00') - 1)).toEqual(new Date('2026-01-01T00:00:00+03:00'));
    expect(cutoff(row, 5, Date.parse('2032-01-01T00:00:00+03:00'))).toEqual(new Date('2027-01-01T00:00:00+03:00'));
    const lastOf2026 = newId('req', Date.parse('2026-12-31T23:59:59+03:00'));
    await requests().insertOne({
      _id: lastOf2026,
      accountId,
      keyId: 'k',
      state: 'done',
      settled: true,
      attempt: 1,
      holdMicros: 1n,
    } as RequestDocument);
    await run(running, Date.parse('2031-12-31T23:00:00+03:00'));
    expect(await requests().countDocuments({ _id: lastOf2026 })).toBe(1);
    await run(running, Date.parse('2032-01-01T03:00:00+03:00'));
    expect(await requests().countDocuments({ _id: lastOf2026 })).toBe(0);
  });

  test('leaves what is under a legal hold, whatever its age, and takes it once the hold is released', async () => {
    const [held, other] = [await request(40), await request(40, { accountId: newId('acc') })];
    await createAccount(accountId);
    const { _id: holdId } = await setLegalHold({ accountId, norm: 'GPK art. 57', by: 'lawyer' });
    expect(of(await run(), 'request.content')).toMatchObject({ removed: 1, held: 1, outcome: 'done' });
    expect([await holdsContent(held), await holdsContent(other)]).toEqual([true, false]);
    await releaseLegalHold(holdId, 'lawyer');
    expect(of(await run(), 'request.content')).toMatchObject({ removed: 1, held: 0 });
    expect(await holdsContent(held)).toBe(false);
  });

  test('refuses a setting outside the bounds, and does the other classes all the same', async () => {
    const id = await request(31);
    await nativeCollection<{ _id: ClassId }>(RetentionClass).insertOne({ _id: 'request.usage', value: 1 } as never);
    const report = await run();
    expect(report.state).toBe('failed');
    expect(of(report, 'request.usage')).toMatchObject({ outcome: 'refused', removed: 0 });
    expect(await holdsContent(id)).toBe(false);
    expect(await requests().countDocuments({ _id: id })).toBe(1);
  });

  test('stops between batches when told, says so, and the next one goes on without reading the purged again', async () => {
    await Promise.all([...Array(3)].map(() => request(50)));
    const stopped = await run(AbortSignal.abort());
    expect(stopped.state).toBe('stopped');
    expect(of(await run(), 'request.content')?.removed).toBe(3);
    const { purge } = rowClass('request.content');
    const { doneUpTo = '' } =
      (await nativeCollection<{ _id: ClassId; doneUpTo?: string }>(RetentionClass).findOne({
        _id: 'request.content',
      })) ?? {};
    expect(doneUpTo > newId('req', daysAgo(31).getTime())).toBe(true);
    if (!purge) throw new Error('not purged');
    expect(await countPast(rowClass('request.content'), daysAgo(30))).toBe(0);
  });

  test('does not pass over a row that is not finished yet', async () => {
    const late = await request(40, { settled: false });
    await request(35);
    expect(of(await run(), 'request.content')?.removed).toBe(1);
    await requests().updateOne({ _id: late }, { $set: { settled: true } });
    expect(of(await run(), 'request.content')?.removed).toBe(1);
    expect(await holdsContent(late)).toBe(false);
  });

  test.each(ROW_CLASSES.filter(({ purge }) => purge).map((row) => [row.id, row] as const))(
    'meets rows of %s in the order of an index that it has',
    async (_id, row) => {
      const { purge } = row;
      if (!purge) throw new Error('not purged');
      const indexes = await rowsOf(row).indexes();
      expect(indexes.map(({ key: fields }) => Object.keys(fields)[0])).toContain(purge.by.field);
      const after = purge.by.field === '_id' ? '' : new Date(0);
      const plan = await rowsOf(row)
        .find(pastFilter(purge, after, new Date()) as never)
        .sort({ [purge.by.field]: 1 })
        .limit(500)
        .explain('queryPlanner');
      expect(JSON.stringify(plan)).not.toMatch(/COLLSCAN|Seq Scan/);
    },
  );
});

describe('a setting', () => {
  const row = rowClass('request.content');
  const change = (value: number, preview?: Preview) => changeRetention({ row, value, by: 'staff', preview }, {});

  test('is refused outside what the law and the policy allow', async () => {
    await expect(change(91)).rejects.toThrow('0 to 90 days');
    await expect(changeRetention({ row: rowClass('request.usage'), value: 4, by: 'staff' }, {})).rejects.toThrow(
      '5 to 10 years',
    );
    await expect(changeRetention({ row, value: Number.NaN, by: 'staff' }, {})).rejects.toThrow('0 to 90 days');
  });

  test('is followed by the next run; a shorter term only by somebody who has seen how many rows go', async () => {
    const id = await request(10);
    const refusal = (await change(7).catch((error: unknown) => error)) as AppError;
    expect(refusal).toMatchObject({ param: 'preview', message: expect.stringContaining('would remove 1 rows') });
    const seen = readPreview(String(refusal.details.preview));
    if (!seen) throw new Error('no preview');
    const hours = 3_600_000;
    for (const other of [
      { rows: 0 },
      { at: new Date(seen.at.getTime() - 2 * hours) },
      { at: new Date(Date.now() + hours) },
    ])
      await expect(change(7, { ...seen, ...other })).rejects.toThrow('would remove 1 rows');
    // What grows past the term after the preview is no part of it: on a busy service there is always something.
    const late = await request(7);
    await change(7, seen);
    await requests().deleteOne({ _id: late });
    expect((await previewRetention(Date.now(), {})).find(({ classId }) => classId === row.id)).toMatchObject({
      value: 7,
      rows: 1,
    });
    await run();
    expect(await holdsContent(id)).toBe(false);
    await change(90);
  });
});

// The last one: so many rows change what the engine believes of the collection, and so the plans that are looked at above.
test('a run of the retention meets every row of one date, however many there are and whichever of them are held', async () => {
  const [kept, gone] = [newId('acc'), newId('acc')];
  await createAccount(kept);
  await setLegalHold({ accountId: kept, norm: 'GPK art. 57', by: 'lawyer' });
  const released = (owner: string, releasedAt: Date) => ({
    _id: newId('hld'),
    accountId: owner,
    isActive: false,
    releasedAt,
  });
  const [day, dayAfter] = [daysAgo(4_000), daysAgo(3_999)];
  await nativeCollection(LegalHold).insertMany([
    ...[...Array(1_300)].map((_, n) => released(n < 600 ? kept : gone, day)),
    ...[...Array(3)].map(() => released(gone, dayAfter)),
  ] as never[]);
  expect(of(await run(), 'legal_hold')).toMatchObject({ removed: 703, held: 600, outcome: 'done' });
  expect(await nativeCollection(LegalHold).countDocuments({ accountId: gone })).toBe(0);
});
