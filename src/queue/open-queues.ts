import { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { QUEUES, type QueueName } from './define-job.ts';

const EVENTS_KEPT = 100;

export type OpenQueues = {
  of(name: QueueName): Queue;
  close(): Promise<void>;
};

/**
 * All queues over one connection, which stays the caller's to close.
 * @param prefix key prefix shared by all processes.
 */
export function openQueues(connection: Redis, prefix: string): OpenQueues {
  const queues = new Map<QueueName, Queue>(
    QUEUES.map((name) => [
      name,
      new Queue(name, {
        connection,
        prefix: `${prefix}:q`,
        skipVersionCheck: true,
        skipMetasUpdate: true,
        skipWaitingForReady: true,
        streams: { events: { maxLen: EVENTS_KEPT } },
      }),
    ]),
  );
  // BullMQ repeats connection errors on each queue; redis.ts has logged them once already.
  for (const queue of queues.values()) queue.on('error', () => undefined);
  return {
    of: (name) => {
      const queue = queues.get(name);
      if (!queue) throw new Error(`unknown queue ${name}`);
      return queue;
    },
    close: async () => {
      await Promise.all([...queues.values()].map((queue) => queue.close()));
    },
  };
}
