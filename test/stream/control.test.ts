import { expect, test } from '@jest/globals';
import { onCancel, sendCancel } from '../../src/stream/control.ts';
import { streamKeys } from '../../src/stream/events.ts';
import { eventually } from '../helpers/eventually.ts';
import { requestId } from './frames.ts';
import { useRedis } from './redis.ts';

const redis = useRedis();

test('a cancellation reaches every worker of this installation, and no other', async () => {
  const [first, second, foreign]: [string[], string[], string[]] = [[], [], []];
  await onCancel(redis.blocking(), redis.prefix, (id) => first.push(id));
  await onCancel(redis.blocking(), redis.prefix, (id) => second.push(id));
  await onCancel(redis.blocking(), `${redis.prefix}x`, (id) => foreign.push(id));
  const sender = redis.blocking();
  const id = requestId();
  await sender.publish(streamKeys.control(redis.prefix), 'something else');
  await sendCancel(sender, redis.prefix, id);
  await eventually(() => expect([first, second]).toEqual([[id], [id]]));
  expect(foreign).toEqual([]);
});

test('cancellations are heard again after the connection was lost', async () => {
  const heard: string[] = [];
  const subscriber = redis.blocking();
  await onCancel(subscriber, redis.prefix, (id) => heard.push(id));
  subscriber.disconnect(true);
  const sender = redis.blocking();
  const id = requestId();
  await eventually(async () => {
    await sendCancel(sender, redis.prefix, id);
    expect(heard).toContain(id);
  });
});
