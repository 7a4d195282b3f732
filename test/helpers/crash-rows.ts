import { expect } from '@jest/globals';
import type { CrashPoint } from '../../src/crash-point.ts';
import { nativeCollection } from '../../src/models/connect.ts';
import { Delivery, type DeliveryDocument } from '../../src/models/delivery.ts';
import type { RequestDocument } from '../../src/models/request.ts';
import type { Received } from '../webhooks/receiver.ts';
import { eventually } from './eventually.ts';
import { ledger, requests } from './invariants.ts';
import type { Customer, System, SystemProcess } from './system.ts';
import { collectEvents, errorOf, expectAnswerIsStored, expectDelivered, type Reply, requestIdOf } from './traffic.ts';

/** What came of the calls that were on their way when a process was killed at a crash point. */
export type CrashRow = {
  label: CrashPoint;
  passage: number;
  customer: Customer;
  replies: Reply[];
  ms: number;
};

/** What makes a process kill itself at the n-th passage of a crash point. */
export const armed = (point: CrashPoint, passage: number) => ({ CRASH_POINT: point, CRASH_PASSAGE: String(passage) });

/** Resolves when the process has killed itself; throws when it ended otherwise, or lives on. */
export async function died(victim: SystemProcess): Promise<void> {
  const ended = await Promise.race([
    victim.process.ended,
    new Promise((resolve) => setTimeout(() => resolve('still alive'), 40_000).unref()),
  ]);
  if (ended !== 'SIGKILL') throw new Error(`not killed but ${String(ended)}:\n${victim.process.output()}`);
}

const NOT_TAKEN = ['unavailable', 'insufficient_balance', 'overloaded', 'too_many_open_requests'];
export const ENDS_WITH_ERROR = /"error":\{.*"finish_reason":"error"/;
const deliveries = () => nativeCollection<DeliveryDocument>(Delivery);

/**
 * Every client has what is stored, or a beginning of it, and nobody else's words; every keyed call came to one row and one
 * answer; what is charged once, and nothing without a call.
 */
export async function expectHonest({ customer, replies, label }: CrashRow, api?: SystemProcess): Promise<void> {
  for (const reply of replies) await expectTrue(reply, customer, api);
  for (const reply of replies.filter(({ call }) => call.idempotencyKey !== undefined)) {
    expect([label, reply.call.mode, reply.complete]).toEqual([label, reply.call.mode, true]);
    const found = await requests().countDocuments({ idemKey: reply.call.idempotencyKey ?? '' });
    // A request that never came to hold money gave its key back, or was refused while the dead were not replaced yet.
    if (found === 0) expect(NOT_TAKEN).toContain(errorOf(reply));
    else expect(found).toBe(1);
  }
  for (const { _id, costMicros } of await requests().find({ accountId: customer.accountId }).toArray()) {
    const charged = await ledger().countDocuments({ requestId: _id });
    if (charged > 0) expect([charged, (costMicros ?? 0n) > 0n]).toEqual([1, true]);
  }
}

/** What a client got is what is stored, or a beginning of it, and nobody else's words. */
export async function expectTrue(reply: Reply, customer: Customer, api?: SystemProcess): Promise<void> {
  expect(othersIn(reply, customer)).toEqual([]);
  if (reply.complete) await expectAnswerIsStored(customer, reply, api);
  else await expectPartOfStored(customer, reply, api);
}

/** Account ids in an answer that are not the caller's: its calls say its own id, and the sandbox repeats what it is told. */
function othersIn({ body }: Reply, { accountId }: Customer): string[] {
  return (body.match(/acc_[0-9a-z]{26}/g) ?? []).filter((id) => id !== accountId);
}

/**
 * What came of a stream that broke off stands in the stored one, event by event. Only what was interrupted may have lost
 * some: its log was in Redis, and Redis may lose it; then the error that ends it has the number of what was lost.
 */
async function expectPartOfStored(customer: Customer, reply: Reply, api?: SystemProcess): Promise<void> {
  if (reply.call.mode !== 'stream' || reply.status !== 200) return;
  const url = `/v1/requests/${requestIdOf(reply)}/stream`;
  const body = await (await customer.fetch(url, api ? { api } : {})).text();
  const [said, stored] = [new Map<number, string>(), new Map<number, string>()];
  collectEvents(said, reply.body);
  collectEvents(stored, body);
  const isThere = ([seq]: [number, string]) => stored.has(seq) && !ENDS_WITH_ERROR.test(stored.get(seq) ?? '');
  const kept = body.includes('[DONE]') ? [...said] : [...said].filter(isThere);
  expect(kept.map(([seq]) => [seq, stored.get(seq)])).toEqual(kept);
}

/** One line of the table, after everything is quiet. Every delivery has ended in sight, and no request was called twice. */
export async function summarize(row: CrashRow, system: System, received: readonly Received[]) {
  const { customer, replies } = row;
  const found = await requests().find({ accountId: customer.accountId }).toArray();
  const states = (state: RequestDocument['state']) => found.filter((one) => one.state === state).length;
  const events = await expectDelivered(customer, received);
  const unsent = { accountId: customer.accountId, state: 'pending' } as const;
  await eventually(async () => expect(await deliveries().countDocuments(unsent)).toBe(0), { timeoutMs: 60_000 });
  const calls = await Promise.all(found.map((one) => providerCalls(one, system)));
  const complete = replies.filter((reply) => reply.complete);
  return {
    label: row.label,
    n: row.passage,
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
    seconds: (row.ms / 1_000).toFixed(1),
  };
}

/** How often the provider was called for a request: at most once, only after the claim said so, and before any charge. */
async function providerCalls({ _id, call, costMicros }: RequestDocument, { sandboxUrl }: System): Promise<number> {
  const answer = await fetch(`${sandboxUrl}/sandbox/calls?request_id=${_id}`);
  const { count } = (await answer.json()) as { count: number };
  expect(count).toBeLessThanOrEqual(1);
  if (count > 0) expect([_id, call]).toEqual([_id, 'sent']);
  if ((costMicros ?? 0n) > 0n) expect([_id, count]).toEqual([_id, 1]);
  return count;
}

export type CrashSummary = Awaited<ReturnType<typeof summarize>>;

/** The summaries as text, one line each. */
export function crashTable(summaries: readonly CrashSummary[]): string {
  const names = Object.keys(summaries[0] ?? {}) as (keyof CrashSummary)[];
  const widths = names.map((name) => Math.max(name.length, ...summaries.map((row) => String(row[name]).length)));
  const line = (cells: string[]) => `${cells.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join('  ')}\n`;
  return `\n${line(names)}${summaries.map((row) => line(names.map((name) => String(row[name])))).join('')}`;
}
