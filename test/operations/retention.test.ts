import { expect, test } from '@jest/globals';
import { createAccount } from '../../src/billing/credit.ts';
import type { AppError } from '../../src/errors.ts';
import { newId } from '../../src/ids.ts';
import { createLogger } from '../../src/log.ts';
import { Announcement } from '../../src/models/announcement.ts';
import { AuditEntry } from '../../src/models/audit-entry.ts';
import { LegalHold } from '../../src/models/legal-hold.ts';
import { NO_JOURNAL } from '../../src/privacy/deletion-journal.ts';
import { heldAccounts } from '../../src/privacy/legal-holds.ts';
import { listRuns, runRetention } from '../../src/privacy/retention.ts';
import { retentionValue } from '../../src/privacy/retention-settings.ts';
import { rowClass } from '../../src/privacy/row-classes.ts';
import { draftAnnouncement, endAnnouncement, publishAnnouncement } from '../../src/support/announcements.ts';
import { useStores } from '../helpers/stores.ts';
import { give, perform, person, reason } from './desk.ts';

useStores();

test('a term is changed by an admin, a shorter one with the preview it was decided on, and the log says so', async () => {
  const admin = person('admin');
  const shorter = (more = {}) => give(admin, 'retention.set', 'request.content', { value: '7', ...more });
  const refusal = (await shorter().catch((error: unknown) => error)) as AppError;
  const preview = String(refusal.details.preview);
  expect(refusal).toMatchObject({ code: 'invalid_request', param: 'preview', details: { rows: 0 } });
  await shorter({ preview });
  expect(await retentionValue(rowClass('request.content'), {})).toBe(7);
  const entries = await AuditEntry.find({ actorId: admin.staffId, targetId: 'request.content' })
    .sort({ _id: 1 })
    .lean();
  expect(entries.map(({ outcome }) => outcome)).toEqual(['begun', 'failed', 'begun', 'done']);
  expect(entries[2]?.reason).toBe(`value: 7; preview: ${preview}; ${reason}`);
});

test.each([
  ['request.usage', '4', 'invalid_request'],
  ['request.content', '91', 'invalid_request'],
  ['request.content', '-1', 'invalid_request'],
  ['request.content', '1.5', 'invalid_request'],
  ['ledger', '6', 'not_found'],
  ['none', '6', 'not_found'],
])('the term of %s cannot be %s', async (classId, value, code) => {
  await expect(give(person('admin'), 'retention.set', classId, { value })).rejects.toHaveProperty('code', code);
});

test('a run of the purge by hand is a command: an admin’s alone, and the log says who ran which', async () => {
  await expect(perform(person('operator'), { name: 'retention.run', input: {} })).rejects.toHaveProperty(
    'code',
    'staff_forbidden',
  );
  const { madeId } = await perform({ kind: 'script', by: 'anna' }, { name: 'retention.run', input: {} });
  expect((await listRuns())[0]).toMatchObject({ _id: madeId, trigger: 'manual', by: 'anna', state: 'done' });
  const entries = await AuditEntry.find({ action: 'retention.run', actorId: 'anna' }).sort({ _id: 1 }).lean();
  expect(entries.map(({ outcome, reason: why }) => [outcome, why])).toEqual([
    ['begun', undefined],
    ['done', `made: ${madeId}`],
  ]);
});

test('a legal hold is set and released with norm and reason, by name, for an account that exists', async () => {
  const [admin, accountId] = [person('admin'), newId('acc')];
  const hold = () => give(admin, 'holds.set', accountId, { norm: 'GPK art. 57' });
  await expect(hold()).rejects.toHaveProperty('code', 'not_found');
  await createAccount(accountId);
  const { madeId = '' } = await hold();
  expect(await heldAccounts()).toContain(accountId);
  await give(admin, 'holds.release', madeId);
  expect(await heldAccounts()).not.toContain(accountId);
  const [setBy, releasedBy] = [admin.staffId, admin.staffId];
  expect(await LegalHold.findById(madeId).lean()).toMatchObject({ setBy, releasedBy, norm: 'GPK art. 57' });
  const told = await AuditEntry.find({ targetId: { $in: [accountId, madeId] }, outcome: 'done' })
    .sort({ _id: 1 })
    .lean();
  expect(told.map(({ action }) => action)).toEqual(['holds.set', 'holds.release']);
});

test('announcements go three years after they ended, by hand or by themselves; what is shown stays', async () => {
  const text = { ru: 'Работы', en: 'Works' };
  const draft = () => draftAnnouncement({ audience: 'staff', title: text, text, by: newId('stf') });
  const [shown, timed, ended, thrownAway] = [await draft(), await draft(), await draft(), await draft()];
  const endsAt = new Date(Date.now() + 60_000);
  await publishAnnouncement(shown, { by: 'a' });
  await publishAnnouncement(timed, { by: 'a', endsAt });
  await publishAnnouncement(ended, { by: 'a' });
  await endAnnouncement(ended, 'a');
  await endAnnouncement(thrownAway, 'a');
  const run = (nowMs: number) =>
    runRetention({
      nowMs,
      trigger: 'manual',
      by: 'a test',
      defaults: {},
      signal: new AbortController().signal,
      journal: NO_JOURNAL,
      log: createLogger({ role: 'test', level: 'silent' }),
    });
  const left = async () => (await Announcement.find({}).lean()).map(({ _id }) => _id);
  const termMs = 1_095 * 86_400_000;
  await run(Date.now() + termMs - 60_000);
  expect(await left()).toHaveLength(4);
  await run(endsAt.getTime() + termMs + 1);
  expect(await left()).toEqual([shown]);
});
