import type { Redis } from 'ioredis';
import { streamKeys } from './events.ts';

/** Short messages from api to all workers. They only hurry things up: the request row says the same durably. */

const CANCEL = 'cancel ';

export async function sendCancel(redis: Redis, prefix: string, requestId: string): Promise<void> {
  await redis.publish(streamKeys.control(prefix), CANCEL + requestId);
}

/** Whether any process listens on a channel now. */
export async function isHeard(redis: Redis, channel: string): Promise<boolean> {
  const [, listeners] = (await redis.pubsub('NUMSUB', channel)) as [string, number];
  return Number(listeners) > 0;
}

/** @param subscriber connection used for nothing but subscriptions. */
export async function onCancel(
  subscriber: Redis,
  prefix: string,
  listener: (requestId: string) => void,
): Promise<void> {
  const channel = streamKeys.control(prefix);
  subscriber.on('message', (from: string, message: string) => {
    if (from === channel && message.startsWith(CANCEL)) listener(message.slice(CANCEL.length));
  });
  await subscriber.subscribe(channel);
}
