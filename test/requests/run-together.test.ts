import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { done, type Outcome, snooze } from '../../src/queue/outcome.ts';
import { runTogether } from '../../src/requests/run-together.ts';

/** Several requests of one job: each lives and ends on its own. */

test('one that fails leaves the others alone, and the job fails when all are over', async () => {
  const over: string[] = [];
  const run = async (requestId: string): Promise<Outcome> => {
    if (requestId === 'second') throw new Error('the database is away');
    await turn();
    over.push(requestId);
    return done;
  };
  await expect(runTogether(['first', 'second', 'third'], new AbortController(), run)).rejects.toThrow('away');
  expect(over).toEqual(['first', 'third']);
});

test('one that is aborted leaves the others alone; the end of the job ends all, for its reason', async () => {
  const stop = new AbortController();
  const own = new Map<string, AbortController>();
  const run = (requestId: string, controller: AbortController): Promise<Outcome> => {
    own.set(requestId, controller);
    return new Promise((resolve) => controller.signal.addEventListener('abort', () => resolve(done)));
  };
  const job = runTogether(['first', 'second', 'third'], stop, run);
  own.get('second')?.abort('a deadline');
  await turn();
  const isAborted = () => [...own.values()].map(({ signal }) => signal.aborted);
  expect(isAborted()).toEqual([false, true, false]);
  stop.abort('shutdown');
  expect(await job).toEqual(done);
  expect([...own.values()].map(({ signal }) => signal.reason)).toEqual(['shutdown', 'a deadline', 'shutdown']);
});

test('a job that was ended before it began tells its requests so', async () => {
  const stop = new AbortController();
  stop.abort('shutdown');
  const seen: unknown[] = [];
  await runTogether(['first', 'second'], stop, async (_requestId, { signal }) => {
    seen.push(signal.reason);
    return done;
  });
  expect(seen).toEqual(['shutdown', 'shutdown']);
});

test('it comes again as soon as one of them asks for it', async () => {
  const outcomes: Record<string, Outcome> = { first: snooze(5_000), second: done, third: snooze(1_000) };
  const run = async (requestId: string) => outcomes[requestId] ?? done;
  expect(await runTogether(Object.keys(outcomes), new AbortController(), run)).toEqual(snooze(1_000));
  expect(await runTogether(['second'], new AbortController(), run)).toEqual(done);
});
