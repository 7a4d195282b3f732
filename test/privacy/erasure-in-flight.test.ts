import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { approveAdjustment, proposeAdjustment } from '../../src/billing/adjustments.ts';
import { nativeCollection } from '../../src/models/connect.ts';
import { Delivery } from '../../src/models/delivery.ts';
import { CACHE_TTL_MS, createContentCipher } from '../../src/privacy/content-key.ts';
import { NO_JOURNAL } from '../../src/privacy/deletion-journal.ts';
import { executeErasure } from '../../src/privacy/erasure.ts';
import { createKeyStore } from '../../src/privacy/key-store.ts';
import {
  approveErasure,
  COOLING_OFF_MS,
  fileRequest,
  planErasure,
  submitErasure,
  verifyIdentity,
} from '../../src/privacy/privacy-requests.ts';
import { eventually } from '../helpers/eventually.ts';
import { accounts, expectInvariants, requests, waitForQuiet } from '../helpers/invariants.ts';
import { useStores } from '../helpers/stores.ts';
import { type System, startSystem } from '../helpers/system.ts';
import { errorOf, PATIENT_TIMERS, send } from '../helpers/traffic.ts';
import { closeReceivers, startReceiver } from '../webhooks/receiver.ts';

/** An erasure while the subject's stream is open and an event of theirs cannot be delivered. */

jest.setTimeout(120_000);
const stores = useStores();
const masterKey = randomBytes(32);
const keys = createKeyStore(new Map([[1, masterKey]]));
const cipher = createContentCipher(new Map([[1, masterKey]]), keys);
let system: System;
beforeAll(async () => {
  system = await startSystem(stores, { masterKey, env: { ...PATIENT_TIMERS, WEBHOOK_RETRY_SECONDS: '3600' } });
});
afterAll(async () => {
  await system.stop();
  await closeReceivers();
});

/** Gives the rest of the balance back, as two persons do. */
async function payOut(accountId: string): Promise<void> {
  const { availableMicros = 0n } = (await accounts().findOne({ _id: accountId })) ?? {};
  const proposal = { accountId, amountMicros: -availableMicros, reason: 'paid out', by: 'anna' };
  const { _id } = await proposeAdjustment(proposal, Date.now());
  await approveAdjustment(_id, 'boris', Date.now());
}

test('waits for the stream, drops the event, and the account stays dark and its books whole', async () => {
  const customer = await system.customer({ rub: 10 });
  const { accountId } = customer;
  const hook = await startReceiver(500);
  await send(customer, { mode: 'async', callbackUrl: hook.url });
  const pending = () => nativeCollection(Delivery).countDocuments({ accountId, state: 'pending' });
  await eventually(async () => expect([hook.received.length, await pending()]).toEqual([1, 1]));
  const stream = send(customer, { mode: 'stream', script: 'd=100', text: 'word '.repeat(40) });
  await eventually(async () => expect((await accounts().findOne({ _id: accountId }))?.open).toBe(1));

  const filing = { accountId, type: 'erase_account', channel: 'letter', receivedAt: new Date(), by: 'anna' } as const;
  const { _id } = await fileRequest(filing, cipher);
  await verifyIdentity(_id, 'signed_letter', 'anna');
  const refused = await send(customer, { mode: 'sync' });
  expect([refused.status, errorOf(refused)]).toEqual([403, 'account_suspended']);
  await planErasure(_id, 'anna');
  await expect(submitErasure(_id, 'anna')).rejects.toThrow(/open_requests \(1\)/);

  expect(errorOf(await stream)).toBeUndefined();
  await waitForQuiet();
  await payOut(accountId);
  await waitForQuiet();
  const { manifest } = await planErasure(_id, 'anna');
  expect(manifest?.blockers).toEqual([]);
  await submitErasure(_id, 'anna');
  await approveErasure(_id, manifest?.hash ?? '', 'boris');
  const at = (ms: number) => ({
    keys,
    journal: NO_JOURNAL,
    now: () => Date.now() + COOLING_OFF_MS + ms,
    signal: new AbortController().signal,
  });
  await executeErasure(_id, at(1_000));
  expect(await executeErasure(_id, at(2 * CACHE_TTL_MS))).toMatchObject({ state: 'completed_with_retained' });

  expect([await pending(), hook.received.length]).toEqual([0, 1]);
  const late = await send(customer, { mode: 'stream' });
  expect(late.status).toBe(401);
  expect(await requests().countDocuments({ accountId, state: { $nin: ['done', 'aborted'] } })).toBe(0);
  const reports = [...system.apis, ...system.workers].map(({ process }) => process.output()).join('');
  expect(reports).not.toMatch(/delivery not created|erasure not finished/);
  await expectInvariants(system.sandboxUrl);
});
