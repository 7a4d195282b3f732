import { expect, test } from '@jest/globals';
import { createPermits } from '../../src/permits.ts';

test('never more run at once than may, in the order of coming, and what fails makes room too', async () => {
  const permits = createPermits(2);
  const ends: (() => void)[] = [];
  const begun: number[] = [];
  const works = [0, 1, 2, 3, 4].map((index) =>
    permits
      .run(async () => {
        begun.push(index);
        await new Promise<void>((resolve, reject) => ends.push(index === 1 ? () => reject(new Error('x')) : resolve));
        return index;
      })
      .catch(() => 'failed'),
  );
  expect(begun).toEqual([0, 1]);
  ends[1]?.();
  expect(await works[1]).toBe('failed');
  expect(begun).toEqual([0, 1, 2]);
  ends[0]?.();
  await works[0];
  ends[2]?.();
  await works[2];
  expect(begun).toEqual([0, 1, 2, 3, 4]);
  for (const end of ends) end();
  expect(await Promise.all(works)).toEqual([0, 'failed', 2, 3, 4]);
});
