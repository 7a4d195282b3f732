import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import type { CrashPoint } from '../../src/crash-point.ts';
import { newId } from '../../src/ids.ts';
import { nativeCollection } from '../../src/models/connect.ts';
import { Delivery } from '../../src/models/delivery.ts';
import { DestructionEvent } from '../../src/models/destruction.ts';
import { AccountRollup } from '../../src/models/rollup.ts';
import { setContact } from '../../src/privacy/account-contact.ts';
import { CACHE_TTL_MS, createContentCipher } from '../../src/privacy/content-key.ts';
import { createDeletionJournal } from '../../src/privacy/deletion-journal.ts';
import { createEmailIndex } from '../../src/privacy/email-index.ts';
import { executeErasure } from '../../src/privacy/erasure.ts';
import { createKeyStore } from '../../src/privacy/key-store.ts';
import {
  approveErasure,
  fileRequest,
  findPrivacyRequest,
  planErasure,
  submitErasure,
  verifyIdentity,
} from '../../src/privacy/privacy-requests.ts';
import { LAG_MS } from '../../src/rollups/next-batch.ts';
import { rollUp } from '../../src/rollups/roll-up.ts';
import { silent } from '../billing/teller.ts';
import { armed, died } from '../helpers/crash-rows.ts';
import { eventually } from '../helpers/eventually.ts';
import { accounts, expectInvariants, requests, waitForQuiet } from '../helpers/invariants.ts';
import { useStores } from '../helpers/stores.ts';
import { type System, type SystemProcess, startSystem } from '../helpers/system.ts';
import { errorOf, PATIENT_TIMERS, send } from '../helpers/traffic.ts';
import { closeReceivers, startReceiver } from '../webhooks/receiver.ts';
import { sealedOf } from './dumps.ts';
import { afterCoolingOff, approveNow, type Erasure, expectErasedOnce, passDarkness, payOut } from './erasures.ts';

/**
 * Erasures with real processes: while the subject's stream is open and an event of theirs cannot be delivered, while workers
 * are killed at every step, and by two workers at once. With CRASH_PASSAGES set they are also killed at every class;
 * CRASH_REPORT_ERASURES names a file that gets what came of it as JSON.
 */

const stores = useStores();
const masterKey = randomBytes(32);
const masterKeys = new Map([[1, masterKey]]);
const keys = createKeyStore(masterKeys);
const cipher = createContentCipher(masterKeys, keys);
const folder = mkdtempSync(path.join(os.tmpdir(), 'ocelotiq-erasures-'));
const evidence = { masterKey, journal: createDeletionJournal(folder) };
/** Of workers that shall take an erasure up at once. */
const EAGER = { ERASURE_INTERVAL_MS: '50' };
const EVERY_CLASS = process.env.CRASH_PASSAGES !== undefined;
const KILLS_MAX = 100;
jest.setTimeout(EVERY_CLASS ? 1_800_000 : 240_000);
const report: Record<string, string | number>[] = [];
let system: System;
let subjects: Subject[];
beforeAll(async () => {
  const env = { ...PATIENT_TIMERS, WEBHOOK_RETRY_SECONDS: '3600', DELETION_JOURNAL_DIR: folder };
  system = await startSystem(stores, { masterKey, env });
  subjects = await Promise.all([subject(), subject(), subject()]);
});
afterAll(async () => {
  if (process.env.CRASH_REPORT_ERASURES) writeFileSync(process.env.CRASH_REPORT_ERASURES, JSON.stringify(report));
  await system.stop();
  await closeReceivers();
  rmSync(folder, { recursive: true, force: true });
});

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
  const at = (ms: number) => afterCoolingOff(keys, ms);
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

type Subject = Omit<Erasure, 'requestId'>;

/** A subject with rows of many classes and no money left, whose erasure was approved. A worker must be running. */
async function subject(): Promise<Subject> {
  const customer = await system.customer({ rub: 10 });
  const { accountId } = customer;
  const email = `${accountId}@example.org`;
  await setContact(accountId, { email, language: 'ru' }, 'anna', { cipher, emailIndex: createEmailIndex(masterKeys) });
  const opened = await customer.fetch('/v1/tickets', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ subject: 'Two charges', text: 'Why was I charged twice?' }),
  });
  expect(opened.status).toBe(201);
  const hook = await startReceiver();
  const calls = [
    { mode: 'sync' },
    { mode: 'stream', idempotencyKey: 'mine' },
    { mode: 'async', callbackUrl: hook.url },
  ];
  for (const call of calls as Parameters<typeof send>[1][]) expect(errorOf(await send(customer, call))).toBeUndefined();
  const delivered = { accountId, state: 'delivered' };
  await eventually(async () => expect(await nativeCollection(Delivery).countDocuments(delivered)).toBe(1));
  await waitForQuiet();
  await payOut(accountId);
  await waitForQuiet();
  await rolledUp(accountId);
  return { accountId, sealed: await sealedOf(accountId) };
}

/** Hourly sums come later than an erasure can only where nobody waits a day for it, as here: they are made now. */
async function rolledUp(accountId: string): Promise<void> {
  await eventually(async () => {
    await rollUp(Date.now() + 2 * LAG_MS, silent);
    expect(await nativeCollection(AccountRollup).countDocuments({ accountId })).toBeGreaterThan(0);
  });
}

async function approved(one: Subject | undefined): Promise<Erasure> {
  if (!one) throw new Error('no subject is left');
  return { ...one, requestId: await approveNow(one.accountId, cipher) };
}

/** So many rows that it takes a while to go through them. */
async function addDeliveries(accountId: string): Promise<void> {
  const row = () => ({ _id: newId('evt'), requestId: newId('req'), accountId, state: 'failed', url: Buffer.from('u') });
  await nativeCollection(Delivery).insertMany([...Array(3_000)].map(row) as never[]);
}

async function expectState(requestId: string, state: string): Promise<void> {
  await eventually(async () => expect((await findPrivacyRequest(requestId)).state).toBe(state), { timeoutMs: 60_000 });
}

/** Completes it by a process that lives on, and gives that. */
async function complete({ requestId }: Erasure): Promise<SystemProcess> {
  const worker = await system.startWorker(EAGER);
  await expectState(requestId, 'verifying');
  await passDarkness(requestId);
  await expectState(requestId, 'completed_with_retained');
  return worker;
}

const dieAt = async (point: CrashPoint, passage: number) =>
  died(await system.startWorker({ ...EAGER, ...armed(point, passage) }));

/** Whether the worker died before the last class was gone through. */
async function diedOnTheWay(worker: SystemProcess, requestId: string): Promise<boolean> {
  let ended: unknown;
  void worker.process.ended.then((end) => {
    ended = end;
  });
  const isOver = async () => ended !== undefined || (await findPrivacyRequest(requestId)).state === 'verifying';
  await eventually(async () => expect(await isOver()).toBe(true), { timeoutMs: 60_000 });
  return ended !== undefined;
}

test('workers killed at any step of an erasure leave it to the next one, and it is carried out once', async () => {
  const erasure = await approved(subjects[0]);
  for (const worker of system.workers.splice(0)) await worker.kill();
  await dieAt('erase.after_begin', 1);
  await dieAt('erase.after_journal', 1);
  await dieAt('erase.after_announce', 1);
  await dieAt('erase.before_confirm', 2);
  await dieAt('erase.before_checkpoint', 2);
  await dieAt('erase.after_checkpoint', 2);
  await dieAt('erase.before_verify', 1);
  await passDarkness(erasure.requestId);
  await dieAt('erase.after_number', 1);
  await dieAt('erase.before_end', 1);
  await (await complete(erasure)).kill();
  // What was announced by those two is all that nobody confirmed.
  expect(await expectErasedOnce(erasure, evidence)).toBe(2);
});

test('two workers at one erasure carry it out once, also when one of them stood still in the middle of it', async () => {
  const [, first, second] = subjects;
  for (const one of [first, second]) await addDeliveries(one?.accountId ?? '');
  const held = await system.startWorker(EAGER);
  const one = await approved(first);
  const causeId = one.requestId;
  await eventually(
    async () => expect(await nativeCollection(DestructionEvent).countDocuments({ causeId })).toBeGreaterThan(0),
    { intervalMs: 1 },
  );
  held.process.child.kill('SIGSTOP');
  const rival = await complete(one);
  held.process.child.kill('SIGCONT');

  const two = await approved(second);
  await expectState(two.requestId, 'verifying');
  await rival.kill();
  await passDarkness(two.requestId);
  // It takes one erasure after the other, so it has come to itself amid the first, and is through with that.
  await expectState(two.requestId, 'completed_with_retained');
  await held.kill();
  for (const erasure of [one, two]) await expectErasedOnce(erasure, evidence);
});

const CLASS_POINTS = [
  'erase.after_announce',
  'erase.before_confirm',
  'erase.before_checkpoint',
  'erase.after_checkpoint',
] as const;

for (const point of EVERY_CLASS ? CLASS_POINTS : []) {
  test(`workers killed at ${point} of every class leave it to the next one`, async () => {
    const startedMs = Date.now();
    const helper = await system.startWorker();
    const erasure = await approved(await subject());
    await helper.kill();
    let kills = 0;
    for (let alive = false; !alive && kills < KILLS_MAX; ) {
      // Only a checkpoint that was written is not met again; of the others, the first one is where the last worker died.
      const passage = kills === 0 || point === 'erase.after_checkpoint' ? 1 : 2;
      const victim = await system.startWorker({ ...EAGER, ...armed(point, passage) });
      alive = !(await diedOnTheWay(victim, erasure.requestId));
      if (alive) await victim.kill();
      else kills++;
    }
    await (await complete(erasure)).kill();
    const unconfirmed = await expectErasedOnce(erasure, evidence);
    expect(kills).toBeGreaterThan(3);
    report.push({ label: point, kills, unconfirmed, seconds: ((Date.now() - startedMs) / 1_000).toFixed(1) });
  });
}

test('after all of it the books are in order', async () => {
  await waitForQuiet();
  await expectInvariants(system.sandboxUrl);
});
