import { done, type Outcome } from '../queue/outcome.ts';
import type { JobContext } from '../queue/run-job.ts';

/**
 * Runs the requests of one job, each on its own: one that fails or is aborted leaves the others alone.
 * @param context.stop ends all of them.
 * @param context.requestOver told of each as soon as it is over.
 * @returns the shortest snooze that one of them asked for; those that are over then do nothing when the job comes again.
 * @throws what the first that failed threw, when all are over.
 */
export async function runTogether(
  requestIds: readonly string[],
  { stop, requestOver }: Pick<JobContext, 'stop' | 'requestOver'>,
  run: (requestId: string, stop: AbortController) => Promise<Outcome>,
): Promise<Outcome> {
  const own = requestIds.map((requestId) => ({ requestId, stop: new AbortController() }));
  const stopAll = () => {
    for (const one of own) one.stop.abort(stop.signal.reason);
  };
  stop.signal.addEventListener('abort', stopAll);
  if (stop.signal.aborted) stopAll();
  try {
    const results = await Promise.allSettled(own.map((one) => run(one.requestId, one.stop).finally(requestOver)));
    const failed = results.find((result) => result.status === 'rejected');
    if (failed) throw failed.reason;
    const outcomes = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    return outcomes.reduce(sooner, done);
  } finally {
    stop.signal.removeEventListener('abort', stopAll);
  }
}

function sooner(found: Outcome, one: Outcome): Outcome {
  if (one.kind !== 'snooze') return found;
  return found.kind === 'snooze' && found.delayMs <= one.delayMs ? found : one;
}
