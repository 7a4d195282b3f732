import { runPeriodically } from '../periodic.ts';
import type { BacklogStore } from '../queue/backlog.ts';
import type { Workers } from '../queue/start-workers.ts';

/**
 * Tells the api processes, through Redis, how many jobs this process has started: that is how fast the queues drain.
 * What cannot be told is forgotten, for it would be a burst that never was. Returns the function that stops it.
 */
export function tellStarted(options: {
  workers: Pick<Workers, 'takeStarted'>;
  backlog: Pick<BacklogStore, 'addStarted'>;
  intervalMs: number;
}): () => Promise<void> {
  const telling = runPeriodically(
    { intervalMs: options.intervalMs },
    () => options.backlog.addStarted(options.workers.takeStarted()),
    // Redis is away, which redis.ts has logged.
    () => undefined,
  );
  return telling.stop;
}
