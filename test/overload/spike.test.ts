import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { eventually } from '../helpers/eventually.ts';
import { expectInvariants, requests, waitForQuiet } from '../helpers/invariants.ts';
import { useStores } from '../helpers/stores.ts';
import { type Customer, type System, startSystem } from '../helpers/system.ts';
import { type Call, errorOf, PATIENT_TIMERS, type Reply, requestIdOf, send } from '../helpers/traffic.ts';

/**
 * Ten requests a second are all that the workers can do here, because four of 400 ms run at once; so an overload needs
 * little of this machine. What is asserted are counts: they do not depend on how busy it is.
 */
const stores = useStores();
const SLOTS = 4;
const ANSWER_MS = 400;
const CUSTOMERS = 20;
const SPIKE_PER_SECOND = 40;
const SPIKE_REQUESTS = 240;
/** A wait of 1.5 s are 15 requests; those let in before the overload is seen come on top. Without admission it is 180. */
const WAITING_MAX = 90;

let system: System;
let customers: Customer[];
beforeAll(async () => {
  const env = {
    ...PATIENT_TIMERS,
    WORKER_CONCURRENCY: String(SLOTS),
    WORKER_FETCH_LOOPS: '1',
    ADMISSION_SAMPLE_MS: '100',
    ADMISSION_SYNC_WAIT_PERCENT: '2.5',
  };
  system = await startSystem(stores, { env });
  customers = await Promise.all(Array.from({ length: CUSTOMERS }, () => system.customer()));
});
afterAll(() => system.stop());

const customerOf = (index: number): Customer => customers[index % CUSTOMERS] as Customer;

type Timed = { reply: Reply; sentMs: number; endedMs: number };

async function timed(index: number, more: Partial<Call> = {}): Promise<Timed> {
  const sentMs = performance.now();
  const reply = await send(customerOf(index), { mode: 'sync', script: `w=${ANSWER_MS}`, ...more });
  return { reply, sentMs, endedMs: performance.now() };
}

async function allIn(count: number): Promise<void> {
  for (let index = 0; index < count; index++) {
    const { reply } = await timed(index);
    expect([reply.status, errorOf(reply)]).toEqual([200, undefined]);
  }
}

/** Sends at fixed times, whatever the answers do. */
async function spike(onReply: (one: Timed) => void): Promise<Timed[]> {
  const startMs = performance.now();
  const all: Promise<Timed>[] = [];
  while (all.length < SPIKE_REQUESTS) {
    const due = Math.min(SPIKE_REQUESTS, Math.floor(((performance.now() - startMs) * SPIKE_PER_SECOND) / 1_000));
    while (all.length < due) {
      const one = timed(all.length);
      void one.then(onReply);
      all.push(one);
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return Promise.all(all);
}

/** The most requests of these that were under way at once. */
function mostAtOnce(all: readonly Timed[]): number {
  const edges = all.flatMap(({ sentMs, endedMs }) => [
    { atMs: sentMs, change: 1 },
    { atMs: endedMs, change: -1 },
  ]);
  let now = 0;
  let most = 0;
  for (const { change } of edges.sort((a, b) => a.atMs - b.atMs)) {
    now += change;
    most = Math.max(most, now);
  }
  return most;
}

const median = (values: number[]): number => values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
const took = ({ sentMs, endedMs }: Timed): number => endedMs - sentMs;

function expectRefusal({ reply }: Timed): void {
  expect([503, 429]).toContain(reply.status);
  expect(['overloaded', 'too_many_open_requests']).toContain(errorOf(reply));
  expect(Number(reply.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
  expect(Number(reply.headers.get('retry-after'))).toBeLessThanOrEqual(45);
  expect(reply.headers.get('x-should-retry')).toBe('true');
}

test('four times what the workers can do is refused early, and what is accepted does not feel it', async () => {
  await allIn(4);
  const keyed = { idempotencyKey: 'before-the-spike' };
  const before = await timed(0, keyed);
  expect(before.reply.status).toBe(200);
  const rowsBefore = await requests().countDocuments({});

  let refusals = 0;
  const spiking = spike(({ reply }) => {
    if (reply.status !== 200) refusals++;
  });
  await eventually(() => expect(refusals).toBeGreaterThan(20));
  // Reads and repeats of what was accepted are not new work.
  const [repeat, ...reads] = await Promise.all([
    timed(0, keyed),
    customerOf(0).fetch('/v1/balance'),
    customerOf(0).fetch(`/v1/requests/${requestIdOf(before.reply)}`),
    customerOf(1).fetch('/v1/models'),
  ]);
  expect(repeat.reply).toMatchObject({ status: 200, body: before.reply.body });
  expect(repeat.reply.headers.get('idempotency-replayed')).toBe('true');
  expect(reads.map(({ status }) => status)).toEqual([200, 200, 200]);
  const fresh = await timed(1, { idempotencyKey: 'in-the-spike' });
  if (fresh.reply.status !== 200) expectRefusal(fresh);

  const all = await spiking;
  const accepted = all.filter(({ reply }) => reply.status === 200);
  const refused = all.filter(({ reply }) => reply.status !== 200);
  for (const one of accepted) expect(errorOf(one.reply)).toBeUndefined();
  for (const one of refused) expectRefusal(one);
  expect(refused.length).toBeGreaterThan(SPIKE_REQUESTS / 4);
  // The workers were kept busy all the time: capacity is not thrown away.
  expect(accepted.length).toBeGreaterThan(SPIKE_REQUESTS / 8);
  expect(mostAtOnce(accepted)).toBeLessThan(WAITING_MAX);
  expect(median(refused.map(took))).toBeLessThan(median(accepted.map(took)));
  // Nothing was written for those that were refused.
  const freshRows = fresh.reply.status === 200 ? 1 : 0;
  expect(await requests().countDocuments({})).toBe(rowsBefore + accepted.length + freshRows);

  await eventually(async () => expect((await timed(0)).reply.status).toBe(200), { timeoutMs: 10_000 });
  await allIn(6);
  await waitForQuiet();
  await expectInvariants(system.sandboxUrl);
});
