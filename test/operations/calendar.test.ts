import { expect, test } from '@jest/globals';
import { createAccount } from '../../src/billing/credit.ts';
import { newId } from '../../src/ids.ts';
import { ProductionCalendar } from '../../src/models/privacy-request.ts';
import { missingYears } from '../../src/privacy/calendar-store.ts';
import { fileRequest, findPrivacyRequest } from '../../src/privacy/privacy-requests.ts';
import { useStores } from '../helpers/stores.ts';
import { cipher, perform, person, reason } from './desk.ts';

/** The production calendar as admins enter it. */

useStores();
const DECREE = { year: '2027', off: '01-01 01-04, 01-05\n01-06 01-07 01-08', decree: 'Decree of a test', reason };
const enter = (input: Record<string, string>, role: 'admin' | 'support' = 'admin') =>
  perform(person(role), { name: 'calendar.enter', input });

test('a year that is entered gives open requests the date that it makes certain', async () => {
  const accountId = newId('acc');
  await createAccount(accountId);
  const receivedAt = new Date('2026-12-30T12:00:00+03:00');
  const { _id, isProvisional, dueAt } = await fileRequest(
    { accountId, type: 'access', channel: 'letter', receivedAt, by: 'anna' },
    cipher,
  );
  expect(isProvisional).toBe(true);
  await expect(enter(DECREE, 'support')).rejects.toMatchObject({ code: 'staff_forbidden' });
  expect((await enter({ ...DECREE, off: `${DECREE.off} 01-11` })).madeId).toMatch(/^2027, [1-9]/);
  const now = await findPrivacyRequest(_id);
  expect(now).toMatchObject({ isProvisional: false, dueAt: new Date('2027-01-25T20:59:59.999Z') });
  expect(now.dueAt.getTime()).toBeGreaterThan(dueAt.getTime());
  expect(now.history.at(-1)).toMatchObject({ event: 'calendar' });
});

test.each([
  ['a day that is none', { off: '02-30' }],
  ['a day that is no Saturday or Sunday but would be worked on', { working: '11-12' }],
  ['what is no day', { off: '2027-01-01' }],
  ['a year out of reach', { year: '2019' }],
  ['a decree that nobody named', { decree: ' ' }],
])('%s is refused, and the year stays as it was', async (_name, wrong) => {
  const before = await ProductionCalendar.findById(2027).lean();
  await expect(enter({ ...DECREE, ...wrong })).rejects.toMatchObject({ code: 'invalid_request' });
  expect(await ProductionCalendar.findById(2027).lean()).toEqual(before);
});

test('from October on the next year is missed, and a year that nobody entered always', async () => {
  await ProductionCalendar.deleteMany({});
  const at = (date: string) => missingYears(Date.parse(`${date}T12:00:00+03:00`));
  expect(await at('2026-09-30')).toEqual([]);
  expect(await at('2026-10-01')).toEqual([2027]);
  expect(await at('2027-02-01')).toEqual([2027]);
  await enter({ ...DECREE, working: '11-13' });
  expect(await at('2026-10-01')).toEqual([]);
});
