import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createAccount, creditAccount } from '../../src/billing/credit.ts';
import { newId } from '../../src/ids.ts';
import { Account } from '../../src/models/account.ts';
import { Adjustment } from '../../src/models/adjustment.ts';
import { AuditEntry } from '../../src/models/audit-entry.ts';
import { SuspensionRequest } from '../../src/models/suspension-request.ts';
import { useStores } from '../helpers/stores.ts';
import { give, type Person, person } from './desk.ts';

useStores();
const STARTING_MICROS = 1_000_000_000_000n;
let accountId = '';

const balance = async () => (await Account.findById(accountId).lean())?.availableMicros;
async function proposed(who: Person, rubles: string): Promise<string> {
  const { madeId = '' } = await give(who, 'adjustments.propose', accountId, { rubles });
  return madeId;
}

beforeAll(() => Promise.all([Adjustment.init(), SuspensionRequest.init()]));
beforeEach(async () => {
  accountId = newId('acc');
  await createAccount(accountId);
  await creditAccount({ accountId, entryId: newId('pay'), amountMicros: STARTING_MICROS, kind: 'top_up' });
});

describe('an adjustment by staff', () => {
  it.each([
    ['support', 'finance', '10000', 10_000_000_000n],
    ['finance', 'finance', '-99999,99', -99_999_990_000n],
    ['finance', 'admin', '100000.000001', 100_000_000_001n],
  ] as const)('proposed by %s and approved by %s moves %s rubles once', async (first, second, rubles, micros) => {
    const id = await proposed(person(first), rubles);
    expect(await balance()).toBe(STARTING_MICROS);
    const approver = person(second);
    await give(approver, 'adjustments.approve', id);
    await give(approver, 'adjustments.approve', id);
    expect(await balance()).toBe(STARTING_MICROS + micros);
  });

  it('is not approved by its proposer, in whatever role he is by then', async () => {
    const who = person('finance');
    const id = await proposed(who, '5');
    await expect(give(who, 'adjustments.approve', id)).rejects.toMatchObject({ code: 'second_person_needed' });
    expect(await balance()).toBe(STARTING_MICROS);
  });

  it('beyond what support may propose is refused and written down', async () => {
    const who = person('support');
    await expect(proposed(who, '10000.000001')).rejects.toMatchObject({ code: 'staff_forbidden' });
    await expect(proposed(who, '-10000.000001')).rejects.toMatchObject({ code: 'staff_forbidden' });
    expect(await Adjustment.countDocuments({ accountId })).toBe(0);
    const entries = await AuditEntry.find({ actorId: who.staffId, outcome: 'failed' }).sort({ _id: 1 }).lean();
    expect(entries.map(({ code }) => code)).toEqual(['staff_forbidden', 'staff_forbidden']);
  });

  it('is approved within its limits only: large ones by admins, small ones by finance', async () => {
    const [small, large] = [
      await proposed(person('finance'), '100000'),
      await proposed(person('finance'), '100000.01'),
    ];
    await expect(give(person('finance'), 'adjustments.approve', large)).rejects.toMatchObject({
      code: 'staff_forbidden',
    });
    await expect(give(person('admin'), 'adjustments.approve', small)).rejects.toMatchObject({
      code: 'staff_forbidden',
    });
    expect(await balance()).toBe(STARTING_MICROS);
  });

  it('can be taken back by its proposer, but not rejected by somebody who could not approve it', async () => {
    const who = person('support');
    const id = await proposed(who, '5');
    await expect(give(person('support'), 'adjustments.reject', id)).rejects.toMatchObject({ code: 'staff_forbidden' });
    await give(who, 'adjustments.reject', id);
    await expect(give(person('finance'), 'adjustments.approve', id)).rejects.toMatchObject({ code: 'state_conflict' });
    expect(await balance()).toBe(STARTING_MICROS);
  });

  it.each(['0', '', '1e3', 'Infinity', '0x10', '1.0000001', '--5', '5-', '1000000.000001', '9'.repeat(29)])(
    'of %j rubles is refused',
    async (rubles) => {
      await expect(proposed(person('finance'), rubles)).rejects.toMatchObject({ code: 'invalid_request' });
    },
  );
});

describe('a suspension that support asks for', () => {
  const statusOf = async () => (await Account.findById(accountId).lean())?.status;
  const conflict = { code: 'state_conflict' };
  async function asked(who = person('support')): Promise<string> {
    const { madeId = '' } = await give(who, 'accounts.request-suspension', accountId, { reason: 'a stolen card' });
    return madeId;
  }

  it('does nothing until somebody with the right to suspend grants it, for the reason of who asked', async () => {
    const [id, admin] = [await asked(), person('admin')];
    expect(await statusOf()).toBe('active');
    await expect(give(person('operator'), 'suspensions.grant', id)).rejects.toMatchObject({ code: 'staff_forbidden' });
    await give(admin, 'suspensions.grant', id, { reason: 'the bank confirms' });
    expect(await Account.findById(accountId).lean()).toMatchObject({
      status: 'suspended',
      statusReason: 'a stolen card',
    });
    expect(await SuspensionRequest.findById(id).lean()).toMatchObject({
      state: 'granted',
      decidedBy: admin.staffId,
      decision: 'the bank confirms',
    });
    const entries = await AuditEntry.find({ action: 'suspensions.grant', targetId: id }).sort({ _id: 1 }).lean();
    expect(entries.map(({ outcome }) => outcome)).toEqual(['denied', 'begun', 'done']);
  });

  it('leaves the account as it is when it is declined, and can be asked for again', async () => {
    const id = await asked();
    await expect(asked()).rejects.toMatchObject(conflict);
    await give(person('finance'), 'suspensions.decline', id);
    await expect(give(person('finance'), 'suspensions.grant', id)).rejects.toMatchObject(conflict);
    expect(await statusOf()).toBe('active');
    expect(await asked()).not.toBe(id);
  });

  it('is not granted by who asked, in whatever role by then', async () => {
    const who = person('support');
    const id = await asked(who);
    await expect(give({ ...who, role: 'admin' }, 'suspensions.grant', id)).rejects.toMatchObject({
      code: 'second_person_needed',
    });
    expect(await statusOf()).toBe('active');
  });

  it('can still be granted when the account was suspended before the decision was written', async () => {
    const id = await asked();
    await give(person('finance'), 'accounts.suspend', accountId);
    await expect(asked()).rejects.toMatchObject(conflict);
    await give(person('finance'), 'suspensions.grant', id);
    expect(await SuspensionRequest.findById(id).lean()).toMatchObject({ state: 'granted' });
  });
});
