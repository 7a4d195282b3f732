import { randomBytes } from 'node:crypto';
import { beforeEach, expect, test } from '@jest/globals';
import { proposeAdjustment } from '../../src/billing/adjustments.ts';
import { createAccount } from '../../src/billing/credit.ts';
import { newId } from '../../src/ids.ts';
import type { PrivacyRequestDocument, PrivacyRequestType } from '../../src/models/privacy-request.ts';
import { ReconciliationAlert } from '../../src/models/reconciliation-alert.ts';
import type { RequestDocument } from '../../src/models/request.ts';
import { createContentCipher } from '../../src/privacy/content-key.ts';
import { NO_JOURNAL } from '../../src/privacy/deletion-journal.ts';
import { executeErasure } from '../../src/privacy/erasure.ts';
import { createKeyStore } from '../../src/privacy/key-store.ts';
import { setLegalHold } from '../../src/privacy/legal-holds.ts';
import {
  answerRequest,
  approveErasure,
  COOLING_OFF_MS,
  closeRequest,
  fileRequest,
  findPrivacyRequest,
  planErasure,
  submitErasure,
  verifyIdentity,
} from '../../src/privacy/privacy-requests.ts';
import { accounts, requests } from '../helpers/invariants.ts';
import { useStores } from '../helpers/stores.ts';

/** An erasure before the point of no return: what stands in its way, who decides, and who is blocked meanwhile. */

useStores();
const masterKeys = new Map([[1, randomBytes(32)]]);
const keys = createKeyStore(masterKeys);
const cipher = createContentCipher(masterKeys, keys);
let accountId: string;
let requestId: string;

beforeEach(async () => {
  accountId = newId('acc');
  requestId = newId('req');
  await createAccount(accountId);
  const input = await cipher.seal(accountId, `requests|${requestId}|input`, Buffer.from('my prompt'));
  const row = { state: 'done', settled: true, attempt: 1, holdMicros: 1n, costMicros: 5n, model: 'm', keyId: 'key_1' };
  await requests().insertOne({ _id: requestId, accountId, input, ...row } as unknown as RequestDocument);
});

const file = (type: PrivacyRequestType = 'erase_account') =>
  fileRequest({ accountId, type, channel: 'letter', receivedAt: new Date(), by: 'anna' }, cipher);
const status = async () => (await accounts().findOne({ _id: accountId }))?.status;

async function planned(): Promise<PrivacyRequestDocument> {
  const { _id } = await file();
  await verifyIdentity(_id, 'signed_letter', 'anna');
  return planErasure(_id, 'anna');
}

const alert = () => {
  const at = { firstSeenAt: new Date(), lastSeenAt: new Date() };
  const found = {
    kind: 'balance_differs',
    status: 'open',
    seq: 1n,
    expected: '1',
    found: '0',
    unresolved: true,
  } as const;
  return ReconciliationAlert.create({ _id: newId('alr'), accountId, ...found, ...at });
};

test.each([
  [
    'balance',
    () => accounts().updateOne({ _id: accountId }, { $set: { availableMicros: 12_500_000n } }),
    'balance (12.5',
  ],
  ['open request', () => accounts().updateOne({ _id: accountId }, { $set: { open: 1 } }), 'open_requests (1)'],
  ['unsettled request', () => requests().updateOne({ _id: requestId }, { $set: { settled: false } }), 'unsettled (1)'],
  ['legal hold', () => setLegalHold({ accountId, norm: 'GPK art. 57', by: 'lawyer' }), 'legal_hold (GPK art. 57)'],
  [
    'payment or refund that waits for approval',
    () => proposeAdjustment({ accountId, amountMicros: 5n, reason: 'a refund', by: 'anna' }, Date.now()),
    'adjustment (1)',
  ],
  ['dispute about the books', alert, 'alert (1)'],
])('an erasure is not approved over a %s', async (_name, arrange, message) => {
  await arrange();
  const { _id } = await planned();
  await expect(submitErasure(_id, 'anna')).rejects.toThrow(message);
  expect(await findPrivacyRequest(_id)).toMatchObject({ state: 'planned' });
});

test('a second person is needed, and only the manifest that was read is approved', async () => {
  const { _id, manifest } = await planned();
  await submitErasure(_id, 'anna');
  const approve = (hash: string, by: string) => approveErasure(_id, hash, by);
  await expect(approve(manifest?.hash ?? '', 'anna')).rejects.toMatchObject({ code: 'second_person_needed' });
  await expect(approve('another', 'boris')).rejects.toMatchObject({ code: 'state_conflict' });
  expect(await approve(manifest?.hash ?? '', 'boris')).toMatchObject({ state: 'scheduled', approvedBy: 'boris' });
});

test('what has changed since the approval is planned anew, and nothing is destroyed', async () => {
  const { _id, manifest } = await planned();
  await submitErasure(_id, 'anna');
  await approveErasure(_id, manifest?.hash ?? '', 'boris');
  await accounts().updateOne({ _id: accountId }, { $set: { availableMicros: 1n } });
  const now = () => Date.now() + COOLING_OFF_MS + 1_000;
  const { signal } = new AbortController();
  const done = await executeErasure(_id, { keys, journal: NO_JOURNAL, now, signal });
  expect(done).toMatchObject({ state: 'planned', checkpoints: [] });
  expect((await requests().findOne({ _id: requestId }))?.input).toBeDefined();
});

test('the account is blocked from the identification on, and free again when the subject changes their mind', async () => {
  const { _id } = await file();
  expect(await status()).toBe('active');
  await verifyIdentity(_id, 'session', 'anna');
  expect(await status()).toBe('suspended');
  await closeRequest(_id, 'cancel', 'anna', 'asked by the subject');
  expect(await status()).toBe('active');
  await expect(planErasure(_id, 'anna')).rejects.toMatchObject({ code: 'state_conflict' });
});

test('a blocked customer can still file, and a request is not unblocked by another one that ends', async () => {
  const first = await file();
  await verifyIdentity(first._id, 'session', 'anna');
  const second = await file('rectify');
  await verifyIdentity(second._id, 'session', 'anna');
  expect(await answerRequest(second._id, 'anna', 'corrected')).toMatchObject({ state: 'completed' });
  expect(await status()).toBe('suspended');
});
