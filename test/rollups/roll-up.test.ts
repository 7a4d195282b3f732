import { beforeEach, describe, expect, it } from '@jest/globals';
import { lowestIdAt, newId, timeOfId } from '../../src/ids.ts';
import { nativeCollection } from '../../src/models/connect.ts';
import { LedgerEntry, type LedgerEntryDocument } from '../../src/models/ledger-entry.ts';
import { Request, type RequestDocument } from '../../src/models/request.ts';
import { AccountRollup, type AccountRollupDocument, Rollup, type RollupDocument } from '../../src/models/rollup.ts';
import { RollupWalk, type RollupWalkDocument } from '../../src/models/rollup-walk.ts';
import { HOUR_MS, hourOf } from '../../src/rollups/hour.ts';
import { nextBatch } from '../../src/rollups/next-batch.ts';
import { rollUp, trimRollups } from '../../src/rollups/roll-up.ts';
import { silent } from '../billing/teller.ts';
import { useStores } from '../helpers/stores.ts';

/** Aggregates of requests: every one counted once, whatever is late and whoever dies. */

useStores();

const START_MS = Date.UTC(2026, 10, 20, 12);
/** Both hours are over and may be closed. */
const LATER_MS = START_MS + 3 * HOUR_MS;
const ACCOUNTS = [newId('acc'), newId('acc')] as const;

const requests = () => nativeCollection<RequestDocument>(Request);
const ledger = () => nativeCollection<LedgerEntryDocument>(LedgerEntry);
const walks = () => nativeCollection<RollupWalkDocument>(RollupWalk);
const walkNow = async () => (await walks().findOne({ _id: 'requests' })) as RollupWalkDocument;
let seq = 0n;

async function charge(requestId: string, accountId: string, micros: bigint): Promise<void> {
  seq++;
  const row = { accountId, seq, amountMicros: -micros, afterMicros: 0n, kind: 'charge', requestId, at: new Date() };
  await ledger().insertOne({ _id: `${requestId}:settle`, ...row } as LedgerEntryDocument);
}

/** A request that was accepted so many minutes after the start. */
async function request(minutes: number, more: Partial<RequestDocument> = {}): Promise<string> {
  const createdAt = new Date(START_MS + minutes * 60_000);
  const row = {
    _id: newId('req', createdAt.getTime()),
    accountId: ACCOUNTS[0],
    keyId: 'key',
    model: 'a/b.c',
    state: 'done',
    attempt: 1,
    holdMicros: 1_000n,
    costMicros: 700n,
    settled: true,
    usage: { promptTokens: 10, cachedTokens: 4, cacheWriteTokens: 0, completionTokens: 5, reasoningTokens: 0 },
    attempts: [{ routeId: 'main', providerId: 'sandbox', outcome: 'ok', ms: 90, at: createdAt }],
    createdAt,
    finishedAt: new Date(createdAt.getTime() + 120),
    ...more,
  };
  await requests().insertOne(row as RequestDocument);
  return row._id;
}

async function charged(minutes: number, more: Partial<RequestDocument> = {}): Promise<string> {
  const id = await request(minutes, more);
  await charge(id, more.accountId ?? ACCOUNTS[0], more.costMicros ?? 700n);
  return id;
}

async function all(): Promise<(RollupDocument | AccountRollupDocument)[]> {
  const [sums, accounts] = await Promise.all([Rollup.find().lean(), AccountRollup.find().lean()]);
  return [...sums, ...accounts].sort((a, b) => (a._id < b._id ? -1 : 1));
}

/** What was counted, without the number of the batch that brought it. */
async function counted() {
  return (await all()).filter(({ requests: count }) => count !== undefined).map((one) => ({ ...one, batch: 0 }));
}

async function totalOf(hours: number) {
  return Rollup.findOne({ kind: 'total', hour: new Date(START_MS + hours * HOUR_MS) }).lean();
}

beforeEach(async () => {
  await Promise.all(
    [Request, LedgerEntry, Rollup, AccountRollup, RollupWalk].map(({ collection }) => collection.deleteMany({})),
  );
});

it('counts outcomes, errors, tokens, latency and revenue by hour, model, account and provider', async () => {
  await charged(1);
  await charged(2, { accountId: ACCOUNTS[1], costMicros: 300n });
  const error = { code: 'deadline_exceeded', message: '', status: 504 };
  await request(3, { state: 'failed', costMicros: 0n, error, attempts: [] });
  await request(4, { state: 'failed', costMicros: 0n, error: { ...error, code: '$weird.code' }, model: 'other' });
  await charged(61);
  await rollUp(LATER_MS, silent);
  expect(await totalOf(0)).toMatchObject({
    requests: 4n,
    outcomes: { done: 2n, failed: 2n },
    failures: { deadline_exceeded: 1n, other: 1n },
    revenueMicros: 1_000n,
    tokens: { promptTokens: 40n, cachedTokens: 16n, completionTokens: 20n },
    latency: { ms250: 2n },
  });
  expect(await totalOf(1)).toMatchObject({ requests: 1n, revenueMicros: 700n });
  const hour = new Date(START_MS);
  expect(await Rollup.findOne({ kind: 'model', key: 'other', hour }).lean()).toMatchObject({ requests: 1n });
  expect(await Rollup.findOne({ kind: 'provider', key: 'sandbox', hour }).lean()).toMatchObject({
    requests: 3n,
    outcomes: { ok: 3n },
    latency: { ms100: 3n },
  });
  const [, second] = ACCOUNTS;
  expect(await AccountRollup.findOne({ accountId: second }).lean()).toMatchObject({ revenueMicros: 300n });
});

it('has as revenue of a closed hour exactly what the ledger charged for it', async () => {
  for (let minute = 0; minute < 60; minute += 2)
    await charged(minute, {
      costMicros: BigInt(minute * 1_000_003 + 1),
      accountId: ACCOUNTS[minute % 4 === 0 ? 0 : 1],
    });
  await request(5, { state: 'aborted', costMicros: 0n });
  await rollUp(LATER_MS, silent);
  const end = lowestIdAt('req', START_MS + HOUR_MS);
  expect((await walkNow()).closedUpTo.getTime()).toBeGreaterThanOrEqual(START_MS + HOUR_MS);
  const rows = await ledger()
    .find({ _id: { $gte: lowestIdAt('req', START_MS), $lt: end } })
    .toArray();
  const sum = rows.reduce((micros, { amountMicros }) => micros - amountMicros, 0n);
  expect((await totalOf(0))?.revenueMicros).toBe(sum);
  const byAccount = await AccountRollup.find({ hour: new Date(START_MS) }).lean();
  expect(byAccount.reduce((micros, { revenueMicros = 0n }) => micros + revenueMicros, 0n)).toBe(sum);
});

describe('what is late', () => {
  it('is counted once when it ends, and holds its hour open until then', async () => {
    const id = await request(1, { state: 'running', settled: false, costMicros: 0n });
    await charged(2);
    await rollUp(LATER_MS, silent);
    expect(await walkNow()).toMatchObject({ waiting: [id], closedUpTo: new Date(START_MS) });
    expect((await totalOf(0))?.requests).toBe(1n);
    await requests().updateOne({ _id: id }, { $set: { state: 'done', settled: true, costMicros: 50n } });
    await rollUp(LATER_MS, silent);
    // The charge is still on its way to the ledger.
    expect((await totalOf(0))?.requests).toBe(1n);
    await charge(id, ACCOUNTS[0], 50n);
    for (let time = 0; time < 3; time++) await rollUp(LATER_MS, silent);
    expect(await totalOf(0)).toMatchObject({ requests: 2n, revenueMicros: 750n });
    expect((await walkNow()).closedUpTo.getTime()).toBeGreaterThan(START_MS);
  });

  it('is counted once when its row appears behind the place that was reached', async () => {
    await charged(10);
    await charged(70);
    const duringFirstHour = START_MS + 30 * 60_000;
    await rollUp(duringFirstHour, silent);
    await charged(5, { costMicros: 40n, accountId: ACCOUNTS[1] });
    await rollUp(LATER_MS, silent);
    expect(await totalOf(0)).toMatchObject({ requests: 2n, revenueMicros: 740n });
    expect(await totalOf(1)).toMatchObject({ requests: 1n, revenueMicros: 700n });
    expect(await AccountRollup.countDocuments({ requests: 1n })).toBe(3);
    expect((await walkNow()).closedUpTo).toEqual(hourOf(LATER_MS - 360_000));
  });

  it('is left alone while its hour is young: rows may still come', async () => {
    await charged(1);
    await rollUp(START_MS + 90_000, silent);
    expect(await all()).toEqual([]);
  });
});

describe('a process that dies', () => {
  it.each([
    ['before anything was added', () => true],
    ['when a part was added', (_: unknown, index: number) => index % 2 === 0],
    ['when all was added', () => false],
  ])('%s leaves a batch that another one adds once', async (_, isMissing) => {
    await charged(1);
    await charged(2, { accountId: ACCOUNTS[1] });
    const { increments } = await nextBatch({ position: '', waiting: [] }, LATER_MS);
    await rollUp(LATER_MS, silent);
    const expected = await counted();
    const gone = (await all()).filter(isMissing).map(({ _id }) => _id);
    await Promise.all(
      [Rollup, AccountRollup].map((one) => one.collection.deleteMany({ _id: { $in: gone as never[] } })),
    );
    const { batch } = await walkNow();
    expect(batch).toBe(1);
    await walks().updateOne({ _id: 'requests' }, { $set: { unapplied: { increments } } });
    await rollUp(LATER_MS, silent);
    expect(await counted()).toEqual(expected);
    expect((await walkNow()).unapplied).toBeUndefined();
  });

  it('does not matter to others that count at the same time', async () => {
    for (let minute = 0; minute < 40; minute++) await charged(minute);
    await Promise.all(Array.from({ length: 6 }, () => rollUp(LATER_MS, silent)));
    await rollUp(LATER_MS, silent);
    expect(await totalOf(0)).toMatchObject({ requests: 40n, revenueMicros: 28_000n });
  });
});

it('goes over hours without requests at once, and forgets what is older than its term', async () => {
  await charged(0);
  const recent = await charged(300 * 24 * 60);
  const nowMs = timeOfId(recent) + 3 * HOUR_MS;
  await rollUp(nowMs, silent);
  expect((await walkNow()).closedUpTo).toEqual(hourOf(nowMs - 360_000));
  expect(await trimRollups(START_MS + 401 * 86_400_000)).toBe(3);
  expect(await Rollup.countDocuments()).toBe(3);
});
