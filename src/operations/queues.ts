import { AppError } from '../errors.ts';
import { QUEUES, type QueueName } from '../queue/define-job.ts';
import { type Given, operation, withReason } from './define.ts';

/**
 * Commands about failed jobs. None of them moves money: a job is ids only, what it is about stands in the database, and
 * the sweeper enqueues what is owed again, whatever was removed here.
 */

const QUEUE = new RegExp(`^(?:${QUEUES.join('|')})$`);
/** Queue and id of a job. */
const JOB = new RegExp(`^(?:${QUEUES.join('|')})/[\\w.-]{1,200}$`);

async function retry({ targetId, deps }: Given): Promise<void> {
  const cut = targetId.indexOf('/');
  const result = await deps.failedJobs.retry(targetId.slice(0, cut) as QueueName, targetId.slice(cut + 1));
  if (result === 'not_found') throw new AppError('not_found', { message: 'There is no such job any more.' });
  if (result === 'not_failed')
    throw new AppError('state_conflict', { message: 'The job is not a failed one any more.' });
}

export const QUEUE_OPERATIONS = {
  'queues.retry-job': operation('routing.change', JOB, withReason, (_input, given) => retry(given)),
  'queues.retry-failed': operation('routing.change', QUEUE, withReason, async (_input, { targetId, deps }) => ({
    counts: await deps.failedJobs.retryAll(targetId as QueueName),
  })),
  'queues.drain-failed': operation('routing.change', QUEUE, withReason, async (_input, { targetId, deps }) => ({
    counts: await deps.failedJobs.drain(targetId as QueueName),
  })),
};
