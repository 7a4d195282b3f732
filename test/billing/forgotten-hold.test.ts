import { describe, expect, test } from '@jest/globals';
import { createAccountWriter } from '../../src/billing/account.ts';
import type { HoldRequest } from '../../src/billing/account-updates.ts';
import { newId } from '../../src/ids.ts';
import type { RequestDocument } from '../../src/models/request.ts';
import { type SweepDependencies, sweepHolds, sweepRequests } from '../../src/requests/sweep.ts';
import { createRequestWriter } from '../../src/requests/writer.ts';
import { requests } from '../helpers/invariants.ts';
import { useStores } from '../helpers/stores.ts';
import { accountNow, accountWith, expectSound, figures, holdOn, RUB, silent } from './teller.ts';

/** Holds that nobody closes: money comes back when its request is over or was never there, and never before. */

useStores();

const accounts = createAccountWriter();
const writer = createRequestWriter({ worker: newId('wrk'), leaseMs: 2_000 });
let queued: string[] = [];
const deps: SweepDependencies = {
  accounts,
  writer,
  producer: {
    enqueue: async (_key, _payload, options) => {
      queued.push(options?.jobId ?? '');
    },
  },
  notify: async () => undefined,
  isHeard: async () => true,
  log: silent,
  settings: { acceptedMs: 1_000, settleMs: 1_000 },
};

type Row = Partial<RequestDocument>;

/** A hold of 4 RUB on 10 that expired a minute ago, with a request row like this, or none. */
async function expired(row?: Row): Promise<{ accountId: string; hold: HoldRequest }> {
  const accountId = await accountWith(10n);
  const expiresAt = new Date(Date.now() - 60_000);
  const hold = holdOn(accountId, { amountMicros: 4n * RUB, expiresAt });
  await accounts.hold(hold);
  if (row) await store(hold, row);
  return { accountId, hold };
}

async function store({ requestId, accountId, keyId, amountMicros, at }: HoldRequest, row: Row): Promise<void> {
  const common = {
    accountId,
    keyId,
    holdMicros: amountMicros,
    createdAt: at,
    deadlineAt: new Date(Date.now() + 60_000),
  };
  const fresh = { mode: 'async' as const, attempt: 0, settled: false, watchers: 0, zeroRetention: false };
  const document: Row = { _id: requestId, ...common, ...fresh, ...row };
  await requests().insertOne(document as RequestDocument & { _id: string });
}

async function walk(nowMs = Date.now()): Promise<number> {
  let released = 0;
  let afterId: string | undefined;
  do {
    const page = await sweepHolds(afterId, nowMs, deps);
    released += page.released;
    afterId = page.nextId;
  } while (afterId !== undefined);
  return released;
}

describe('an expired hold', () => {
  test('of a request that does not exist is given back', async () => {
    const { accountId } = await expired();
    expect(await walk()).toBe(1);
    expect(await figures(accountId)).toEqual({ availableMicros: 10n * RUB, heldMicros: 0n, open: 0, seq: 1n });
    expect(await walk()).toBe(0);
    await expectSound(accountId);
  });

  test('placed after its request was aborted is given back', async () => {
    const { accountId } = await expired({ state: 'aborted', settled: true, costMicros: 0n });
    expect(await walk()).toBe(1);
    expect(await figures(accountId)).toMatchObject({ availableMicros: 10n * RUB, open: 0 });
  });

  test('of a request that was done charges what it cost, once, and marks it settled', async () => {
    const { accountId, hold } = await expired({ state: 'done', costMicros: 1_500_000n, finishedAt: new Date() });
    await Promise.all([walk(), walk(), sweepRequests(Date.now() + 5_000, deps)]);
    expect(await figures(accountId)).toEqual({ availableMicros: 8_500_000n, heldMicros: 0n, open: 0, seq: 2n });
    expect((await requests().findOne({ _id: hold.requestId }))?.settled).toBe(true);
    await expectSound(accountId);
  });

  test('that landed a second time, after its request was charged, is given back whole', async () => {
    const { accountId } = await expired({ state: 'done', settled: true, costMicros: 1_500_000n });
    expect(await walk()).toBe(1);
    expect(await figures(accountId)).toEqual({ availableMicros: 10n * RUB, heldMicros: 0n, open: 0, seq: 1n });
    await expectSound(accountId);
  });

  test.each(['accepted', 'running'] as const)('of a request that is still %s is kept', async (state) => {
    const { accountId } = await expired({ state, leaseUntil: new Date(Date.now() + 60_000) });
    await walk();
    expect(await figures(accountId)).toMatchObject({ availableMicros: 6n * RUB, heldMicros: 4n * RUB, open: 1 });
  });

  test('is counted with its age among the open ones', async () => {
    const { accountId } = await expired({ state: 'running' });
    const page = await sweepHolds(undefined, Date.now() + 90_000, deps);
    expect(page.seen.open).toBeGreaterThanOrEqual(1);
    expect(page.seen.oldestMs).toBeGreaterThanOrEqual(90_000);
    expect((await accountNow(accountId)).open).toBe(1);
  });
});

test('a hold that has not expired is not touched, whatever became of its request', async () => {
  const accountId = await accountWith(10n);
  await accounts.hold(holdOn(accountId));
  await walk();
  expect((await accountNow(accountId)).open).toBe(1);
});

describe('an accepted request that nobody took', () => {
  const old = () => Date.now() + 5_000;

  test('is queued again while its money is held and its time is not over', async () => {
    queued = [];
    const { hold } = await expired({ state: 'accepted' });
    await sweepRequests(old(), deps);
    expect(queued).toContain(hold.requestId);
  });

  test('without a hold is aborted, gives its Idempotency-Key back and forgets its content', async () => {
    const hold = holdOn(await accountWith(10n));
    const callback = { webhook: 'wanted' as const, callbackUrl: Buffer.from('secret') };
    const content = { fingerprint: 'f', input: Buffer.from('secret'), ...callback };
    await store(hold, { state: 'accepted', idemKey: 'again', ...content });
    await sweepRequests(old(), deps);
    const row = await requests().findOne({ _id: hold.requestId });
    expect(row).toMatchObject({ state: 'aborted', settled: true, costMicros: 0n, error: { code: 'unavailable' } });
    for (const field of ['idemKey', 'fingerprint', 'input', 'callbackUrl', 'webhook'] as const)
      expect(row?.[field]).toBeUndefined();
  });

  test('past its deadline fails, and its money comes back at once', async () => {
    const { accountId, hold } = await expired({ state: 'accepted', deadlineAt: new Date(Date.now() - 1) });
    await sweepRequests(old(), deps);
    await writer.marksWritten();
    expect(await requests().findOne({ _id: hold.requestId })).toMatchObject({
      state: 'failed',
      settled: true,
      error: { code: 'deadline_exceeded' },
    });
    expect(await figures(accountId)).toMatchObject({ availableMicros: 10n * RUB, open: 0 });
  });
});

test('ten sweepers at once settle every forgotten request once', async () => {
  const accountId = await accountWith(100n);
  const holds = Array.from({ length: 40 }, () => holdOn(accountId));
  await Promise.all(holds.map((hold) => accounts.hold(hold)));
  for (const hold of holds) await store(hold, { state: 'done', costMicros: 250_000n, finishedAt: new Date(0) });
  const sweepers = Array.from({ length: 10 }, () => ({ ...deps, accounts: createAccountWriter() }));
  await Promise.all(sweepers.map((each) => sweepRequests(Date.now(), each)));
  expect(await figures(accountId)).toEqual({ availableMicros: 90n * RUB, heldMicros: 0n, open: 0, seq: 41n });
  await expectSound(accountId);
});
