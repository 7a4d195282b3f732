import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { segments } from '../../src/billing/segments.ts';
import { alerts, busyAccount, TAMPERINGS } from '../billing/books.ts';
import { eventually } from '../helpers/eventually.ts';
import { accounts } from '../helpers/invariants.ts';
import { useStores } from '../helpers/stores.ts';
import { type System, startSystem } from '../helpers/system.ts';

/** Real worker processes watch the books: whatever is changed behind their back is named, and only that account stops. */

const PROMISED_MS = 60_000;

const stores = useStores();
let system: System;
beforeAll(async () => {
  system = await startSystem(stores, { apis: 0, workers: 2, env: { RECONCILE_INTERVAL_MS: '500' } });
});
afterAll(() => system.stop());

test('every kind of tampering is named by account and row within a minute, once, and freezes that account alone', async () => {
  const lasting = TAMPERINGS.filter(({ isSwept }) => !isSwept);
  const victims = await Promise.all(lasting.map(async (one) => ({ ...one, accountId: await busyAccount() })));
  const bystanders = await Promise.all([busyAccount(), busyAccount(), busyAccount()]);
  await eventually(async () => {
    expect(await segments().countDocuments({ 'end.seq': 7n })).toBe(victims.length + bystanders.length);
  });
  expect(await alerts().countDocuments()).toBe(0);

  for (const { tamper, accountId } of victims) await tamper(accountId);
  await eventually(
    async () => {
      for (const { name, accountId, expected } of victims) {
        const found = await alerts()
          .find({ accountId }, { projection: { _id: 0, kind: 1, seq: 1 } })
          .toArray();
        expect([name, found]).toEqual([name, expect.arrayContaining(expected)]);
      }
    },
    { timeoutMs: PROMISED_MS, intervalMs: 250 },
  );
  const counts = await alerts()
    .aggregate([{ $group: { _id: { accountId: '$accountId', kind: '$kind' }, count: { $sum: 1 } } }])
    .toArray();
  expect(counts.filter(({ count }) => count !== 1)).toEqual([]);
  const statuses = await accounts()
    .find({}, { projection: { status: 1, statusReason: 1 } })
    .toArray();
  const active = statuses.filter(({ status }) => status === 'active').map(({ _id }) => _id);
  expect(active.sort()).toEqual(bystanders.sort());
  expect(await alerts().countDocuments({ accountId: { $in: bystanders } })).toBe(0);
});
