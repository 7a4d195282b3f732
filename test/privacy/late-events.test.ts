import { randomBytes } from 'node:crypto';
import { beforeEach, expect, test } from '@jest/globals';
import { createAccountWriter } from '../../src/billing/account.ts';
import { createAccount, creditAccount } from '../../src/billing/credit.ts';
import { flushOutboxes } from '../../src/billing/ledger.ts';
import { newId } from '../../src/ids.ts';
import { createLogger } from '../../src/log.ts';
import { ApiKey } from '../../src/models/api-key.ts';
import { nativeCollection } from '../../src/models/connect.ts';
import { Delivery, type DeliveryDocument } from '../../src/models/delivery.ts';
import type { RequestDocument } from '../../src/models/request.ts';
import { Ticket } from '../../src/models/ticket.ts';
import { eraseRows, verifyErased } from '../../src/privacy/class-rows.ts';
import { CACHE_TTL_MS, createContentCipher } from '../../src/privacy/content-key.ts';
import { executeErasure } from '../../src/privacy/erasure.ts';
import { createKeyStore } from '../../src/privacy/key-store.ts';
import {
  approveErasure,
  fileRequest,
  planErasure,
  retryErasure,
  submitErasure,
  verifyIdentity,
} from '../../src/privacy/privacy-requests.ts';
import { ROW_CLASSES, rowClass } from '../../src/privacy/row-classes.ts';
import { createRequestWriter } from '../../src/requests/writer.ts';
import { openTicket, writeToTicket } from '../../src/support/tickets.ts';
import { createDeliveries } from '../../src/webhooks/deliver.ts';
import { deliveryIdOf } from '../../src/webhooks/owed.ts';
import { accounts, ledger, requests } from '../helpers/invariants.ts';
import { useStores } from '../helpers/stores.ts';
import { afterCoolingOff } from './erasures.ts';

/** What comes when its subject is erased already leaves nothing of the subject behind, and the books as they were. */

useStores();
const masterKeys = new Map([[1, randomBytes(32)]]);
const keys = createKeyStore(masterKeys);
const log = createLogger({ role: 'test', level: 'silent' });
/** Of a process that has the account's key in its memory, and of one that does not. */
const cipher = () => createContentCipher(masterKeys, keys);
let accountId: string;
let keyId: string;
let requestId: string;
let ticketId: string;
let warm: ReturnType<typeof cipher>;

/** A webhook sender that answers when it is told to. */
function slowReceiver() {
  let [answer, begin]: (() => void)[] = [() => undefined, () => undefined];
  const isSending = new Promise<void>((resolve) => {
    begin = resolve;
  });
  const isAnswered = new Promise<void>((resolve) => {
    answer = resolve;
  });
  const send = async () => {
    begin?.();
    await isAnswered;
    return { outcome: 'timeout', ms: 1 } as const;
  };
  return { isSending, answer: () => answer?.(), sender: { send, longestMs: 60_000 } };
}

function deliveriesOf(sender: ReturnType<typeof slowReceiver>['sender'], enqueued: string[] = []) {
  const { open, seal } = warm;
  const enqueueDelivery = async (deliveryId: string) => void enqueued.push(deliveryId);
  const schedule = { retryDelaysMs: [1_000], overdueMs: 60_000 };
  const marks = createRequestWriter({ worker: 'wrk_late', leaseMs: 60_000 });
  return createDeliveries({
    sender,
    marks,
    open,
    seal,
    buildEvent: async () => '{}',
    enqueueDelivery,
    log,
    ...schedule,
  });
}

const stale = () =>
  ({ _id: requestId, accountId, keyId, state: 'done' }) as unknown as Pick<
    RequestDocument,
    '_id' | 'accountId' | 'keyId' | 'state'
  >;

beforeEach(async () => {
  [accountId, keyId, requestId] = [newId('acc'), newId('key'), newId('req')];
  warm = cipher();
  await createAccount(accountId);
  await creditAccount({ accountId, entryId: newId('pay'), amountMicros: 5_000_000n, kind: 'top_up' });
  await flushOutboxes([accountId], log);
  await accounts().updateOne({ _id: accountId }, { $set: { availableMicros: 0n } });
  const seal = (context: string, text: string) => warm.seal(accountId, context, Buffer.from(text));
  const url = await seal(`api_keys|${keyId}|webhook.url`, 'https://ivan.example/hook');
  const secrets = [await seal(`api_keys|${keyId}|webhook.secret`, `whsec_${randomBytes(32).toString('base64')}`)];
  const digest = randomBytes(16).toString('hex');
  await nativeCollection(ApiKey).insertOne({ _id: keyId, accountId, digest, webhook: { url, secrets } } as never);
  const input = await seal(`requests|${requestId}|input`, 'my prompt');
  const ended = {
    state: 'done',
    settled: true,
    attempt: 1,
    holdMicros: 5n,
    costMicros: 5n,
    webhook: 'pending',
    attempts: [],
  };
  await requests().insertOne({
    _id: requestId,
    accountId,
    keyId,
    model: 'm',
    input,
    ...ended,
  } as unknown as RequestDocument);
  ticketId = (await openTicket({ accountId, by: keyId, subject: 'my trouble', text: 'call me' }, warm))._id;
});

const at = (ms: number) => afterCoolingOff(keys, ms);
const dark = at(3 * CACHE_TTL_MS);

/** Approved, and with everything destroyed; the check that nothing is left comes later. */
async function destroyed(): Promise<string> {
  const { _id } = await fileRequest(
    { accountId, type: 'erase_account', channel: 'letter', receivedAt: new Date(), by: 'anna' },
    cipher(),
  );
  await verifyIdentity(_id, 'signed_letter', 'anna');
  const { manifest } = await planErasure(_id, 'anna');
  expect(manifest?.blockers).toEqual([]);
  await submitErasure(_id, 'anna');
  await approveErasure(_id, manifest?.hash ?? '', 'boris');
  expect((await executeErasure(_id, at(1_000))).state).toBe('verifying');
  return _id;
}

async function expectNothingLeft(id: string): Promise<void> {
  expect((await executeErasure(id, at(9 * CACHE_TTL_MS))).state).toBe('completed_with_retained');
  for (const row of ROW_CLASSES) expect([row.id, await verifyErased(row, accountId)]).toEqual([row.id, 0]);
  const row = await requests().findOne({ _id: requestId });
  expect([row?.input, row?.result, row?.error, row?.keyId, row?.costMicros]).toEqual([
    undefined,
    undefined,
    undefined,
    'erased',
    5n,
  ]);
}

/** The account's money and its ledger. */
async function books() {
  const { availableMicros, heldMicros, outbox, status } = (await accounts().findOne({ _id: accountId })) ?? {};
  const entries = await ledger().find({ accountId }).toArray();
  return { availableMicros, heldMicros, outbox, status, entries };
}

test('an attempt at a webhook that ends after the erasure writes nothing, and its retries find nothing', async () => {
  const { isSending, answer, sender } = slowReceiver();
  const enqueued: string[] = [];
  const deliveries = deliveriesOf(sender, enqueued);
  const deliveryId = (await deliveries.createFor(stale())) ?? '';
  expect(deliveryId).toBe(deliveryIdOf(requestId));
  const attempt = deliveries.attempt(deliveryId);
  await isSending;
  const id = await destroyed();
  answer();
  expect(await attempt).toBe('skipped');
  expect(await deliveries.attempt(deliveryId)).toBe('skipped');
  expect(await deliveries.redeliver(deliveryId)).toBe('not_found');
  // Somebody who read the request before it was erased, and knows neither key nor address any more.
  expect(await deliveries.createFor(stale())).toBeUndefined();
  expect(enqueued).toEqual([deliveryId]);
  expect(await nativeCollection(Delivery).countDocuments({ accountId })).toBe(0);
  await expectNothingLeft(id);
});

test('a delivery that a process with the key in its memory still writes is found, and goes when the erasure is repeated', async () => {
  const id = await destroyed();
  const _id = deliveryIdOf(requestId);
  const url = await warm.seal(accountId, `deliveries|${_id}|url`, Buffer.from('https://ivan.example/hook'));
  await nativeCollection<DeliveryDocument>(Delivery).insertOne({
    _id,
    requestId,
    accountId,
    state: 'pending',
    url,
  } as never);
  expect(await executeErasure(id, dark)).toMatchObject({ state: 'failed', failure: '1 rows of delivery are left' });
  await retryErasure(id, 'boris');
  await executeErasure(id, dark);
  await expectNothingLeft(id);
  await expect(cipher().seal(accountId, `deliveries|${_id}|url`, Buffer.from('again'))).rejects.toThrow('destroyed');
});

test('a worker’s late result, a late settlement and a late payment leave no text, and the money exact', async () => {
  const id = await destroyed();
  const before = await books();
  const writer = createRequestWriter({ worker: 'wrk_late', leaseMs: 60_000 });
  const result = await warm.seal(accountId, `requests|${requestId}|result`, Buffer.from('my answer'));
  const finish = {
    state: 'done',
    costMicros: 9n,
    usageSource: 'none',
    result,
    resultKind: 'json',
  } as const;
  const late = {
    attempts: [],
    ...finish,
    requestId,
    attempt: 1,
    finishedAt: new Date(),
    forgetContent: false,
    webhook: true,
  };
  await writer.finish(late);
  const money = createAccountWriter();
  await money.settle({
    accountId,
    keyId,
    requestId,
    holdMicros: 5n,
    costMicros: 5n,
    day: 'd2026-11-26',
    month: 'm2026-11',
  });
  expect(await books()).toEqual(before);
  await expectNothingLeft(id);
  // Money that comes after all is in the books, on an account that stays closed, and says nothing about a person.
  await creditAccount({ accountId, entryId: newId('pay'), amountMicros: 7_000_000n, kind: 'top_up' });
  await flushOutboxes([accountId], log);
  const after = await books();
  expect([after.availableMicros, after.status, after.entries.length]).toEqual([
    7_000_000n,
    'closed',
    before.entries.length + 1,
  ]);
  for (const row of ROW_CLASSES) expect([row.id, await verifyErased(row, accountId)]).toEqual([row.id, 0]);
});

test('a reply to a ticket that is gone is refused, and no new ticket comes into being', async () => {
  const id = await destroyed();
  const reply = { kind: 'reply', by: 'stf_1', text: 'call Ivan back' } as const;
  await expect(writeToTicket(ticketId, reply, warm)).rejects.toMatchObject({ code: 'not_found' });
  const opening = { accountId, by: keyId, subject: 'again', text: 'it is me, Ivan' };
  for (const process of [warm, cipher()])
    await expect(openTicket(opening, process)).rejects.toMatchObject({ code: 'not_found' });
  expect(await nativeCollection(Ticket).countDocuments({ accountId })).toBe(0);
  await expectNothingLeft(id);
});

test('several processes that erase the same rows at once count each row once', async () => {
  const row = rowClass('request.usage');
  const counts: number[] = [];
  // Where each counts the others' rows as well, that is so once in about twenty rounds.
  for (let round = 0; round < 100; round++) {
    const owner = newId('acc');
    const ids = [newId('req'), newId('req'), newId('req')];
    const rows = ids.map((_id) => ({ _id, accountId: owner, keyId, state: 'done', settled: true, attempt: 1 }));
    await requests().insertMany(rows.map((one) => ({ ...one, holdMicros: 1n })) as RequestDocument[]);
    const erased = await Promise.all([1, 2, 3].map(() => eraseRows(row, owner, ids)));
    counts.push(erased.reduce((sum, count) => sum + count, 0));
  }
  expect(counts).toEqual(counts.map(() => 3));
});
