import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { executeAdjustment } from '../../src/billing/adjustment-execution.ts';
import {
  approveAdjustment,
  PROPOSAL_TTL_MS,
  proposeAdjustment,
  proposeCorrection,
  rejectAdjustment,
  sweepAdjustments,
} from '../../src/billing/adjustments.ts';
import { flushOutboxes } from '../../src/billing/ledger.ts';
import { checkAccount } from '../../src/billing/reconcile.ts';
import { createReconciler } from '../../src/billing/reconciler.ts';
import { releaseAccount } from '../../src/billing/release.ts';
import { inspectAccount } from '../../src/billing/survey.ts';
import { armCrashPoint } from '../../src/crash-point.ts';
import { Adjustment, type AdjustmentDocument } from '../../src/models/adjustment.ts';
import { nativeCollection } from '../../src/models/connect.ts';
import { ledger } from '../helpers/invariants.ts';
import { useStores } from '../helpers/stores.ts';
import { alerts, busyAccount, TAMPERINGS } from './books.ts';
import { accountNow, accountWith, expectSound, RUB, silent } from './teller.ts';

/** The only correction there is: proposed by one person, approved by another, carried out once. */

useStores();
const now = () => Date.now();
const adjustments = () => nativeCollection<AdjustmentDocument>(Adjustment);
const reconcileAll = () => createReconciler({ intervalMs: 1, rowsPerSecond: 1_000_000 }, silent).all();

const propose = (accountId: string, amountMicros: bigint) =>
  proposeAdjustment({ accountId, amountMicros, reason: 'a promise of support', by: 'anna' }, now());

describe('an adjustment', () => {
  test('moves money once it is approved by another person, with an entry that names it', async () => {
    const accountId = await accountWith(10n);
    const { _id } = await propose(accountId, -3n * RUB);
    expect((await accountNow(accountId)).availableMicros).toBe(10n * RUB);
    await expect(approveAdjustment(_id, 'anna', now())).rejects.toMatchObject({ code: 'second_person_needed' });
    expect(await approveAdjustment(_id, 'boris', now())).toMatchObject({ state: 'executed', decidedBy: 'boris' });
    await flushOutboxes([accountId], silent);
    expect(await ledger().findOne({ _id: `adj:${_id}` })).toMatchObject({
      amountMicros: -3n * RUB,
      kind: 'adjustment',
    });
    expect((await accountNow(accountId)).availableMicros).toBe(7n * RUB);
    await expectSound(accountId);
  });

  test('is carried out once by a hundred approvals at once, and once more by nobody', async () => {
    const accountId = await accountWith(1n);
    const { _id } = await propose(accountId, 5n * RUB);
    const all = await Promise.allSettled(Array.from({ length: 100 }, () => approveAdjustment(_id, 'boris', now())));
    expect(all.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThan(0);
    await executeAdjustment((await adjustments().findOne({ _id })) as AdjustmentDocument);
    expect((await accountNow(accountId)).availableMicros).toBe(6n * RUB);
    await expectSound(accountId);
  });

  test('never takes more than is available, also when the money goes between approval and execution', async () => {
    const accountId = await accountWith(2n);
    const { _id } = await propose(accountId, -2n * RUB);
    const other = await propose(accountId, -1n * RUB);
    await approveAdjustment(other._id, 'boris', now());
    await expect(approveAdjustment(_id, 'boris', now())).rejects.toMatchObject({ code: 'insufficient_balance' });
    expect((await accountNow(accountId)).availableMicros).toBe(RUB);
    await adjustments().updateOne({ _id }, { $set: { state: 'approved', decidedBy: 'boris', decidedAt: new Date(0) } });
    await sweepAdjustments(now(), silent);
    expect(await adjustments().findOne({ _id })).toMatchObject({ state: 'refused', failure: 'insufficient_balance' });
    expect((await accountNow(accountId)).availableMicros).toBe(RUB);
  });

  test('that was approved by a process that died is finished by the next one', async () => {
    const accountId = await accountWith(1n);
    const { _id } = await propose(accountId, RUB);
    await adjustments().updateOne({ _id }, { $set: { state: 'approved', decidedBy: 'boris', decidedAt: new Date(0) } });
    await Promise.all([sweepAdjustments(now(), silent), sweepAdjustments(now(), silent)]);
    expect(await adjustments().findOne({ _id })).toMatchObject({ state: 'executed' });
    expect((await accountNow(accountId)).availableMicros).toBe(2n * RUB);
  });

  test('that was rejected, is decided or is past its time does nothing any more', async () => {
    const accountId = await accountWith(1n);
    const rejected = await propose(accountId, RUB);
    await rejectAdjustment(rejected._id, 'anna', now());
    await expect(approveAdjustment(rejected._id, 'boris', now())).rejects.toMatchObject({ code: 'state_conflict' });
    const late = await propose(accountId, RUB);
    const afterwards = now() + PROPOSAL_TTL_MS + 1;
    await expect(approveAdjustment(late._id, 'boris', afterwards)).rejects.toMatchObject({ code: 'state_conflict' });
    expect((await accountNow(accountId)).availableMicros).toBe(RUB);
  });

  test.each([
    ['no amount', { amountMicros: 0n }],
    ['an amount beyond the bound', { amountMicros: 10n ** 15n }],
    ['no reason', { reason: ' ' }],
    ['nobody who says so', { by: '' }],
  ])('with %s is refused', async (_what, change) => {
    const accountId = await accountWith(1n);
    const proposal = { accountId, amountMicros: RUB, reason: 'a good reason', by: 'anna', ...change };
    await expect(proposeAdjustment(proposal, now())).rejects.toMatchObject({ code: 'invalid_request' });
  });
});

// An account that is gone comes back from a backup, and a row that no account wrote has to be taken out by hand.
const BY_HAND = ['the account was deleted', 'a ledger row was added', 'a ledger row was added far after the last one'];
const CORRECTABLE = TAMPERINGS.filter(({ name }) => !BY_HAND.includes(name));

test.each(CORRECTABLE.map(({ name }) => name))(
  'after tampering (%s) two persons put the books in order, and only then the account spends again',
  async (name) => {
    const accountId = await busyAccount();
    await reconcileAll();
    await CORRECTABLE.find((one) => one.name === name)?.tamper(accountId);
    await reconcileAll();
    expect((await accountNow(accountId)).status).toBe('frozen');
    await expect(releaseAccount(accountId, 'boris')).rejects.toMatchObject({ code: 'state_conflict' });

    const balance = async () => {
      const { availableMicros, heldMicros } = await accountNow(accountId);
      return availableMicros + heldMicros;
    };
    const before = await balance();
    const proposed = await proposeCorrection({ accountId, reason: 'looked at with the owner', by: 'anna' }, now());
    await expect(approveAdjustment(proposed._id, 'anna', now())).rejects.toMatchObject({
      code: 'second_person_needed',
    });
    await approveAdjustment(proposed._id, 'boris', now());
    await flushOutboxes([accountId], silent);
    await reconcileAll();
    expect(await balance()).toBe(before);
    expect(await inspectAccount(accountId)).toEqual([]);
    await releaseAccount(accountId, 'boris');
    expect((await accountNow(accountId)).status).toBe('active');
    expect(await alerts().countDocuments({ accountId, unresolved: true })).toBe(0);
  },
);

test('what was accepted as lost does not hide what the database itself counts and sums differently', async () => {
  const accountId = await busyAccount();
  await reconcileAll();
  await ledger().deleteOne({ accountId, seq: 4n });
  const proposed = await proposeCorrection({ accountId, reason: 'looked at with the owner', by: 'anna' }, now());
  await approveAdjustment(proposed._id, 'boris', now());
  await flushOutboxes([accountId], silent);
  expect(await inspectAccount(accountId)).toEqual([]);
  await expect(checkAccount(await accountNow(accountId), 1)).resolves.toMatchObject({ problems: [] });
  await expect(checkAccount(await accountNow(accountId), 2)).resolves.toMatchObject({
    problems: ['ledger_row_missing'],
  });
});

describe('a correction during which the process dies', () => {
  afterEach(() => {
    jest.restoreAllMocks();
  });

  test.each(['adjust.after_entry', 'adjust.after_acknowledge'] as const)(
    'at %s is finished by another one, with one entry and books in order',
    async (label) => {
      const accountId = await busyAccount();
      await reconcileAll();
      await ledger().deleteOne({ accountId, seq: 4n });
      await reconcileAll();
      const proposed = await proposeCorrection({ accountId, reason: 'looked at with the owner', by: 'anna' }, now());
      // In place of the kill: nothing after it happens either.
      jest.spyOn(process, 'kill').mockImplementation(() => {
        throw new Error('killed');
      });
      armCrashPoint(label, 1);
      await expect(approveAdjustment(proposed._id, 'boris', now())).rejects.toThrow('killed');
      await sweepAdjustments(now() + 60_000, silent);
      await flushOutboxes([accountId], silent);
      expect(await adjustments().findOne({ _id: proposed._id })).toMatchObject({ state: 'executed' });
      expect(await ledger().countDocuments({ accountId, kind: 'adjustment' })).toBe(1);
      expect(await inspectAccount(accountId)).toEqual([]);
    },
  );
});
