import type { z } from 'zod';

export const QUEUES = ['interactive', 'background', 'webhooks', 'maintenance'] as const;
export type QueueName = (typeof QUEUES)[number];

/** The whole contract of a job in one literal. The payload is ids; the row they name is the truth. */
export type JobDefinition<Payload> = {
  /** Stable public string: jobs of an older release wait in Redis under it. */
  name: string;
  queue: QueueName;
  payload: z.ZodType<Payload>;
  /** How often the queue starts it when it throws. */
  attempts: number;
  backoffMs: number;
  /** The handler's signal is aborted after this. */
  timeoutMs: number;
  /** Finished and failed jobs kept for people to look at; 0 where the row itself is the evidence. */
  keep: number;
};

export function defineJob<Payload>(definition: JobDefinition<Payload>): JobDefinition<Payload> {
  return definition;
}
