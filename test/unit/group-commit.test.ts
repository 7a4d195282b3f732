import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createGroupCommit } from '../../src/group-commit.ts';
import { eventually } from '../helpers/eventually.ts';
import { runs } from '../helpers/property-runs.ts';

/** A writer whose batches end when the test says so. */
function controlled(options: { itemsMax: number; flightsMax?: number; gatherMs?: number }) {
  const batches: { items: number[]; end: (results?: (string | Error)[]) => void; fail: (error: Error) => void }[] = [];
  const commit = createGroupCommit<number, string>({
    ...options,
    flush: (items) =>
      new Promise((resolve, reject) => {
        batches.push({ items, end: (results) => resolve(results ?? items.map((item) => `r${item}`)), fail: reject });
      }),
  });
  return { commit, batches };
}

test('an idle writer sends what a turn brings; what arrives meanwhile goes out together', async () => {
  const { commit, batches } = controlled({ itemsMax: 10 });
  const results = [commit.submit(0), commit.submit(1)];
  await turn();
  results.push(commit.submit(2), commit.submit(3));
  await turn();
  expect(batches.map(({ items }) => items)).toEqual([[0, 1]]);
  expect(commit.pending()).toBe(4);
  batches[0]?.end();
  await results[0];
  await turn();
  expect(batches.map(({ items }) => items)).toEqual([
    [0, 1],
    [2, 3],
  ]);
  batches[1]?.end();
  expect(await Promise.all(results)).toEqual(['r0', 'r1', 'r2', 'r3']);
  expect(commit.pending()).toBe(0);
});

test('a batch is bounded, and so is the number in flight', async () => {
  const { commit, batches } = controlled({ itemsMax: 2, flightsMax: 2 });
  const results = Array.from({ length: 7 }, (_, item) => commit.submit(item));
  await turn();
  expect(batches).toHaveLength(2);
  for (let index = 0; index < 3; index++) {
    batches[index]?.end();
    await turn();
  }
  expect(batches.map(({ items }) => items.length)).toEqual([2, 2, 2, 1]);
  batches[3]?.end();
  expect(await Promise.all(results)).toEqual(Array.from({ length: 7 }, (_, item) => `r${item}`));
});

test('what may gather goes out together when its time is over, and a full batch at once', async () => {
  const { commit, batches } = controlled({ itemsMax: 3, gatherMs: 20 });
  const startedMs = performance.now();
  const first = [commit.submit(0)];
  await turn();
  first.push(commit.submit(1));
  expect(batches).toEqual([]);
  await eventually(() => expect(batches.map(({ items }) => items)).toEqual([[0, 1]]));
  expect(performance.now() - startedMs).toBeGreaterThanOrEqual(19);
  batches[0]?.end();
  await Promise.all(first);

  const never = controlled({ itemsMax: 3, gatherMs: 2 ** 30 });
  const full = [2, 3, 4, 5].map((item) => never.commit.submit(item));
  await turn();
  expect(never.batches.map(({ items }) => items)).toEqual([[2, 3, 4]]);
  never.batches[0]?.end();
  await Promise.all(full.slice(0, 3));
  expect(never.commit.pending()).toBe(1);
  const drained = never.commit.drain();
  expect(never.batches[1]?.items).toEqual([5]);
  never.batches[1]?.end();
  await drained;
  expect(await full[3]).toBe('r5');
});

test('draining sends what waits at once, and ends when nothing waits or flies, whether it could be written or not', async () => {
  const { commit, batches } = controlled({ itemsMax: 2, gatherMs: 2 ** 30 });
  await commit.drain();
  const results = Promise.allSettled([commit.submit(0), commit.submit(1), commit.submit(2)]);
  let isDrained = false;
  const drained = commit.drain().then(() => {
    isDrained = true;
  });
  batches[0]?.fail(new Error('down'));
  await turn();
  expect([batches.map(({ items }) => items), isDrained]).toEqual([[[0, 1], [2]], false]);
  batches[1]?.end();
  await drained;
  expect((await results).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled']);
});

test('an error as a result fails its own item only; a throw fails the batch; the writer goes on', async () => {
  const { commit, batches } = controlled({ itemsMax: 10 });
  const first = commit.submit(0);
  await turn();
  const second = [1, 2, 3].map((item) => commit.submit(item));
  batches[0]?.fail(new Error('down'));
  await expect(first).rejects.toThrow('down');
  await turn();
  batches[1]?.end(['r1', new Error('mine alone')]);
  await expect(second[0]).resolves.toBe('r1');
  await expect(second[1]).rejects.toThrow('mine alone');
  await expect(second[2]).rejects.toThrow('a result is missing');
  const third = commit.submit(4);
  await turn();
  batches[2]?.end();
  await expect(third).resolves.toBe('r4');
});

test('whatever the timing, every item gets its own result exactly once and in order of arrival', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 3 }),
      fc.array(fc.nat({ max: 2 }), { minLength: 1, maxLength: 30 }),
      async (itemsMax, flightsMax, pauses) => {
        const sent: number[] = [];
        const commit = createGroupCommit<number, number>({
          itemsMax,
          flightsMax,
          flush: async (items) => {
            sent.push(...items);
            for (let i = 0; i < items.length % 3; i++) await turn();
            return items.map((item) => item * 10);
          },
        });
        const results: Promise<number>[] = [];
        for (const [item, pause] of pauses.entries()) {
          results.push(commit.submit(item));
          for (let i = 0; i < pause; i++) await turn();
        }
        expect(await Promise.all(results)).toEqual(pauses.map((_, item) => item * 10));
        expect(sent).toEqual(pauses.map((_, item) => item));
      },
    ),
    runs(50),
  );
});
