import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import type { Job } from 'bullmq';
import type { Redis } from 'ioredis';
import { QUEUES } from './define-job.ts';
import { shownReason } from './job-failure.ts';
import { JOBS, jobKeyOf } from './jobs.ts';
import { openQueues } from './open-queues.ts';

/** The queues as Bull Board reads them: nothing can be changed, and of a job only what may be seen is there. */

/** The ids that the catalogue lets a job carry; what another release put in is not shown. */
function shownData(job: Job): unknown {
  const key = jobKeyOf(job.name);
  const parsed = key && JOBS[key].payload.safeParse(job.data);
  return parsed?.success ? parsed.data : {};
}

function shown(job: Job): Job {
  job.data = shownData(job);
  job.stacktrace = [];
  job.returnvalue = null;
  if (job.failedReason) job.failedReason = shownReason(job.failedReason);
  if (job.deferredFailure) job.deferredFailure = shownReason(job.deferredFailure);
  return job;
}

class ReadOnlyQueue extends BullMQAdapter {
  /** Who is connected is not for the back-office's account on Redis to know. */
  override async getWorkers(): Promise<null> {
    return null;
  }

  override async getJob(id: string): Promise<Job | undefined> {
    const job = await super.getJob(id);
    return job && shown(job);
  }

  override async getJobs(...given: Parameters<BullMQAdapter['getJobs']>): Promise<Job[]> {
    return (await super.getJobs(...given)).map(shown);
  }
}

export type BoardQueues = { adapters: BullMQAdapter[]; close(): Promise<void> };

/** @param connection for commands; the caller's to close. */
export function openBoardQueues(connection: Redis, prefix: string): BoardQueues {
  const queues = openQueues(connection, prefix);
  return {
    adapters: QUEUES.map((name) => new ReadOnlyQueue(queues.of(name), { readOnlyMode: true })),
    close: queues.close,
  };
}
