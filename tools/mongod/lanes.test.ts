import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createLanes } from './lanes.ts';

test('works that share a key never overlap and keep their order; all of them end, whatever keys they take', async () => {
  const keySets = fc.array(fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 5 }), { maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(keySets, async (works) => {
      const lanes = createLanes();
      const inside = new Set<string>();
      const order = new Map<string, number[]>();
      await Promise.all(
        works.map((keys, index) =>
          lanes.run(keys, async () => {
            for (const key of new Set(keys)) {
              expect(inside.has(key)).toBe(false);
              inside.add(key);
              order.set(key, [...(order.get(key) ?? []), index]);
            }
            await new Promise((resolve) => setImmediate(resolve));
            for (const key of keys) inside.delete(key);
          }),
        ),
      );
      for (const indexes of order.values()) expect(indexes).toEqual([...indexes].sort((a, b) => a - b));
    }),
    { numRuns: 50 },
  );
});

test('a work that fails lets the next one go', async () => {
  const lanes = createLanes();
  const failing = lanes.run(['a'], () => Promise.reject(new Error('no')));
  const next = lanes.run(['a'], async () => 'went');
  await expect(failing).rejects.toThrow('no');
  expect(await next).toBe('went');
});
