import { expect, it } from '@jest/globals';
import { createRanking } from '../../src/rollups/ranking.ts';
import type { Named, TopOptions } from '../../src/rollups/read-rollups.ts';

/** Who is busiest is ranked beside the pages that show it. */

const MINUTE_MS = 60_000;
const MONTH = { hours: 720, by: 'requests', max: 5 } as const;

/** A ranking whose sums are finished by hand, and the clock it goes by. */
function desk() {
  const asked: TopOptions[] = [];
  const time = { nowMs: Date.UTC(2026, 10, 20) };
  let settle: { resolve: (named: Named[]) => void; reject: (error: Error) => void } | undefined;
  const ranking = createRanking(
    (options) => {
      asked.push(options);
      return new Promise<Named[]>((resolve, reject) => {
        settle = { resolve, reject };
      });
    },
    () => time.nowMs,
  );
  const finish = async (name: string) => {
    settle?.resolve([{ key: name, requests: 1n, revenueMicros: 1n }]);
    await Promise.resolve();
  };
  return { asked, time, ranking, finish, fail: () => settle?.reject(new Error('too long')) };
}

it('does not keep a page waiting for a month, and asks once however many pages are opened', async () => {
  const { asked, ranking, finish, time } = desk();
  expect(await Promise.all([ranking(MONTH), ranking(MONTH)])).toEqual([undefined, undefined]);
  expect(asked).toEqual([{ ...MONTH, nowMs: time.nowMs }]);
  await finish('one');
  expect(await ranking(MONTH)).toMatchObject([{ key: 'one' }]);
  expect(asked).toHaveLength(1);
});

it('shows the last ranking while a new one is made, and none that is too old', async () => {
  const { asked, ranking, finish, time } = desk();
  const first = ranking(MONTH);
  await finish('one');
  expect(await first).toMatchObject([{ key: 'one' }]);
  time.nowMs += 6 * MINUTE_MS;
  expect(await ranking(MONTH)).toMatchObject([{ key: 'one' }]);
  expect(asked).toHaveLength(2);
  await finish('two');
  expect(await ranking(MONTH)).toMatchObject([{ key: 'two' }]);
  time.nowMs += 31 * MINUTE_MS;
  expect(await ranking(MONTH)).toBeUndefined();
});

it('tries again a minute after a failure, and keeps what is asked for apart', async () => {
  const { asked, ranking, fail, time } = desk();
  const first = ranking(MONTH);
  fail();
  expect(await first).toBeUndefined();
  expect(await ranking(MONTH)).toBeUndefined();
  expect(asked).toHaveLength(1);
  time.nowMs += MINUTE_MS;
  await ranking(MONTH);
  await ranking({ ...MONTH, by: 'revenueMicros' });
  expect(asked.map(({ by }) => by)).toEqual(['requests', 'requests', 'revenueMicros']);
});
