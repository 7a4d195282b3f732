import { expect, test } from '@jest/globals';
import { createBoundedQueue, createPasswordHasher, passwordProblem } from '../../src/auth/staff-password.ts';

test('a hash fits its password only, under its pepper only, in whatever way the letters are composed', async () => {
  const hasher = createPasswordHasher(Buffer.alloc(32, 1));
  const kept = await hasher.hash('Caf\u00e9 avec du lait');
  expect(await hasher.verify(kept, 'Cafe\u0301 avec du lait', 'stranger')).toBe(true);
  expect(await hasher.verify(kept, 'Cafe avec du lait', 'stranger')).toBe(false);
  expect(await hasher.verify(undefined, 'Caf\u00e9 avec du lait', 'known')).toBe(false);
  expect(await createPasswordHasher(Buffer.alloc(32, 2)).verify(kept, 'Caf\u00e9 avec du lait', 'known')).toBe(false);
});

test('few run at once, some wait, the rest are refused at once; every place comes back', async () => {
  const limited = createBoundedQueue(2, 3);
  let [running, most] = [0, 0];
  const finish: (() => void)[] = [];
  const work = () =>
    new Promise<void>((resolve) => {
      most = Math.max(most, ++running);
      finish.push(() => {
        running--;
        resolve();
      });
    });
  const all = Array.from({ length: 8 }, () => limited(work));
  const outcomes = Promise.allSettled(all);
  await expect(all[7]).rejects.toMatchObject({ code: 'overloaded' });
  for (let done = 0; done < 5; done++) {
    finish.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const states = (await outcomes).map(({ status }) => status);
  expect(states.filter((status) => status === 'rejected')).toHaveLength(3);
  expect(most).toBe(2);
  await expect(limited(async () => 'free')).resolves.toBe('free');
});

test('a member in a browser that is known does not wait for strangers, of whom the surplus is refused at once', async () => {
  const hasher = createPasswordHasher(Buffer.alloc(32, 1), 1);
  const kept = await hasher.hash('Café avec du lait');
  let guessed = 0;
  const guesses = Array.from({ length: 4 }, () =>
    hasher.verify(kept, 'a wrong guess', 'stranger').finally(() => guessed++),
  );
  const refused = Promise.allSettled(guesses.slice(2));
  expect(await refused).toMatchObject([
    { status: 'rejected', reason: { code: 'overloaded', retryAfterMs: expect.any(Number) } },
    { status: 'rejected', reason: { code: 'overloaded' } },
  ]);
  const known = hasher.verify(kept, 'Café avec du lait', 'known');
  expect(guessed).toBe(2);
  expect(await known).toBe(true);
  expect(await Promise.all(guesses.slice(0, 2))).toEqual([false, false]);
});

test.each([
  ['correct horse battery', undefined],
  ['пароль от всех дверей', undefined],
  ['elevenchars', 'length'],
  ['x'.repeat(129), 'length'],
  ['abababababababab', 'simple'],
  ['Password1234!', 'simple'],
  ['ivan.petrov2026', 'simple'],
])('%s: %s', (password, problem) => {
  expect(passwordProblem(password, 'ivan.petrov@example.com')).toBe(problem);
});
