import { beforeAll, describe, expect, it, test } from '@jest/globals';
import { createAuditLog } from '../../src/audit/append.ts';
import { createAccount } from '../../src/billing/credit.ts';
import { newId } from '../../src/ids.ts';
import { createLogger } from '../../src/log.ts';
import { Account } from '../../src/models/account.ts';
import { AuditEntry } from '../../src/models/audit-entry.ts';
import { STAFF_ROLES, type StaffRole } from '../../src/models/staff.ts';
import { OPERATION_NAMES, OPERATIONS, type OperationName } from '../../src/operations/catalogue.ts';
import { createPerform, mayBegin } from '../../src/operations/perform.ts';
import { createContentCipher } from '../../src/privacy/content-key.ts';
import { NO_JOURNAL } from '../../src/privacy/deletion-journal.ts';
import { createEmailIndex } from '../../src/privacy/email-index.ts';
import { createProviderKeyStore } from '../../src/requests/provider-keys.ts';
import { useStores } from '../helpers/stores.ts';
import { noFailedJobs } from './desk.ts';

useStores();
const pepper = Buffer.alloc(32, 7);
const masterKeys = new Map([[1, Buffer.alloc(32, 9)]]);
const deps = {
  publishKey: async () => undefined,
  operator: { name: '', address: '', inn: '', email: '', executor: '', processors: '' },
  policy: { operator: { name: '', address: '', inn: '', email: '' }, retentionDefaults: {} },
  purge: { journal: NO_JOURNAL, log: createLogger({ role: 'test', level: 'silent' }) },
  cancel: {
    accounts: { settle: async () => undefined },
    writer: { markSettled: async () => undefined },
    sendCancel: async () => undefined,
  },
  cipher: createContentCipher(masterKeys),
  emailIndex: createEmailIndex(masterKeys),
  providerKeys: createProviderKeyStore(masterKeys),
  failedJobs: noFailedJobs,
};
const perform = createPerform(createAuditLog(pepper), deps);
const actor = (role: StaffRole) => ({ kind: 'staff', staffId: newId('stf'), role, address: '192.0.2.1' }) as const;
const reason = 'because of a test';
let accountId = '';

beforeAll(async () => {
  accountId = newId('acc');
  await createAccount(accountId);
});

function targetOf(name: OperationName): { targetId?: string } {
  const { target } = OPERATIONS[name];
  if (target === undefined) return {};
  if (typeof target === 'string') return { targetId: newId(target) };
  return { targetId: ['any', '1', 'webhooks', 'webhooks/any', 'any any'].find((text) => target.test(text)) ?? '' };
}

describe.each(OPERATION_NAMES)('%s', (name) => {
  it.each(STAFF_ROLES)('asks the table whether %s may, and logs a refusal', async (role) => {
    const who = actor(role);
    const refusal: unknown = await perform(who, { name, ...targetOf(name), input: { unknown: 1 } }).catch(
      (e: unknown) => e,
    );
    const allowed = mayBegin(role, OPERATIONS[name]);
    expect(refusal).toMatchObject({ code: allowed ? 'invalid_request' : 'staff_forbidden' });
    const entries = await AuditEntry.find({ actorId: who.staffId }).sort({ _id: 1 }).lean();
    expect(entries.map(({ outcome, action }) => [outcome, action])).toEqual(allowed ? [] : [['denied', name]]);
  });
});

test('a command is written down before and after, with who, where and why', async () => {
  const who = actor('finance');
  await perform(who, { name: 'accounts.suspend', targetId: accountId, input: { reason } });
  expect(await Account.findById(accountId).lean()).toMatchObject({ status: 'suspended', statusReason: reason });
  const common = { actorId: who.staffId, actorRole: 'finance', address: '192.0.2.1', action: 'accounts.suspend' };
  expect(await AuditEntry.find({ actorId: who.staffId }).sort({ _id: 1 }).lean()).toMatchObject([
    { ...common, targetId: accountId, outcome: 'begun', reason },
    { ...common, targetId: accountId, outcome: 'done' },
  ]);
  await expect(
    perform(who, { name: 'accounts.suspend', targetId: accountId, input: { reason } }),
  ).rejects.toMatchObject({
    code: 'state_conflict',
  });
  expect(await AuditEntry.findOne({ actorId: who.staffId, outcome: 'failed' }).lean()).toMatchObject({
    code: 'state_conflict',
  });
  await perform({ kind: 'script' }, { name: 'accounts.activate', targetId: accountId, input: { reason } });
  expect((await Account.findById(accountId).lean())?.status).toBe('active');
});

test('a frozen account is neither suspended nor set free', async () => {
  const frozen = newId('acc');
  await createAccount(frozen);
  await Account.updateOne({ _id: frozen }, { $set: { status: 'frozen' } });
  for (const name of ['accounts.suspend', 'accounts.activate'] as const)
    await expect(perform(actor('admin'), { name, targetId: frozen, input: { reason } })).rejects.toMatchObject({
      code: 'state_conflict',
    });
});

test('nothing is done when the log cannot be written', async () => {
  const broken = createPerform({ append: () => Promise.reject(new Error('away')) }, deps);
  const command = { name: 'accounts.suspend', targetId: accountId, input: { reason } } as const;
  await expect(broken(actor('admin'), command)).rejects.toThrow('away');
  expect((await Account.findById(accountId).lean())?.status).toBe('active');
});

test.each([
  ['no reason', {}],
  ['a reason of nothing', { reason: '   ' }],
  ['a field that is not asked for', { reason, availableMicros: 1 }],
  ['an operator of the database', { reason: { $ne: null } }],
  ['no object', 'reason'],
])('%s is refused and does nothing', async (_, input) => {
  await expect(perform(actor('admin'), { name: 'accounts.suspend', targetId: accountId, input })).rejects.toMatchObject(
    { code: 'invalid_request' },
  );
  expect((await Account.findById(accountId).lean())?.status).toBe('active');
});

test.each(['', 'acc_1', newId('key'), '../accounts', '{"$ne":null}'])('target %j is none', async (targetId) => {
  await expect(
    perform(actor('admin'), { name: 'accounts.suspend', targetId, input: { reason } }),
  ).rejects.toMatchObject({ code: 'not_found' });
});

test.each(['staff.disable', 'staff.reset', 'staff.change-role'] as const)('%s is not for oneself', async (name) => {
  const who = actor('admin');
  const input = name === 'staff.change-role' ? { reason, role: 'auditor' } : { reason };
  await expect(perform(who, { name, targetId: who.staffId, input })).rejects.toMatchObject({ code: 'staff_forbidden' });
});
