import type { QueueName } from '../queue/define-job.ts';
import { JOBS } from '../queue/jobs.ts';
import { type CountsByQueue, noCounts } from '../queue/rates.ts';
import type { JobObserver } from '../queue/run-job.ts';

/** What this process does with the jobs of each queue, counted until it is told. */
export type Tally = {
  started(counts: Readonly<Record<QueueName, number>>): void;
  ended: JobObserver;
  /** What was counted since the last call. */
  take(): CountsByQueue;
};

export function createTally(): Tally {
  let counts = noCounts();
  return {
    started: (more) => {
      for (const [queue, count] of Object.entries(more) as [QueueName, number][]) counts[queue].started += count;
    },
    ended: (key, outcome) => {
      if (outcome === 'snooze') return;
      counts[JOBS[key].queue][outcome === 'done' ? 'finished' : 'failed']++;
    },
    take: () => {
      const taken = counts;
      counts = noCounts();
      return taken;
    },
  };
}
