import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Announcement, type Audience } from '../../src/models/announcement.ts';
import { AuditEntry } from '../../src/models/audit-entry.ts';
import { shownAnnouncements } from '../../src/support/announcements.ts';
import { useStores } from '../helpers/stores.ts';
import { type Customer, type System, startSystem } from '../helpers/system.ts';
import { give, perform, person } from '../operations/desk.ts';

const stores = useStores();
const operator = person('operator');
let system: System;
let customer: Customer;

beforeAll(async () => {
  system = await startSystem(stores, { workers: 0 });
  customer = await system.customer();
});
afterAll(() => system.stop());

async function draft(audience: Audience): Promise<string> {
  const input = { audience, titleRu: 'Работы', titleEn: 'Works', textRu: 'Ночью работы', textEn: 'Works at night' };
  const { madeId = '' } = await perform(operator, { name: 'announcements.draft', input });
  return madeId;
}

async function told(): Promise<string[]> {
  const answer = await customer.fetch('/v1/announcements');
  expect(answer.status).toBe(200);
  return ((await answer.json()) as { data: { id: string }[] }).data.map(({ id }) => id);
}

test('owners are told what is published for them, in both languages, until it is ended; drafts are shown to nobody', async () => {
  const [everybody, owners, staff] = [await draft('everybody'), await draft('owners'), await draft('staff')];
  expect(await told()).toEqual([]);
  for (const id of [everybody, owners, staff]) await give(operator, 'announcements.publish', id);
  expect(new Set(await told())).toEqual(new Set([owners, everybody]));
  expect(new Set((await shownAnnouncements('staff')).map(({ _id }) => _id))).toEqual(new Set([staff, everybody]));
  const { data } = (await (await customer.fetch('/v1/announcements')).json()) as { data: object[] };
  expect(data[0]).toEqual({
    id: expect.any(String),
    object: 'announcement',
    title: { ru: 'Работы', en: 'Works' },
    text: { ru: 'Ночью работы', en: 'Works at night' },
    published_at: expect.any(Number),
    ends_at: null,
  });
  await give(operator, 'announcements.end', everybody);
  expect(await told()).toEqual([owners]);
  await give(operator, 'announcements.end', owners);
  expect(await AuditEntry.countDocuments({ targetId: owners, outcome: 'done' })).toBe(2);
});

test('one with an end is not shown after it, and none is published twice, after its end, or into the past', async () => {
  const id = await draft('owners');
  const publish = (more: Record<string, string> = {}) => give(operator, 'announcements.publish', id, more);
  await expect(publish({ endsAt: '2020-01-01T00:00:00Z' })).rejects.toMatchObject({ code: 'invalid_request' });
  await publish({ endsAt: new Date(Date.now() + 3_600_000).toISOString() });
  expect(await told()).toEqual([id]);
  await expect(publish()).rejects.toMatchObject({ code: 'state_conflict' });
  await Announcement.updateOne({ _id: id }, { endsAt: new Date(Date.now() - 1) });
  expect(await told()).toEqual([]);
  await give(operator, 'announcements.end', id);
  for (const name of ['announcements.publish', 'announcements.end'] as const)
    await expect(give(operator, name, id)).rejects.toMatchObject({ code: 'state_conflict' });
});
