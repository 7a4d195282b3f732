import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Redis } from 'ioredis';
import { newId } from '../../src/ids.ts';
import { createContentCipher } from '../../src/privacy/content-key.ts';
import { decodeFrames, type Frame, streamKeys } from '../../src/stream/events.ts';
import { createLogReader } from '../../src/stream/log-reader.ts';
import { createPublisher, type EventWriter, type Publisher } from '../../src/stream/publish.ts';
import { eventually } from '../helpers/eventually.ts';
import { useStores } from '../helpers/stores.ts';
import { startTcpProxy, type TcpProxy } from '../helpers/tcp-proxy.ts';
import { DONE_END, requestId } from './frames.ts';
import { log, useRedis } from './redis.ts';

useStores();
const redis = useRedis();
const TTL_SECONDS = 60;
const MEGABYTE = 1024 * 1024;
const HEADERS_BYTES_MAX = 4_096;

let proxy: TcpProxy;
let commands: Redis;
let publisher: Publisher;
let channel: string;
let messages: Buffer[];

beforeAll(async () => {
  const { hostname, port } = new URL(redis.url);
  proxy = await startTcpProxy({ host: hostname, port: Number(port) });
  commands = redis.blocking();
  publisher = createPublisher({
    redis: redis.blocking(`redis://127.0.0.1:${proxy.port}`),
    prefix: redis.prefix,
    ttlSeconds: TTL_SECONDS,
    log,
  });
});
afterAll(() => proxy.close());
beforeEach(async () => {
  proxy.mend();
  messages = [];
  const heard = messages;
  channel = streamKeys.channel(redis.prefix, requestId());
  const subscriber = redis.blocking();
  subscriber.on('messageBuffer', (_channel: Buffer, message: Buffer) => heard.push(message));
  await subscriber.subscribe(channel);
});

const turn = () => new Promise((resolve) => setImmediate(resolve));
const frames = (): Frame[] => messages.flatMap((message) => decodeFrames(message));
const plain = (bytes: Uint8Array) => Buffer.from(bytes);

function write(writer: EventWriter, count: number, bytes = 100): void {
  for (let i = 0; i < count; i++) writer.data(Buffer.alloc(bytes, i));
}

describe('what one turn of the event loop produced', () => {
  test('travels as one message and one log entry, the next turn as the next', async () => {
    const id = requestId();
    const writer = publisher.open({ requestId: id, attempt: 1, channel, seal: plain });
    write(writer, 100);
    await turn();
    await turn();
    write(writer, 50);
    writer.end(DONE_END);
    await eventually(() => expect(frames()).toHaveLength(151));
    expect(messages).toHaveLength(2);
    expect(await commands.xlen(streamKeys.log(redis.prefix, id))).toBe(2);
  });

  test('of many requests is put together for the channel and kept apart in the logs', async () => {
    const writers = Array.from({ length: 10 }, () => {
      const id = requestId();
      return { id, writer: publisher.open({ requestId: id, attempt: 1, channel, seal: plain }) };
    });
    for (const { writer } of writers) write(writer, 3);
    await eventually(() => expect(frames()).toHaveLength(30));
    expect(messages).toHaveLength(1);
    const lengths = await Promise.all(writers.map(({ id }) => commands.xlen(streamKeys.log(redis.prefix, id))));
    expect(lengths).toEqual(writers.map(() => 1));
  });

  test('is split into messages of bounded size, complete and in order', async () => {
    const writer = publisher.open({ requestId: requestId(), attempt: 1, channel });
    write(writer, 12, 300 * 1024);
    writer.data(Buffer.alloc(3 * MEGABYTE, 7));
    writer.end(DONE_END);
    await eventually(() => expect(frames()).toHaveLength(14));
    expect(frames().map((frame) => frame.seq)).toEqual(Array.from({ length: 14 }, (_, i) => i + 1));
    const sizes = messages.map((message) => message.length);
    expect(sizes.filter((size) => size > MEGABYTE + HEADERS_BYTES_MAX)).toEqual([expect.any(Number)]);
    expect(frames()[12]?.payload.equals(Buffer.alloc(3 * MEGABYTE, 7))).toBe(true);
  });
});

test('between its first event and its end a log gathers what it keeps, and still gets everything in order', async () => {
  const id = requestId();
  const writer = publisher.open({ requestId: id, attempt: 1, channel, seal: plain });
  const kept = async () => (await commands.xrangeBuffer(streamKeys.log(redis.prefix, id), '-', '+')).map(seqsOf);
  const seqsOf = ([, fields]: [unknown, Buffer[]]) => decodeFrames(fields[1] as Buffer).map(({ seq }) => seq);
  for (let i = 0; i < 20; i++) {
    write(writer, 1);
    await turn();
    await turn();
  }
  await eventually(async () => expect((await kept()).flat()).toHaveLength(20));
  expect((await kept()).length).toBeLessThan(10);
  write(writer, 1);
  writer.end(DONE_END);
  await eventually(async () => expect((await kept()).flat()).toEqual(Array.from({ length: 22 }, (_, i) => i + 1)));
  expect(frames().map(({ seq }) => seq)).toEqual(Array.from({ length: 22 }, (_, i) => i + 1));
});

test('numbers continue where an earlier attempt stopped', async () => {
  const writer = publisher.open({ requestId: requestId(), attempt: 2, channel, lastSeq: 7 });
  expect(writer.data(Buffer.from('x'))).toBe(8);
  writer.end(DONE_END);
  expect(writer.lastSeq()).toBe(9);
  await eventually(() =>
    expect(frames().map(({ seq, attempt }) => [seq, attempt])).toEqual([
      [8, 2],
      [9, 2],
    ]),
  );
});

test('a log lives for its time from the first event on, and again from the end on', async () => {
  const id = requestId();
  const key = streamKeys.log(redis.prefix, id);
  const writer = publisher.open({ requestId: id, attempt: 1, seal: plain });
  write(writer, 1);
  await eventually(async () => expect(await commands.ttl(key)).toBeGreaterThan(TTL_SECONDS - 10));
  await commands.expire(key, 5);
  writer.end(DONE_END);
  await eventually(async () => expect(await commands.ttl(key)).toBeGreaterThan(TTL_SECONDS - 10));
});

test('a log of which nothing is to be kept goes soon after the end', async () => {
  const id = requestId();
  const key = streamKeys.log(redis.prefix, id);
  const writer = publisher.open({ requestId: id, attempt: 1, seal: plain, ttlAfterEndSeconds: 2 });
  write(writer, 1);
  await eventually(async () => expect(await commands.ttl(key)).toBeGreaterThan(TTL_SECONDS - 10));
  write(writer, 1);
  writer.end(DONE_END);
  await publisher.flushed(5_000);
  const left = await commands.ttl(key);
  expect(left).toBeGreaterThan(-1);
  expect(left).toBeLessThanOrEqual(2);
});

test('a log is kept from its first event on while the stream runs longer than its time', async () => {
  const shortLived = createPublisher({ redis: redis.blocking(), prefix: redis.prefix, ttlSeconds: 1, log });
  const id = requestId();
  const key = streamKeys.log(redis.prefix, id);
  const writer = shortLived.open({ requestId: id, attempt: 1, seal: plain });
  const endMs = performance.now() + 2_500;
  while (performance.now() < endMs) {
    write(writer, 1);
    await shortLived.flushed(5_000);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const [first] = await commands.xrangeBuffer(key, '-', '+', 'COUNT', 1);
  expect(decodeFrames(first?.[1][1] ?? Buffer.alloc(0))[0]?.seq).toBe(1);
  expect(await commands.ttl(key)).toBeGreaterThan(-1);
});

test('a kept event cannot be read with the cipher of another request, not even of the same account', async () => {
  const cipher = createContentCipher(new Map([[1, randomBytes(32)]]));
  const [accountId, mine, other] = [newId('acc'), requestId(), requestId()];
  const cipherOf = async (id: string) => cipher.forRequest(accountId, id, await cipher.streamKey(accountId, id));
  const [own, foreign] = [await cipherOf(mine), await cipherOf(other)];
  const writer = publisher.open({ requestId: mine, attempt: 1, seal: own.seal });
  writer.data(Buffer.from('canary of mine'));
  await publisher.flushed(5_000);
  const reader = createLogReader({
    reader: redis.blocking(),
    commands,
    prefix: redis.prefix,
    instanceId: requestId(),
    log,
  });
  const kept = await commands.xrangeBuffer(streamKeys.log(redis.prefix, mine), '-', '+');
  expect(JSON.stringify(kept.map(([, fields]) => fields.map(String)))).not.toContain('canary');
  expect((await reader.read(mine, own.open)).map((frame) => frame.payload.toString())).toEqual(['canary of mine']);
  await expect(reader.read(mine, foreign.open)).rejects.toThrow();
  await reader.close();
});

describe('with a Redis that does not take anything', () => {
  test('there is no room while more than the bound waits, and room again when it was taken', async () => {
    const writer = publisher.open({ requestId: requestId(), attempt: 1, channel });
    proxy.freeze();
    let room = true;
    let sent = 0;
    while (room && sent < 100) {
      writer.data(Buffer.alloc(MEGABYTE));
      sent++;
      await turn();
      await turn();
      room = publisher.room() === undefined;
    }
    expect(sent).toBeLessThanOrEqual(34);
    const waiting = Promise.all([publisher.room(), publisher.room()]);
    proxy.mend();
    await waiting;
    await eventually(() => expect(frames()).toHaveLength(sent), { timeoutMs: 20_000 });
  });

  test('waiting for it to take the rest is given up after the time allowed', async () => {
    const writer = publisher.open({ requestId: requestId(), attempt: 1, channel });
    proxy.freeze();
    writer.data(Buffer.from('late'));
    await publisher.flushed(100);
    expect(messages).toEqual([]);
    proxy.mend();
    await publisher.flushed(10_000);
    await eventually(() => expect(frames()).toHaveLength(1));
  });

  test('events of an outage arrive when it is over, in order', async () => {
    const id = requestId();
    const writer = publisher.open({ requestId: id, attempt: 1, channel, seal: plain });
    write(writer, 1);
    await publisher.flushed(5_000);
    proxy.cut();
    for (let i = 0; i < 5; i++) {
      write(writer, 2);
      await turn();
    }
    writer.end(DONE_END);
    proxy.mend();
    await eventually(() => expect(frames().at(-1)?.type).toBe('end'));
    const reader = createLogReader({
      reader: redis.blocking(),
      commands,
      prefix: redis.prefix,
      instanceId: requestId(),
      log,
    });
    const seqs = [...new Set((await reader.read(id, plain)).map((frame) => frame.seq))];
    expect(seqs).toEqual(Array.from({ length: 12 }, (_, i) => i + 1));
    await reader.close();
  });
});
