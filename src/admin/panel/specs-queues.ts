import { AppError } from '../../errors.ts';
import { QUEUES } from '../../queue/define-job.ts';
import { choiceField, exactField, textField, timeField } from './fields.ts';
import { type PanelSpec, REASON } from './spec.ts';

/** The queues, and the jobs that failed in them. */

/** Redis does not answer: that is neither an empty list nor a fault of ours. */
function unavailable(cause: unknown): never {
  throw new AppError('unavailable', { cause });
}

const SECOND_MS = 1_000;
type Texts = Readonly<Record<string, unknown>>;
const hasFailed = ({ failed }: Texts) => failed !== '0';

export const QUEUE_STATES: PanelSpec = {
  id: 'queues',
  collection: async ({ queues }) =>
    (await queues().catch(unavailable)).map((state) => ({ ...state, _id: state.queue })),
  icon: 'Layers',
  permission: 'routing.read',
  title: 'id',
  fields: [
    exactField('id', { path: '_id', isHidden: true }),
    choiceField('queue', QUEUES, { listed: true }),
    ...['waiting', 'active', 'delayed', 'failed'].map((name) => textField(name, { listed: true })),
    {
      name: 'oldestWaiting',
      paths: ['oldestWaitingMs'],
      listed: true,
      value: ({ oldestWaitingMs: ms }) => (ms === 0 ? '—' : `${(Number(ms) / SECOND_MS).toFixed(1)} s`),
    },
    textField('startedPerMinute'),
    ...['finishedPerMinute', 'failedPerMinute'].map((name) => textField(name, { listed: true })),
  ],
  commands: [
    { action: 'retryFailed', operation: 'queues.retry-failed', icon: 'RefreshCw', fields: [REASON], when: hasFailed },
    {
      action: 'drainFailed',
      operation: 'queues.drain-failed',
      icon: 'Trash2',
      fields: [REASON],
      when: hasFailed,
      isDangerous: true,
    },
  ],
  related: [{ resourceId: 'failedJobs', filter: 'queue' }],
};

export const FAILED_JOBS: PanelSpec = {
  id: 'failedJobs',
  collection: async ({ failedJobs }) =>
    (await failedJobs().catch(unavailable)).map(({ id, ...job }) => ({ ...job, jobId: id, _id: `${job.queue}/${id}` })),
  icon: 'AlertTriangle',
  permission: 'routing.read',
  title: 'jobId',
  fields: [
    exactField('id', { path: '_id', isHidden: true }),
    exactField('jobId', { listed: true }),
    choiceField('queue', QUEUES, { listed: true }),
    textField('jobName', { path: 'name', listed: true }),
    textField('tries', { path: 'attempts', listed: true }),
    timeField('failedAt', { listed: true }),
    textField('failedReason', { path: 'reason', listed: true }),
  ],
  commands: [{ action: 'retryJob', operation: 'queues.retry-job', icon: 'RefreshCw', fields: [REASON] }],
};
