import { afterAll, expect, test } from '@jest/globals';
import { eventually } from '../helpers/eventually.ts';
import { expectInvariants, requests, waitForQuiet } from '../helpers/invariants.ts';
import { metricAt } from '../helpers/measured.ts';
import { useStores } from '../helpers/stores.ts';
import { type Customer, type System, startSystem } from '../helpers/system.ts';
import { PATIENT_TIMERS, type Reply, send } from '../helpers/traffic.ts';

/** One place, and a line before it that is never empty: who has many requests open would wait as long as the others come. */
const stores = useStores();
const SCRIPT = 'w=150';
const MANY = 6;
const OTHERS = 3;
const OTHERS_END_MS = 30_000;

let system: System | undefined;
afterAll(() => system?.stop());

/** Sends one request after the other, until told to stop. */
async function comeAgain(customer: Customer, isOver: () => boolean): Promise<Reply[]> {
  const replies: Reply[] = [];
  const endMs = performance.now() + OTHERS_END_MS;
  while (!isOver() && performance.now() < endMs) replies.push(await send(customer, { mode: 'sync', script: SCRIPT }));
  return replies;
}

test('who has many requests open is answered while those with few keep coming', async () => {
  const env = {
    ...PATIENT_TIMERS,
    WORKER_CONCURRENCY: '1',
    WORKER_FETCH_LOOPS: '1',
    // Half of these three seconds is what anybody is overtaken for.
    ADMISSION_SYNC_WAIT_PERCENT: '5',
    ADMISSION_STREAM_WAIT_PERCENT: '5',
  };
  system = await startSystem(stores, { workers: 0, env });
  const { customer, startWorker, sandboxUrl } = system;
  const crowd = await customer();
  const others = await Promise.all(Array.from({ length: OTHERS }, () => customer()));
  const crowded = Promise.all(Array.from({ length: MANY }, () => send(crowd, { mode: 'sync', script: SCRIPT })));
  await eventually(async () => expect(await requests().countDocuments()).toBe(MANY));

  let answered = false;
  const coming = Promise.all(others.map((one) => comeAgain(one, () => answered)));
  await eventually(async () => expect(await requests().countDocuments()).toBe(MANY + OTHERS));
  const worker = await startWorker();
  const first = await Promise.race([crowded.then(() => 'the crowd'), coming.then(() => 'the others')]);
  answered = true;
  expect(first).toBe('the crowd');
  expect(await metricAt(worker.url, 'ocelotiq_queue_brought_forward_total')).toBeGreaterThan(0);

  const replies = [...(await crowded), ...(await coming).flat()];
  expect(replies.map(({ status }) => status)).toEqual(replies.map(() => 200));
  await waitForQuiet();
  await expectInvariants(sandboxUrl);
}, 120_000);
