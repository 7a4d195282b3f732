import { runPeriodically } from '../periodic.ts';
import type { BacklogStore } from '../queue/backlog.ts';
import type { Workers } from '../queue/start-workers.ts';
import type { Tally } from './tally.ts';

/**
 * Tells the api processes, through Redis, how many jobs this process has started: that is how fast the queues drain.
 * What cannot be told is forgotten, for it would be a burst that never was. Returns the function that stops it.
 */
export function tellStarted(options: {
  workers: Pick<Workers, 'takeStarted'>;
  backlog: Pick<BacklogStore, 'addStarted'>;
  tally: Pick<Tally, 'started'>;
  intervalMs: number;
}): () => Promise<void> {
  const telling = runPeriodically(
    { intervalMs: options.intervalMs },
    () => {
      const taken = options.workers.takeStarted();
      options.tally.started(taken);
      return options.backlog.addStarted(taken);
    },
    // Redis is away, which redis.ts has logged.
    () => undefined,
  );
  return telling.stop;
}
