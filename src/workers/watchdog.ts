import type { Logger } from '../log.ts';
import { runPeriodically } from '../periodic.ts';
import type { Producer } from '../queue/enqueue.ts';
import type { Workers } from '../queue/start-workers.ts';

const CHECK_MS = 15_000;
const SILENT_MS = 60_000;

/**
 * Ends the process when jobs wait but none has been started for a minute although nothing runs: a reader that did not
 * survive a reconnect. The supervisor starts a fresh one. Returns the function that stops watching.
 */
export function watchQueue({
  workers,
  producer,
  log,
}: {
  workers: Workers;
  producer: Producer;
  log: Logger;
}): () => Promise<void> {
  const watch = runPeriodically(
    { intervalMs: CHECK_MS },
    async () => {
      if (workers.running() > 0 || workers.idleMs() < SILENT_MS) return;
      const counts = await producer.counts();
      const waiting = Object.values(counts).reduce((sum, queue) => sum + queue.waiting, 0);
      if (waiting === 0 || workers.idleMs() < SILENT_MS) return;
      log.fatal({ count: waiting, ms: Math.round(workers.idleMs()) }, 'jobs wait and none is fetched');
      process.exit(1);
    },
    // Redis is away; there is nothing to fetch from.
    () => undefined,
  );
  return watch.stop;
}
