import { z } from 'zod';
import { defineJob, type JobDefinition } from './define-job.ts';

/** Every job of the product. `workers/handlers.ts` must have a handler for each; the compiler checks it. */

const requestId = z.string().regex(/^req_[0-9a-z]{26}$/);
const requestPayload = z.strictObject({ requestId });
/** Few enough that a burst is still shared out among workers. */
const REQUESTS_PER_JOB_MAX = 16;
/** A worker that has room for one more request takes a job whole: by so much it may run more than it should. */
const SHARE_OF_PLACES = 1 / 8;

/** How many requests a job may bring to workers that have so many places, shared by so many fetchers. */
export function requestsPerJob({ concurrency, fetchLoops }: { concurrency: number; fetchLoops: number }): number {
  const share = Math.floor((concurrency / fetchLoops) * SHARE_OF_PLACES);
  return Math.min(REQUESTS_PER_JOB_MAX, Math.max(1, share));
}

/** Longest life of a request with its grace; the request's own deadline ends it earlier. */
const REQUEST_TIMEOUT_MS = 86_400_000;

export const JOBS = {
  // A request's jobs leave nothing in Redis: its row is the evidence, and a kept job would block re-queueing it.
  runRequest: defineJob({
    name: 'run-request',
    queue: 'interactive',
    payload: requestPayload,
    attempts: 1,
    backoffMs: 0,
    timeoutMs: REQUEST_TIMEOUT_MS,
    keep: 0,
  }),
  runRequests: defineJob({
    name: 'run-requests',
    queue: 'interactive',
    payload: z.strictObject({ requestIds: z.array(requestId).min(1).max(REQUESTS_PER_JOB_MAX) }),
    attempts: 1,
    backoffMs: 0,
    timeoutMs: REQUEST_TIMEOUT_MS,
    keep: 0,
  }),
  runBackgroundRequest: defineJob({
    name: 'run-background-request',
    queue: 'background',
    payload: requestPayload,
    attempts: 1,
    backoffMs: 0,
    timeoutMs: REQUEST_TIMEOUT_MS,
    keep: 0,
  }),
  deliverWebhook: defineJob({
    name: 'deliver-webhook',
    queue: 'webhooks',
    payload: z.strictObject({ deliveryId: z.string().regex(/^evt_[0-9a-z]{26}$/) }),
    attempts: 1,
    backoffMs: 0,
    timeoutMs: 60_000,
    keep: 0,
  }),
  purgeContent: defineJob({
    name: 'purge-content',
    queue: 'maintenance',
    payload: z.strictObject({ day: z.string().regex(/^\d{4}-\d{2}-\d{2}$/) }),
    attempts: 5,
    backoffMs: 60_000,
    timeoutMs: 3_600_000,
    keep: 100,
  }),
  // Its row says whether it is still wanted; a kept job would block a later try.
  buildAccessArchive: defineJob({
    name: 'build-access-archive',
    queue: 'maintenance',
    payload: z.strictObject({ privacyRequestId: z.string().regex(/^dsr_[0-9a-z]{26}$/) }),
    attempts: 1,
    backoffMs: 0,
    timeoutMs: 3_600_000,
    keep: 0,
  }),
} as const;

export type JobKey = keyof typeof JOBS;
export type JobPayload<Key extends JobKey> = (typeof JOBS)[Key] extends JobDefinition<infer Payload> ? Payload : never;

const keysByName = new Map<string, JobKey>(
  (Object.keys(JOBS) as JobKey[]).map((key) => [JOBS[key].name, key] as const),
);

/** The catalogue key of a stored job name; undefined for a name this release does not know. */
export function jobKeyOf(name: string): JobKey | undefined {
  return keysByName.get(name);
}
