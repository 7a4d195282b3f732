import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { newId } from '../../src/ids.ts';
import type { Producer } from '../../src/queue/enqueue.ts';
import { createTogetherProducer } from '../../src/requests/enqueue-together.ts';

/** How requests come to the queue: many in a job while workers keep up, each in its own while they do not. */

type Job = { key: string; payload: unknown; jobId?: string; priority?: number };

function queue(options: { isQueueing?: () => boolean; fails?: (job: Job) => boolean } = {}) {
  const { isQueueing = () => false, fails = () => false } = options;
  const jobs: Job[] = [];
  const enqueue: Producer['enqueue'] = async (key, payload, { jobId, priority } = {}) => {
    const job = { key, payload, ...(jobId ? { jobId } : {}), ...(priority ? { priority } : {}) };
    await turn();
    if (fails(job)) throw new Error('the queue is away');
    jobs.push(job);
  };
  const { enqueue: add } = createTogetherProducer({ enqueue }, { isQueueing, requestsPerJobMax: 16 });
  const send = (requestId: string, priority = 0) => add('runRequest', { requestId }, { jobId: requestId, priority });
  return { jobs, add, send };
}

const ids = (count: number) => Array.from({ length: count }, () => newId('req'));
const requestsOf = ({ payload }: Job) => (payload as { requestIds?: string[] }).requestIds?.length ?? 1;

describe('requests that come together', () => {
  test('go in one job, sixteen at most', async () => {
    const { jobs, send } = queue();
    const all = ids(40);
    await Promise.all(all.map((id) => send(id, 7)));
    expect(jobs.map(requestsOf)).toEqual([16, 16, 8]);
    expect(jobs.every(({ key, priority }) => key === 'runRequests' && priority === 7)).toBe(true);
    expect(jobs.flatMap(({ payload }) => (payload as { requestIds: string[] }).requestIds)).toEqual(all);
    expect(new Set(jobs.map(({ jobId }) => jobId)).size).toBe(3);
  });

  test('keep the priority of their accounts', async () => {
    const { jobs, send } = queue();
    const [first, second, third] = ids(3) as [string, string, string];
    await Promise.all([send(first, 3), send(second, 0), send(third, 3)]);
    expect(jobs).toEqual([
      { key: 'runRequests', payload: { requestIds: [first, third] }, jobId: `${first}-and-others`, priority: 3 },
      { key: 'runRequest', payload: { requestId: second }, jobId: second },
    ]);
  });

  test('have a job each while others wait in the queue', async () => {
    let isQueueing = true;
    const { jobs, send } = queue({ isQueueing: () => isQueueing });
    await Promise.all(ids(20).map((id) => send(id)));
    expect(jobs.map(({ key }) => key)).toEqual(Array.from({ length: 20 }, () => 'runRequest'));
    isQueueing = false;
    await Promise.all(ids(10).map((id) => send(id)));
    expect(jobs).toHaveLength(21);
  });

  test('hear of their own job only', async () => {
    const { jobs, send } = queue({ fails: ({ priority }) => priority === 5 });
    const [lost, found] = [ids(3), ids(3)];
    const outcomes = await Promise.allSettled([...lost.map((id) => send(id, 5)), ...found.map((id) => send(id, 6))]);
    expect(outcomes.map(({ status }) => status)).toEqual([
      ...lost.map(() => 'rejected'),
      ...found.map(() => 'fulfilled'),
    ]);
    expect(jobs.map(requestsOf)).toEqual([3]);
  });
});

test('one request alone has the job it always had, and other jobs pass as they are', async () => {
  const { jobs, add, send } = queue();
  const [requestId, later] = ids(2) as [string, string];
  await send(requestId);
  await add('runBackgroundRequest', { requestId }, { jobId: requestId, priority: 2 });
  await add('runRequest', { requestId: later }, { jobId: later, delayMs: 5 });
  expect(jobs).toEqual([
    { key: 'runRequest', payload: { requestId }, jobId: requestId },
    { key: 'runBackgroundRequest', payload: { requestId }, jobId: requestId, priority: 2 },
    { key: 'runRequest', payload: { requestId: later }, jobId: later },
  ]);
});
