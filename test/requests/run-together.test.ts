import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { done, type Outcome, snooze } from '../../src/queue/outcome.ts';
import type { JobContext } from '../../src/queue/run-job.ts';
import { runTogether } from '../../src/requests/run-together.ts';

/** Several requests of one job: each lives and ends on its own. */

type Context = Pick<JobContext, 'stop' | 'requestOver'>;
const context = (given: Partial<Context> = {}): Context => ({
  stop: new AbortController(),
  requestOver: () => undefined,
  ...given,
});

test('one that fails leaves the others alone, and the job fails when all are over', async () => {
  const over: string[] = [];
  const run = async (requestId: string): Promise<Outcome> => {
    if (requestId === 'second') throw new Error('the database is away');
    await turn();
    over.push(requestId);
    return done;
  };
  await expect(runTogether(['first', 'second', 'third'], context(), run)).rejects.toThrow('away');
  expect(over).toEqual(['first', 'third']);
});

test('one that is aborted leaves the others alone; the end of the job ends all, for its reason', async () => {
  const stop = new AbortController();
  const own = new Map<string, AbortController>();
  const run = (requestId: string, controller: AbortController): Promise<Outcome> => {
    own.set(requestId, controller);
    return new Promise((resolve) => controller.signal.addEventListener('abort', () => resolve(done)));
  };
  const job = runTogether(['first', 'second', 'third'], context({ stop }), run);
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
  await runTogether(['first', 'second'], context({ stop }), async (_requestId, { signal }) => {
    seen.push(signal.reason);
    return done;
  });
  expect(seen).toEqual(['shutdown', 'shutdown']);
});

test('it comes again as soon as one of them asks for it', async () => {
  const outcomes: Record<string, Outcome> = { first: snooze(5_000), second: done, third: snooze(1_000) };
  const run = async (requestId: string) => outcomes[requestId] ?? done;
  expect(await runTogether(Object.keys(outcomes), context(), run)).toEqual(snooze(1_000));
  expect(await runTogether(['second'], context(), run)).toEqual(done);
});

test('each is told to be over as soon as it is, however it ended', async () => {
  let told = 0;
  const ends = new Map<string, (error?: Error) => void>();
  const run = (requestId: string) =>
    new Promise<Outcome>((resolve, reject) =>
      ends.set(requestId, (error) => (error === undefined ? resolve(done) : reject(error))),
    );
  const job = runTogether(['first', 'second', 'third'], context({ requestOver: () => told++ }), run);
  const failed = expect(job).rejects.toThrow('away');
  for (const [index, error] of [undefined, new Error('away'), undefined].entries()) {
    expect(told).toBe(index);
    [...ends.values()][index]?.(error);
    await turn();
  }
  expect(told).toBe(3);
  await failed;
});
