import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { CRASH_POINTS, type CrashPoint } from '../../src/crash-point.ts';
import { eventually } from '../helpers/eventually.ts';
import { expectInvariants, ledger, requests, waitForQuiet } from '../helpers/invariants.ts';
import { useStores } from '../helpers/stores.ts';
import { type Customer, type System, type SystemProcess, startSystem } from '../helpers/system.ts';
import {
  type Call,
  errorOf,
  expectAnswerIsStored,
  expectDelivered,
  type Reply,
  requestIdOf,
  send,
  sendUntilAnswered,
} from '../helpers/traffic.ts';
import { closeReceivers, type Receiver, startReceiver } from '../webhooks/receiver.ts';

/**
 * A process is killed (SIGKILL, by itself) between any two steps of a request, at its first passage of each label, with
 * calls of every mode on their way; another takes over. One row of the printed table for each label.
 */

jest.setTimeout(180_000);
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

beforeAll(async () => {
  system = await startSystem(stores, { apis: 1, workers: 0, env: TIMERS });
  receiver = await startReceiver();
}, 120_000);
afterAll(async () => {
  process.stdout.write(table());
  await closeReceivers();
  await system.stop();
});

type Row = { label: CrashPoint; customer: Customer; replies: Reply[]; ms: number };
const rows: Row[] = [];
const summaries: Record<string, string | number>[] = [];

const API_POINTS = CRASH_POINTS.filter((point) => point.startsWith('accept.'));
/** The sending of a webhook is tried again after a lease and a wait of half a minute, so it goes first and is seen last. */
const WORKER_POINTS = ['webhook.after_send' as const, ...CRASH_POINTS.filter((point) => isWorkerPoint(point))];

function isWorkerPoint(point: CrashPoint): boolean {
  return !point.startsWith('accept.') && point !== 'webhook.after_send';
}

/** Two calls of each mode; one of each has an Idempotency-Key. */
function calls(label: CrashPoint, api?: SystemProcess): Call[] {
  const text = 'said before and after the crash '.repeat(3);
  return (['sync', 'stream', 'async'] as const).flatMap((mode) => {
    const call: Call = { mode, api, text, script: 'd=20,w=100' };
    if (mode === 'async') call.callbackUrl = receiver.url;
    return [call, { ...call, idempotencyKey: `${label}-${mode}` }];
  });
}

async function died(victim: SystemProcess): Promise<void> {
  const ended = await Promise.race([
    victim.process.ended,
    new Promise((resolve) => setTimeout(() => resolve('still alive'), 30_000).unref()),
  ]);
  expect(ended).toBe('SIGKILL');
}

/** Clients with a key ask again after the crash, as SDKs do; the others know only what they got. */
async function askAgain(customer: Customer, replies: readonly Reply[]): Promise<Reply[]> {
  return Promise.all(
    replies.map(async (reply) => {
      if (reply.complete || reply.call.idempotencyKey === undefined) return reply;
      return sendUntilAnswered(customer, { ...reply.call, api: system.apis[0] });
    }),
  );
}

const quiet = (customer: Customer) =>
  eventually(
    async () => expect(await requests().countDocuments({ accountId: customer.accountId, settled: false })).toBe(0),
    { timeoutMs: 60_000 },
  );

/** Every client with a complete answer has the stored one, and every keyed call came to one row and one answer. */
async function expectHonest({ customer, replies, label }: Row): Promise<void> {
  for (const reply of replies.filter(({ complete }) => complete)) {
    errorOf(reply);
    await expectAnswerIsStored(customer, reply, system.apis[0]);
  }
  for (const reply of replies.filter(({ call }) => call.idempotencyKey !== undefined)) {
    expect([label, reply.call.mode, reply.complete]).toEqual([label, reply.call.mode, true]);
    const found = await requests().countDocuments({ idemKey: reply.call.idempotencyKey ?? '' });
    // A request that never came to hold money gave its key back.
    if (found === 0) expect(errorOf(reply)).toBe('unavailable');
    else expect(found).toBe(1);
  }
  for (const { _id, costMicros } of await requests().find({ accountId: customer.accountId }).toArray()) {
    const charged = await ledger().countDocuments({ requestId: _id });
    if (charged > 0) expect([charged, (costMicros ?? 0n) > 0n]).toEqual([1, true]);
  }
}

async function summarize({ label, customer, replies, ms }: Row): Promise<void> {
  const found = await requests().find({ accountId: customer.accountId }).toArray();
  const states = (state: string) => found.filter((row) => row.state === state).length;
  const events = await expectDelivered(customer, receiver.received);
  const calls = await Promise.all(
    found.map(async ({ _id }) => {
      const answer = await fetch(`${system.sandboxUrl}/sandbox/calls?request_id=${_id}`);
      return ((await answer.json()) as { count: number }).count;
    }),
  );
  expect(Math.max(0, ...calls)).toBeLessThanOrEqual(1);
  const complete = replies.filter((reply) => reply.complete);
  summaries.push({
    label,
    sent: replies.length,
    answered: complete.filter((reply) => errorOf(reply) === undefined).length,
    'typed errors': complete.filter((reply) => errorOf(reply) !== undefined).length,
    broken: replies.length - complete.length,
    done: states('done'),
    failed: states('failed'),
    cancelled: states('cancelled'),
    aborted: states('aborted'),
    'calls max': Math.max(0, ...calls),
    webhooks: `${events.length} (${events.reduce((sum, one) => sum + one, 0)} sent)`,
    seconds: (ms / 1_000).toFixed(1),
  });
}

function table(): string {
  const names = Object.keys(summaries[0] ?? {});
  const widths = names.map((name) => Math.max(name.length, ...summaries.map((row) => String(row[name]).length)));
  const line = (cells: string[]) => `${cells.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join('  ')}\n`;
  return `\n${line(names)}${summaries.map((row) => line(names.map((name) => String(row[name])))).join('')}`;
}

describe('an api process killed at any step of accepting', () => {
  test('leaves nothing held, doubled or unanswered to those who ask again', async () => {
    const worker = await system.startWorker();
    await Promise.all(
      API_POINTS.map(async (label) => {
        const startedMs = Date.now();
        const customer = await system.customer({ rub: 20 });
        const victim = await system.startApi({ CRASH_POINT: label });
        const replies = await Promise.all(calls(label, victim).map((call) => send(customer, call)));
        await died(victim);
        const answered = await askAgain(customer, replies);
        await quiet(customer);
        rows.push({ label, customer, replies: answered, ms: Date.now() - startedMs });
      }),
    );
    await worker.kill();
    system.apis.splice(1);
    for (const row of rows) await expectHonest(row);
  });
});

describe('a worker killed', () => {
  test.each(WORKER_POINTS)('at %s leaves nothing held, doubled, untold or undelivered', async (label) => {
    const startedMs = Date.now();
    const customer = await system.customer({ rub: 20 });
    let victim = await system.startWorker({ CRASH_POINT: label === 'sweep.before_settle' ? 'run.after_tell' : label });
    const answering = Promise.all(calls(label).map((call) => send(customer, call)));
    await died(victim);
    if (label === 'sweep.before_settle') {
      // Something must be left to sweep; the sweeper is the next to die.
      victim = await system.startWorker({ CRASH_POINT: label });
      await died(victim);
    }
    const replacement = await system.startWorker();
    const replies = await answering;
    await quiet(customer);
    await replacement.kill();
    const row = { label, customer, replies, ms: Date.now() - startedMs };
    rows.push(row);
    await expectHonest(row);
  });
});

test('after all of it the books are in order and every webhook has come, repeats under the same id', async () => {
  const worker = await system.startWorker();
  await waitForQuiet(60_000);
  await expectInvariants(system.sandboxUrl);
  for (const row of rows) await summarize(row);
  expect(rows.map(({ label }) => label).sort()).toEqual([...CRASH_POINTS].sort());
  const ids = receiver.received.map(({ headers }) => headers['webhook-id']);
  // The one whose sender died after sending was sent again; `expectDelivered` has seen that it kept its id.
  expect(ids.length).toBeGreaterThan(new Set(ids).size);
  for (const { replies } of rows)
    expect(replies.every((reply) => !reply.complete || requestIdOf(reply) !== '')).toBe(true);
  await worker.kill();
});
