import { toAppError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { JOBS, type JobKey, type JobPayload, jobKeyOf } from './jobs.ts';
import { cancel, type Outcome } from './outcome.ts';

/** What a handler gets besides its payload. `stop` is aborted on timeout and forced shutdown; a handler may abort it too. */
export type JobContext = {
  jobId: string;
  attempt: number;
  stop: AbortController;
  log: Logger;
  /** One of the requests that the job brought is over: its place is free although the job goes on. */
  requestOver: () => void;
};

export type Handlers = { [Key in JobKey]: (payload: JobPayload<Key>, context: JobContext) => Promise<Outcome> };

/** A job as the queue hands it over; who aborts `stop` ends it. */
export type RawJob = {
  id: string;
  name: string;
  data: unknown;
  attempt: number;
  stop: AbortController;
  requestOver: () => void;
};

type Step = { raw: RawJob; key: JobKey; payload: unknown };

/** Told of every finished run, for metrics. */
export type JobObserver = (key: JobKey, outcome: Outcome['kind'] | 'error', durationMs: number) => void;

/**
 * The one executor: resolve, parse, give a deadline, run, report. Parsing, logging and error mapping happen here and
 * nowhere else. Rethrows what a handler throws, so that the queue counts the attempt.
 */
export async function runJob(raw: RawJob, handlers: Handlers, log: Logger, observe: JobObserver): Promise<Outcome> {
  const step = resolve(raw, log);
  if (!step) return cancel('unknown_job_or_payload');
  const startedMs = performance.now();
  try {
    const outcome = await perform(step, handlers, log);
    observe(step.key, outcome.kind, performance.now() - startedMs);
    return outcome;
  } catch (error) {
    observe(step.key, 'error', performance.now() - startedMs);
    log.error(
      { jobId: raw.id, jobName: raw.name, attempt: raw.attempt, code: toAppError(error).code, err: error },
      'job failed',
    );
    throw error;
  }
}

function resolve(raw: RawJob, log: Logger): Step | undefined {
  const key = jobKeyOf(raw.name);
  const parsed = key ? JOBS[key].payload.safeParse(raw.data) : undefined;
  if (key && parsed?.success) return { raw, key, payload: parsed.data };
  log.error({ jobId: raw.id, jobName: raw.name }, 'job dropped: unknown name or payload');
  return undefined;
}

async function perform({ raw, key, payload }: Step, handlers: Handlers, log: Logger): Promise<Outcome> {
  const { id: jobId, attempt, stop, requestOver } = raw;
  const timer = setTimeout(() => stop.abort(new Error('job timeout')), Math.min(JOBS[key].timeoutMs, 2 ** 31 - 1));
  // The catalogue pairs each key with its payload type; the compiler cannot follow the pair through a variable.
  const handler = handlers[key] as (payload: unknown, context: JobContext) => Promise<Outcome>;
  try {
    return await handler(payload, { jobId, attempt, stop, log, requestOver });
  } finally {
    clearTimeout(timer);
  }
}
