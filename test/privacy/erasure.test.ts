import { randomBytes } from 'node:crypto';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { issueKey } from '../../src/auth/keys.ts';
import { createAccount, creditAccount } from '../../src/billing/credit.ts';
import { flushOutboxes } from '../../src/billing/ledger.ts';
import { armCrashPoint } from '../../src/crash-point.ts';
import { newId } from '../../src/ids.ts';
import { createLogger } from '../../src/log.ts';
import { ApiKey } from '../../src/models/api-key.ts';
import { nativeCollection } from '../../src/models/connect.ts';
import { Delivery } from '../../src/models/delivery.ts';
import { DestructionAct, DestructionEvent } from '../../src/models/destruction.ts';
import type { RequestDocument } from '../../src/models/request.ts';
import { accountsOfEmail, setContact } from '../../src/privacy/account-contact.ts';
import { exportRows, verifyErased } from '../../src/privacy/class-rows.ts';
import { CACHE_TTL_MS, createContentCipher } from '../../src/privacy/content-key.ts';
import { NO_JOURNAL } from '../../src/privacy/deletion-journal.ts';
import { brokenActs } from '../../src/privacy/destruction-acts.ts';
import { createEmailIndex } from '../../src/privacy/email-index.ts';
import { executeDue, executeErasure } from '../../src/privacy/erasure.ts';
import { createKeyStore } from '../../src/privacy/key-store.ts';
import {
  approveErasure,
  COOLING_OFF_MS,
  contactContext,
  fileRequest,
  findPrivacyRequest,
  planErasure,
  retryErasure,
  submitErasure,
  verifyIdentity,
} from '../../src/privacy/privacy-requests.ts';
import { ROW_CLASSES, rowClass } from '../../src/privacy/row-classes.ts';
import { accounts, ledger, requests } from '../helpers/invariants.ts';
import { useStores } from '../helpers/stores.ts';

useStores();
const masterKeys = new Map([[1, randomBytes(32)]]);
const keys = createKeyStore(masterKeys);
const emailIndex = createEmailIndex(masterKeys);
const log = createLogger({ role: 'test', level: 'silent' });
const running = new AbortController().signal;
/** Nothing is remembered, as in a process that has just started. */
const cipher = () => createContentCipher(masterKeys, keys);
let accountId: string;
let requestId: string;

/** A customer with a spent balance, an ended request, its delivery and a key. */
async function customer(): Promise<string> {
  const id = newId('acc');
  await createAccount(id);
  await creditAccount({ accountId: id, entryId: newId('pay'), amountMicros: 5_000_000n, kind: 'top_up' });
  await flushOutboxes([id], log);
  await accounts().updateOne({ _id: id }, { $set: { availableMicros: 0n } });
  await issueKey({ accountId: id, label: 'of Ivan' }, { pepper: randomBytes(32), seal: cipher().seal });
  await setContact(id, { email: 'ivan@example.ru', language: 'ru' }, 'anna', { cipher: cipher(), emailIndex });
  requestId = newId('req');
  const input = await cipher().seal(id, `requests|${requestId}|input`, Buffer.from('my prompt'));
  const row = {
    state: 'done',
    settled: true,
    attempt: 1,
    holdMicros: 1n,
    costMicros: 5n,
    idemKey: 'mine',
    webhook: 'pending',
    error: { code: 'x' },
  };
  await requests().insertOne({
    _id: requestId,
    accountId: id,
    keyId: 'key_1',
    model: 'm',
    input,
    ...row,
  } as unknown as RequestDocument);
  const url = await cipher().seal(id, `deliveries|evt_1|url`, Buffer.from('https://me.example'));
  await nativeCollection(Delivery).insertOne({
    _id: newId('evt'),
    requestId,
    accountId: id,
    state: 'pending',
    url,
  } as never);
  return id;
}

beforeEach(async () => {
  accountId = await customer();
});

async function scheduled(): Promise<string> {
  const letter = { type: 'erase_account', channel: 'letter', contact: 'ivan@example.ru', by: 'anna' } as const;
  const { _id } = await fileRequest({ accountId, ...letter, receivedAt: new Date() }, cipher());
  await verifyIdentity(_id, 'signed_letter', 'anna');
  const { manifest } = await planErasure(_id, 'anna');
  await submitErasure(_id, 'anna');
  await approveErasure(_id, manifest?.hash ?? '', 'boris');
  return _id;
}

const later = (ms = COOLING_OFF_MS + 1_000) => Date.now() + ms;
const execute = (id: string, nowMs = later()) =>
  executeErasure(id, { keys, journal: NO_JOURNAL, now: () => nowMs, signal: running });
const dark = () => later(COOLING_OFF_MS + 2 * CACHE_TTL_MS);

async function expectErased(id: string): Promise<void> {
  const done = await findPrivacyRequest(id);
  expect(done.state).toBe('completed_with_retained');
  for (const row of ROW_CLASSES) expect([row.id, await verifyErased(row, accountId)]).toEqual([row.id, 0]);
  expect(await nativeCollection(ApiKey).countDocuments({ accountId })).toBe(0);
  expect(await nativeCollection(Delivery).countDocuments({ accountId })).toBe(0);
  expect(await accountsOfEmail('ivan@example.ru', emailIndex)).not.toContain(accountId);
  const row = await requests().findOne({ _id: requestId });
  expect(row).toMatchObject({ keyId: 'erased', costMicros: 5n, model: 'm' });
  expect([row?.input, row?.idemKey, row?.error, row?.webhook]).toEqual([undefined, undefined, undefined, undefined]);
  expect(await accounts().findOne({ _id: accountId })).toMatchObject({
    status: 'closed',
    statusReason: 'erased',
    spend: {},
  });
  expect(await ledger().countDocuments({ accountId })).toBe(1);
  expect(done.retained?.map(({ classId, norm }) => [classId, norm !== undefined])).toContainEqual(['ledger', true]);
  await expect(cipher().seal(accountId, 'late', Buffer.from('an event'))).rejects.toThrow('was destroyed');
  const act = await nativeCollection<{ _id: number; causeId: string }>(DestructionAct).findOne({ causeId: id });
  expect(act).toMatchObject({ _id: done.actNumber, reason: '152-FZ art. 21(4)', subjects: 1, accountId });
  expect(await brokenActs()).toEqual([]);
}

describe('an erasure', () => {
  test('goes from a letter to an act, keeps the books, and can still answer the subject', async () => {
    const id = await scheduled();
    const begun = await execute(id);
    // Another process may have the key in its memory still.
    expect(begun.state).toBe('verifying');
    const { contact } = await execute(id, dark());
    await expectErased(id);
    const answer = await cipher().open(id, contactContext(id), contact ?? Buffer.alloc(0));
    expect(answer.toString()).toBe('ivan@example.ru');
    const { history } = await findPrivacyRequest(id);
    expect(history.map(({ event }) => event)).toEqual([
      'file',
      'verify',
      'plan',
      'submit',
      'approve',
      'begin',
      'destroyed',
      'complete_with_retained',
    ]);
    expect(JSON.stringify(history)).not.toMatch(/ivan|prompt/i);
  });

  test('goes on where it stopped when its process dies around every checkpoint, one after the other', async () => {
    const classes = ROW_CLASSES.filter(({ erasure }) => erasure.action !== 'keep').map(({ id }) => id);
    const id = await scheduled();
    const die = () => {
      throw new Error('killed');
    };
    for (const _class of classes) {
      for (const point of ['erase.before_checkpoint', 'erase.after_checkpoint'] as const) {
        armCrashPoint(point, 1, die);
        await expect(execute(id)).rejects.toThrow('killed');
        expect((await findPrivacyRequest(id)).state).toBe('executing');
      }
    }
    expect((await execute(id)).state).toBe('verifying');
    await execute(id, dark());
    await expectErased(id);
    const { checkpoints } = await findPrivacyRequest(id);
    expect(checkpoints.map(({ classId }) => classId)).toEqual(classes);
  });

  test('done by three processes at once is done once, with one act', async () => {
    const id = await scheduled();
    await Promise.allSettled([execute(id), execute(id), execute(id)]);
    await Promise.allSettled([execute(id, dark()), execute(id, dark())]);
    await expectErased(id);
    expect(await nativeCollection(DestructionAct).countDocuments({ causeId: id })).toBe(1);
    const events = await nativeCollection<{ classId: string; isConfirmed: boolean }>(DestructionEvent)
      .find({ causeId: id })
      .toArray();
    expect(events.filter(({ isConfirmed }) => !isConfirmed)).toEqual([]);
  });

  test('is taken up by the workers once the cooling-off is over, and not before', async () => {
    const id = await scheduled();
    await expect(execute(id, later(COOLING_OFF_MS - 60_000))).rejects.toThrow('cooling-off');
    await executeDue({ keys, journal: NO_JOURNAL, now: Date.now, signal: running }, log);
    expect((await findPrivacyRequest(id)).state).toBe('scheduled');
    await executeDue({ keys, journal: NO_JOURNAL, now: later, signal: running }, log);
    await executeDue({ keys, journal: NO_JOURNAL, now: dark, signal: running }, log);
    await expectErased(id);
  });

  test('that left something is failed, not completed, and completes when it is run again', async () => {
    const id = await scheduled();
    await execute(id);
    await requests().updateOne({ _id: requestId }, { $set: { idemKey: 'late' } });
    expect(await execute(id, dark())).toMatchObject({
      state: 'failed',
      failure: '1 rows of request.idempotency are left',
    });
    await retryErasure(id, 'anna');
    await execute(id);
    await execute(id, dark());
    await expectErased(id);
  });
});

test('an export has the subject’s own data, opened, and nobody else’s', async () => {
  const mine = accountId;
  await customer();
  const rows = [];
  for await (const page of exportRows(rowClass('request.content'), mine, cipher())) rows.push(...page);
  expect(rows).toHaveLength(1);
  expect(rows[0]).toMatchObject({ input: 'my prompt' });
  const contacts = [];
  for await (const page of exportRows(rowClass('account_contact'), mine, cipher())) contacts.push(...page);
  expect(contacts).toEqual([expect.objectContaining({ _id: mine, email: 'ivan@example.ru', language: 'ru' })]);
  const secrets = [];
  for await (const page of exportRows(rowClass('api_key.secret'), mine, cipher())) secrets.push(...page);
  expect(secrets[0]?.webhook).toMatchObject({ secrets: [expect.stringMatching(/^whsec_/)] });
});
