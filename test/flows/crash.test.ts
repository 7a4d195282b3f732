import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { createAccountWriter } from '../../src/billing/account.ts';
import { proposeAdjustment } from '../../src/billing/adjustments.ts';
import { inspectAccount } from '../../src/billing/survey.ts';
import { CRASH_POINTS, type CrashPoint } from '../../src/crash-point.ts';
import { newId } from '../../src/ids.ts';
import { Adjustment, type AdjustmentDocument } from '../../src/models/adjustment.ts';
import { nativeCollection } from '../../src/models/connect.ts';
import {
  armed,
  type CrashRow,
  type CrashSummary,
  crashTable,
  died,
  expectHonest,
  summarize,
} from '../helpers/crash-rows.ts';
import { eventually } from '../helpers/eventually.ts';
import { expectInvariants, ledger, requests, waitForQuiet } from '../helpers/invariants.ts';
import { useStores } from '../helpers/stores.ts';
import { type Customer, type System, type SystemProcess, startSystem } from '../helpers/system.ts';
import { type Call, type Reply, requestIdOf, send, sendUntilAnswered } from '../helpers/traffic.ts';
import { closeReceivers, type Receiver, startReceiver } from '../webhooks/receiver.ts';

/**
 * A process is killed (SIGKILL, by itself) between any two steps of a request, at its n-th passage of each label, with
 * calls of every mode on their way; others take over. One row of the printed table for each label and n. Passages are
 * the first one, or those of CRASH_PASSAGES ("1,2"); CRASH_REPORT names a file that gets the rows as JSON.
 */

const PASSAGES = (process.env.CRASH_PASSAGES ?? '1').split(',').map(Number);
jest.setTimeout(240_000);
const stores = useStores();
let system: System;
let receiver: Receiver;

// The shortest lease the settings allow, so that taking over takes about a second; webhooks give up sending soon.
const TIMERS = {
  LEASE_MS: '1500',
  LEASE_HEARTBEAT_MS: '400',
  QUEUE_LOCK_MS: '1000',
  SWEEP_ACCEPTED_MS: '2000',
  RECONCILE_INTERVAL_MS: '1000',
  WEBHOOK_CONNECT_MS: '500',
  WEBHOOK_TOTAL_MS: '1000',
};

const BATCHES_MAX = 12;
/** As many victims at once as two cores start in a second or two. */
const VICTIMS_MAX = 4;
const rows: CrashRow[] = [];
const summaries: CrashSummary[] = [];

beforeAll(async () => {
  system = await startSystem(stores, { apis: 1, workers: 0, env: TIMERS });
  receiver = await startReceiver();
}, 120_000);
afterAll(async () => {
  process.stdout.write(crashTable(summaries));
  if (process.env.CRASH_REPORT) writeFileSync(process.env.CRASH_REPORT, JSON.stringify(summaries));
  await closeReceivers();
  await system.stop();
});

/** Two calls of each mode; one of each has an Idempotency-Key. */
function calls(customer: Customer, label: CrashPoint, api?: SystemProcess): Call[] {
  const text = `said by ${customer.accountId} `.repeat(3);
  return (['sync', 'stream', 'async'] as const).flatMap((mode) => {
    const call: Call = { mode, api, text, script: 'd=20,w=100' };
    if (mode === 'async') call.callbackUrl = receiver.url;
    return [call, { ...call, idempotencyKey: `${label}-${mode}-${randomUUID()}` }];
  });
}

const sendAll = (customer: Customer, label: CrashPoint, api?: SystemProcess): Promise<Reply[]> =>
  Promise.all(calls(customer, label, api).map((call) => send(customer, call)));

/** A batch of calls every two seconds, as long as the process lives. */
async function sendUntilDead(
  customer: Customer,
  label: CrashPoint,
  victim: SystemProcess,
  answering: Promise<Reply[]>[],
): Promise<void> {
  let alive = true;
  const ended = victim.process.ended.then(() => {
    alive = false;
  });
  for (let batch = 0; alive && batch < BATCHES_MAX; batch++) {
    answering.push(sendAll(customer, label));
    await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 2_000))]);
  }
  await died(victim);
}

/** Clients with a key ask again after the crash, as SDKs do; the others know only what they got. */
function askAgain(customer: Customer, replies: readonly Reply[]): Promise<Reply[]> {
  return Promise.all(
    replies.map(async (reply) => {
      if (reply.complete || reply.call.idempotencyKey === undefined) return reply;
      return sendUntilAnswered(customer, { ...reply.call, api: system.apis[0] });
    }),
  );
}

const quiet = (customers: readonly Customer[]) =>
  eventually(
    async () => {
      const accountId = { $in: customers.map((customer) => customer.accountId) };
      expect(await requests().countDocuments({ accountId, settled: false })).toBe(0);
    },
    { timeoutMs: 90_000 },
  );

/** Those of erasures are in test/privacy/erasure-races.test.ts. */
const POINTS = CRASH_POINTS.filter((point) => !point.startsWith('erase.'));

const withPrefix = (...prefixes: string[]) =>
  POINTS.filter((point) => prefixes.some((prefix) => point.startsWith(prefix)));

describe.each(PASSAGES)('killed at passage %i,', (passage) => {
  // The sending of a webhook is tried again after its lease, so it goes first and is seen last.
  const workerPoints = [...withPrefix('webhook.'), ...withPrefix('run.', 'settle.', 'flush.')];

  const groups = Array.from({ length: Math.ceil(workerPoints.length / VICTIMS_MAX) }, (_, index) =>
    workerPoints.slice(index * VICTIMS_MAX, (index + 1) * VICTIMS_MAX),
  );

  for (const labels of groups) {
    test(`workers at ${labels.join(', ')} leave nothing held, doubled, untold or undelivered`, async () => {
      const startedMs = Date.now();
      const victims = await Promise.all(
        labels.map(async (label) => ({
          label,
          customer: await system.customer({ rub: 100 }),
          victim: await system.startWorker(armed(label, passage)),
          answering: [] as Promise<Reply[]>[],
        })),
      );
      // Who gets which job is not ours to say, so calls go on until everybody has come to its label.
      await Promise.all(
        victims.map(({ label, customer, victim, answering }) => sendUntilDead(customer, label, victim, answering)),
      );
      const replacement = await system.startWorker();
      const replies = await Promise.all(victims.map(({ answering }) => Promise.all(answering)));
      await quiet(victims.map(({ customer }) => customer));
      await replacement.kill();
      victims.forEach(({ label, customer }, index) => {
        rows.push({ label, passage, customer, replies: (replies[index] ?? []).flat(), ms: Date.now() - startedMs });
      });
      for (const row of rows.slice(-victims.length)) await expectHonest(row, system.apis[0]);
    });
  }

  test('api processes at any step of accepting and cancelling leave nothing held, doubled or unanswered', async () => {
    const labels = withPrefix('accept.', 'cancel.before_settle');
    const startedMs = Date.now();
    const own: CrashRow[] = [];
    const pending = await Promise.all(
      labels.map(async (label) => {
        const customer = await system.customer({ rub: label === 'accept.before_abort' ? 0 : 100 });
        const victim = await system.startApi(armed(label, passage));
        const sent = sendAll(customer, label, victim);
        // No worker runs yet, so what is cancelled still waits in the queue.
        if (label === 'cancel.before_settle') await cancelAll(customer, victim, 'accepted');
        await died(victim);
        return { label, customer, replies: await sent };
      }),
    );
    const worker = await system.startWorker();
    for (const { label, customer, replies } of pending) {
      const answered = await askAgain(customer, replies);
      own.push({ label, passage, customer, replies: answered, ms: Date.now() - startedMs });
    }
    own.push(await askedToStop('cancel.after_ask', passage));
    await quiet(own.map(({ customer }) => customer));
    await worker.kill();
    system.apis.splice(1);
    rows.push(...own);
    for (const row of own) await expectHonest(row, system.apis[0]);
  });

  test('sweepers at any step of repairing leave the rest to the next one', async () => {
    for (const label of withPrefix('sweep.')) {
      const startedMs = Date.now();
      const customer = await system.customer({ rub: 100 });
      const { replies: broken } = await leaveWork(label, customer, passage);
      const sweeper = await system.startWorker(armed(label, passage));
      await died(sweeper);
      const replacement = await system.startWorker();
      const replies = await askAgain(customer, await broken);
      await quiet([customer]);
      await replacement.kill();
      const row = { label, passage, customer, replies, ms: Date.now() - startedMs };
      rows.push(row);
      await expectHonest(row, system.apis[0]);
    }
  });

  test('workers at any step of a correction leave it to the next one', async () => {
    for (const label of withPrefix('adjust.')) {
      const startedMs = Date.now();
      const customer = await system.customer({ rub: 100 });
      for (let correction = 0; correction < passage; correction++) await leaveApproved(customer);
      await died(await system.startWorker(armed(label, passage)));
      const replacement = await system.startWorker();
      const { accountId } = customer;
      await eventually(
        async () => expect(await adjustments().countDocuments({ accountId, state: 'executed' })).toBe(passage),
        { timeoutMs: 60_000 },
      );
      await eventually(async () => {
        expect(await ledger().countDocuments({ accountId, kind: 'adjustment' })).toBe(passage);
        expect(await inspectAccount(accountId)).toEqual([]);
      });
      await replacement.kill();
      rows.push({ label, passage, customer, replies: [], ms: Date.now() - startedMs });
    }
  });
});

const adjustments = () => nativeCollection<AdjustmentDocument>(Adjustment);

/** An adjustment of one ruble that was approved by a process which died before it carried it out. */
async function leaveApproved({ accountId }: Customer): Promise<void> {
  const by = 'anna';
  const { _id } = await proposeAdjustment({ accountId, amountMicros: 1_000_000n, reason: 'a promise', by }, Date.now());
  const decidedAt = new Date(Date.now() - 60_000);
  await adjustments().updateOne({ _id }, { $set: { state: 'approved', decidedBy: 'boris', decidedAt } });
}

/** Cancels this customer's asynchronous requests, which are in this state, through one api process. */
async function cancelAll(customer: Customer, api: SystemProcess, state: 'accepted' | 'running'): Promise<void> {
  const filter = { accountId: customer.accountId, mode: 'async', state } as const;
  const ids = await eventually(async () => {
    const found = await requests().find(filter).toArray();
    expect(found).toHaveLength(2);
    return found.map(({ _id }) => _id);
  });
  for (const id of ids)
    await customer.fetch(`/v1/requests/${id}/cancel`, { method: 'POST', api }).catch(() => 'the process is gone');
}

/** An api process that dies after it has noted a cancellation and before it has told the worker. */
async function askedToStop(label: CrashPoint, passage: number): Promise<CrashRow> {
  const startedMs = Date.now();
  const customer = await system.customer({ rub: 100 });
  const victim = await system.startApi(armed(label, passage));
  const long = calls(customer, label).filter(({ mode }) => mode === 'async');
  const replies = await Promise.all(
    long.map((call) => send(customer, { ...call, script: 'w=8000', api: system.apis[0] })),
  );
  await cancelAll(customer, victim, 'running');
  await died(victim);
  return { label, passage, customer, replies, ms: Date.now() - startedMs };
}

/** What this step of the sweeper has to repair is left behind. Gives the replies of the calls it took, still on their way. */
async function leaveWork(
  label: CrashPoint,
  customer: Customer,
  passage: number,
): Promise<{ replies: Promise<Reply[]> }> {
  if (label === 'sweep.before_release') {
    for (let hold = 0; hold < passage; hold++) await forgottenHold(customer);
    return { replies: Promise.resolve([]) };
  }
  if (label === 'sweep.before_settle') return leaveUnsettled(label, customer, passage);
  // Held, and never queued. Only calls that every sweep takes the same way, whichever of them came first: what somebody can
  // come back for is queued again, what nobody waits for any more is ended.
  const queuedAgain = label === 'sweep.before_requeue';
  const victim = await system.startApi(armed('accept.after_hold', passage));
  const left = calls(customer, label, victim).filter(
    ({ mode, idempotencyKey }) => (mode === 'async' || idempotencyKey !== undefined) === queuedAgain,
  );
  const replies = Promise.all(left.map((call) => send(customer, call)));
  await died(victim);
  system.apis.splice(1);
  return { replies };
}

/** Ended, told and not settled. Nobody else may come to it first: no sweep of these workers, and no job in the queue. */
async function leaveUnsettled(
  label: CrashPoint,
  customer: Customer,
  passage: number,
): Promise<{ replies: Promise<Reply[]> }> {
  const withoutSweeps = { ...armed('run.after_tell', 1), SWEEP_INTERVAL_MS: '30000' };
  const batches: Promise<Reply[]>[] = [];
  for (let death = 0; death < passage; death++) {
    batches.push(sendAll(customer, label));
    await died(await system.startWorker(withoutSweeps));
  }
  const redis = new Redis(stores.redisUrl);
  const keys = await redis.keys(`${stores.prefix}:q:*`);
  if (keys.length > 0) await redis.unlink(keys);
  redis.disconnect();
  return { replies: Promise.all(batches).then((all) => all.flat()) };
}

/** A hold that landed after its process had died and its request was gone, past its expiry. */
async function forgottenHold({ accountId, keyId }: Customer): Promise<void> {
  // Not longer ago: a minute after its expiry the reconciler would tell of it.
  const at = new Date(Date.now() - 1_000);
  const hold = { accountId, keyId, requestId: newId('req'), amountMicros: 1_000_000n, at, expiresAt: at };
  expect(await createAccountWriter().hold({ ...hold, openMax: 100, caps: {} })).toMatchObject({ held: true });
}

test('after all of it the books are in order and every webhook has come, repeats under the same id', async () => {
  const worker = await system.startWorker();
  await waitForQuiet(60_000);
  await expectInvariants(system.sandboxUrl);
  for (const row of rows) summaries.push(await summarize(row, system, receiver.received));
  expect([...new Set(rows.map(({ label }) => label))].sort()).toEqual([...POINTS].sort());
  expect(rows).toHaveLength(POINTS.length * PASSAGES.length);
  const ids = receiver.received.map(({ headers }) => headers['webhook-id']);
  // The one whose sender died after sending was sent again; `expectDelivered` has seen that it kept its id.
  expect(ids.length).toBeGreaterThan(new Set(ids).size);
  for (const { replies } of rows)
    expect(replies.every((reply) => !reply.complete || requestIdOf(reply) !== '')).toBe(true);
  await worker.kill();
});
