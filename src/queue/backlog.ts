import type { Redis } from 'ioredis';
import type { QueueName } from './define-job.ts';

/**
 * How much waits in a queue and how fast it drains, told so cheaply that every api process can ask several times a
 * second: counts of BullMQ's lists, and a counter to which every worker process adds what it has started.
 */

/**
 * A job's place by its priority: jobs of place n are those whose priority is at most `PLACES[n]`. Few places are enough
 * to see whether those in front of a job are many.
 */
export const PLACES = [0, 1, 2, 4, 8, 16, 32, 64, Number.POSITIVE_INFINITY] as const;

/** BullMQ orders prioritized jobs by `priority * 2^32` plus a counter. */
const PRIORITY_UNIT = 2 ** 32;

export type Backlog = {
  /** Waiting jobs that are served before a new one of the same place, for each of `PLACES`. */
  ahead: readonly number[];
  /** Jobs that workers have ever started; starts again from 0 when Redis has lost everything. */
  started: number;
};

export type BacklogStore = {
  /** One round trip. Rejects when Redis does not answer. */
  read(queue: QueueName): Promise<Backlog>;
  /** Adds jobs that this process started. Rejects when Redis does not answer. */
  addStarted(counts: Readonly<Partial<Record<QueueName, number>>>): Promise<void>;
};

/** The place of a job with this priority. */
export function placeOf(priority: number): number {
  return PLACES.findIndex((most) => priority <= most);
}

/** @param redis a connection for commands. */
export function createBacklogStore(redis: Redis, prefix: string): BacklogStore {
  const startedKey = `${prefix}:started`;
  return {
    read: async (queue) => {
      const key = `${prefix}:q:${queue}`;
      const [started, first, ...later] = await Promise.all([
        redis.hget(startedKey, queue),
        redis.llen(`${key}:wait`),
        ...PLACES.map((most) => redis.zcount(`${key}:prioritized`, '-inf', belowScore(most))),
      ]);
      return { started: Number(started ?? 0), ahead: later.map((count) => first + count) };
    },
    addStarted: async (counts) => {
      const entries = Object.entries(counts).filter(([, count]) => count > 0);
      await Promise.all(entries.map(([queue, count]) => redis.hincrby(startedKey, queue, count)));
    },
  };
}

function belowScore(priorityMax: number): string {
  return Number.isFinite(priorityMax) ? `(${(priorityMax + 1) * PRIORITY_UNIT}` : '+inf';
}
