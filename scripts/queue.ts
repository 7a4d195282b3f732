import { parseArgs } from 'node:util';
import { QUEUES } from '../src/queue/define-job.ts';
import { inspectQueues, listFailedJobs } from '../src/queue/inspect.ts';
import { createRedis, redisReady } from '../src/redis.ts';
import { runScript, table, UsageError } from './environment.ts';
import { performByScript } from './operation.ts';

const USAGE = `Usage: npm run queue -- <command>

  list                                     the queues, and the jobs that failed in them
  retry --queue <queue> --reason <text>    its failed jobs wait again, the oldest first, up to 500
        [--job <id>]                       only this one
  drain --queue <queue> --reason <text>    remove its failed jobs, the oldest first, up to 500; what is
                                           still owed stands in the database and is enqueued again

Queues: ${QUEUES.join(', ')}`;

type Command = Parameters<typeof runScript>[1] extends (words: string[]) => infer Made ? Made : never;

const text = { type: 'string' } as const;

function list(): Command {
  return async ({ config, log }) => {
    const redis = createRedis(config.redis.url, 'commands', log);
    try {
      await redisReady(redis);
      const { prefix } = config.redis;
      const [queues, failed] = [await inspectQueues(redis, prefix, Date.now()), await listFailedJobs(redis, prefix)];
      const states = queues.map((state) =>
        [
          state.queue,
          state.waiting,
          state.active,
          state.delayed,
          state.failed,
          state.startedPerMinute,
          state.finishedPerMinute,
          state.failedPerMinute,
        ].map(String),
      );
      const jobs = failed.map(({ queue, id, name, attempts, failedAt, reason }) => [
        queue,
        id,
        name,
        String(attempts),
        failedAt.toISOString(),
        reason,
      ]);
      const heading = ['QUEUE', 'JOB', 'WORK', 'TRIED', 'FAILED AT', 'REASON'];
      return [
        table([['QUEUE', 'WAITING', 'RUNNING', 'LATER', 'FAILED', 'STARTED/MIN', 'DONE/MIN', 'FAILED/MIN'], ...states]),
        jobs.length === 0 ? 'No failed jobs.' : table([heading, ...jobs]),
      ].join('\n\n');
    } finally {
      redis.disconnect();
    }
  };
}

function needed(name: string, value: string | undefined): string {
  if (value === undefined || value === '') throw new UsageError(`--${name} is needed`);
  return value;
}

function queueOf(value: string | undefined): string {
  if (!QUEUES.some((name) => name === value)) throw new UsageError(`--queue: one of ${QUEUES.join(', ')} is needed`);
  return needed('queue', value);
}

function change(name: 'queues.retry-failed' | 'queues.drain-failed', words: string[]): Command {
  const { values } = parseArgs({ args: words, options: { queue: text, reason: text, job: text } });
  const queue = queueOf(values.queue);
  const input = { reason: needed('reason', values.reason) };
  const { job } = values;
  if (job !== undefined && name === 'queues.drain-failed')
    throw new UsageError('--job: only what failed is drained, all of it');
  return async (context) => {
    if (job !== undefined) {
      await performByScript(context, { name: 'queues.retry-job', targetId: `${queue}/${job}`, input });
      return `${job} waits again`;
    }
    const { counts } = await performByScript(context, { name, targetId: queue, input });
    const done = name === 'queues.retry-failed' ? 'wait again' : 'removed';
    return `${counts?.taken ?? 0} ${done}, ${counts?.left ?? 0} failed ones left in ${queue}`;
  };
}

const COMMANDS: ReadonlyMap<string, (words: string[]) => Command> = new Map([
  ['list', list],
  ['retry', (words: string[]) => change('queues.retry-failed', words)],
  ['drain', (words: string[]) => change('queues.drain-failed', words)],
]);

await runScript(USAGE, ([name = '', ...words]) => {
  const command = COMMANDS.get(name);
  if (!command) throw new UsageError(`unknown command "${name}"`);
  return command(words);
});
