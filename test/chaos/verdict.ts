import { expect } from '@jest/globals';
import { ERROR_CATALOGUE } from '../../src/errors.ts';
import type { RequestDocument } from '../../src/models/request.ts';
import { ENDS_WITH_ERROR, expectTrue } from '../helpers/crash-rows.ts';
import { requests } from '../helpers/invariants.ts';
import type { System } from '../helpers/system.ts';
import { collectEvents, errorOf, requestIdOf } from '../helpers/traffic.ts';
import type { Visited } from './clients.ts';
import type { Done } from './faults.ts';

/** What is found when everything is quiet again: violations by name, and the counts of the report. */

const AT_ONCE = 8;

/** Runs `act` over all items, a few at a time, and gives what failed: one line each, with who it was. */
async function violationsOf<T>(items: readonly T[], nameOf: (item: T) => string, act: (item: T) => Promise<void>) {
  const found: string[] = [];
  const queue = [...items];
  const worker = async () => {
    for (let item = queue.pop(); item !== undefined; item = queue.pop()) {
      try {
        await act(item);
      } catch (error) {
        found.push(`${nameOf(item)}: ${error instanceof Error ? error.message.slice(0, 600) : String(error)}`);
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return found;
}

/** Each client's text is what is stored or a beginning of it, its errors are documented, and a resumed stream has no gap. */
export function clientViolations(all: readonly Visited[]): Promise<string[]> {
  return violationsOf(
    all,
    ({ reply, customer }) => `${requestIdOf(reply)} of ${customer.accountId}`,
    async (visited) => {
      await expectTrue(visited.reply, visited.customer);
      if (visited.reply.complete) {
        const code = errorOf(visited.reply);
        if (code !== undefined) expect(Object.keys(ERROR_CATALOGUE)).toContain(code);
        expect(code).not.toBe('internal');
      }
      if (visited.resumed) await expectUninterrupted(visited);
    },
  );
}

async function expectUninterrupted({ customer, reply, events }: Visited): Promise<void> {
  const whole = new Map<number, string>();
  const body = await (await customer.fetch(`/v1/requests/${requestIdOf(reply)}/stream`)).text();
  collectEvents(whole, body);
  if (!body.includes('[DONE]')) forgetLostEnd(events, whole);
  const sorted = (map: Map<number, string>) => [...map].sort(([a], [b]) => a - b);
  expect(sorted(events)).toEqual(sorted(whole));
}

/**
 * The log of what was interrupted lags behind what was told live, and may be lost with Redis: this client has seen events
 * that nobody knows any more, and the error that ends the stored stream has the number of one of them.
 */
function forgetLostEnd(seen: Map<number, string>, whole: Map<number, string>): void {
  for (const [seq, data] of whole) if (ENDS_WITH_ERROR.test(data)) whole.delete(seq);
  for (const [seq, data] of seen) if (!whole.has(seq) || ENDS_WITH_ERROR.test(data)) seen.delete(seq);
}

type Orphans = { orphans: number; doubled: string[] };

/** Calls that the provider answered and nobody was charged for, and requests that it saw twice. */
export async function providerCalls(rows: readonly RequestDocument[], { sandboxUrl }: System): Promise<Orphans> {
  let orphans = 0;
  const doubled = await violationsOf(
    rows,
    ({ _id }) => _id,
    async ({ _id, call, costMicros, error }) => {
      const answer = await fetch(`${sandboxUrl}/sandbox/calls?request_id=${_id}`);
      const { count, completed } = (await answer.json()) as { count: number; completed: number };
      expect(count).toBeLessThanOrEqual(1);
      if (count > 0) expect(call).toBe('sent');
      if ((costMicros ?? 0n) > 0n) expect(count).toBe(1);
      if (completed > 0 && error?.code === 'interrupted' && (costMicros ?? 0n) === 0n) orphans++;
    },
  );
  return { orphans, doubled };
}

/** Milliseconds from a worker's death to the end of what it had been running. */
export function recoveryTimes(rows: readonly RequestDocument[], done: readonly Done[]): number[] {
  const deaths = done.filter(({ kind }) => kind === 'kill-worker').map(({ at }) => at);
  return rows
    .filter(({ error }) => error?.code === 'interrupted')
    .flatMap(({ claimedAt, createdAt, finishedAt }) => {
      const endedAt = finishedAt?.getTime() ?? 0;
      const death = deaths.filter((at) => at >= createdAt.getTime() && at <= endedAt).at(-1);
      return death === undefined || claimedAt === undefined ? [] : [endedAt - death];
    })
    .sort((a, b) => a - b);
}

export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

export function countBy<T>(items: readonly T[], keyOf: (item: T) => string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const item of items) counts[keyOf(item)] = (counts[keyOf(item)] ?? 0) + 1;
  return counts;
}

/** How it went for a client, in one word. */
export function fateOf({ reply, resumed, leavesAfter }: Visited): string {
  if (resumed) return 'left and resumed to the end';
  if (leavesAfter !== undefined) return 'left';
  if (!reply.complete) return 'connection broken';
  return errorOf(reply) ?? (reply.call.mode === 'async' ? 'accepted (202)' : 'answered');
}

export const storedRequests = (): Promise<RequestDocument[]> =>
  requests()
    .find({}, { projection: { input: 0, result: 0, price: 0 } })
    .toArray();
