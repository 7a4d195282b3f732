import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { Redis } from 'ioredis';
import { encodeFrames, type Frame, streamKeys } from '../../src/stream/events.ts';
import { createLogReader, type LogReader } from '../../src/stream/log-reader.ts';
import { eventually } from '../helpers/eventually.ts';
import { dataFrame, requestId } from './frames.ts';
import { log, useRedis } from './redis.ts';

const redis = useRedis();
/** Well under the five seconds for which the reader blocks; the wake-up itself takes a few milliseconds. */
const WOKEN_MS_MAX = 1_000;
const LONG = 450;

let commands: Redis;
const readers: LogReader[] = [];
beforeAll(async () => {
  commands = redis.blocking();
});
afterEach(async () => {
  await Promise.all(readers.splice(0).map((reader) => reader.close()));
});

const plain = (bytes: Uint8Array) => Buffer.from(bytes);

async function append(id: string, frames: readonly Frame[]): Promise<void> {
  const pipeline = commands.pipeline();
  const key = streamKeys.log(redis.prefix, id);
  for (const frame of frames) pipeline.xadd(key, '*', 'b', encodeFrames([frame]));
  await pipeline.exec();
}

const events = (id: string, from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => dataFrame(id, from + i));
const upTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1);

/** Numbers as runs without a gap, `1-450`, so that a failure can be read. */
function runs(seqs: readonly number[]): string[] {
  const starts = seqs.flatMap((seq, i) => (i === 0 || seq !== (seqs[i - 1] ?? 0) + 1 ? [i] : []));
  return starts.map((from, i) => `${seqs[from]}-${seqs[(starts[i + 1] ?? seqs.length) - 1]}`);
}

function reading(protocol: 2 | 3, instanceId = requestId()) {
  const connection = redis.speaking(protocol);
  const reader = createLogReader({ reader: connection, commands, prefix: redis.prefix, instanceId, log });
  readers.push(reader);
  const tail = (id: string) => {
    const seqs: number[] = [];
    const stop = reader.tail(id, plain, (frames) => {
      seqs.push(...frames.map((frame) => frame.seq));
      return undefined;
    });
    return { seqs, stop };
  };
  return { reader, connection, tail };
}

/** Until the connection waits inside a blocking read, as Redis itself sees it. */
async function blocked(connection: Redis): Promise<void> {
  await eventually(async () => {
    const { localPort } = connection.stream as unknown as { localPort: number };
    const line = String(await commands.client('LIST'))
      .split('\n')
      .find((one) => one.includes(`:${localPort} `));
    expect(line).toMatch(/flags=b.* cmd=xread/);
  });
}

describe.each([2, 3] as const)('the log reader, speaking RESP%i', (protocol) => {
  test('gives a tail everything kept and then what is added, each once and in order', async () => {
    const id = requestId();
    await append(id, events(id, 1, LONG));
    const { tail } = reading(protocol);
    const { seqs } = tail(id);
    await eventually(() => expect(seqs).toHaveLength(LONG));
    await append(id, events(id, LONG + 1, LONG + 3));
    await eventually(() => expect(runs(seqs)).toEqual([`1-${LONG + 3}`]));
  });

  test('serves a new tail at once although a blocking read is in progress', async () => {
    const [silent, spoken] = [requestId(), requestId()];
    await append(spoken, events(spoken, 1, 3));
    const { tail, connection } = reading(protocol);
    const first = tail(silent);
    for (let round = 0; round < 5; round++) {
      await blocked(connection);
      const startMs = performance.now();
      const { seqs, stop } = tail(spoken);
      await eventually(() => expect(seqs).toEqual([1, 2, 3]), { intervalMs: 5 });
      expect(performance.now() - startMs).toBeLessThan(WOKEN_MS_MAX);
      stop();
    }
    expect(first.seqs).toEqual([]);
  });

  test('gives two tails of one request the whole of it each, the later one too, and nothing twice', async () => {
    const id = requestId();
    await append(id, events(id, 1, LONG));
    const { tail } = reading(protocol);
    const early = tail(id);
    await eventually(() => expect(early.seqs).toHaveLength(LONG));
    const late = tail(id);
    await append(id, events(id, LONG + 1, 2 * LONG));
    await eventually(() => expect(Math.min(late.seqs.length, early.seqs.length)).toBeGreaterThanOrEqual(2 * LONG));
    expect({ early: runs(early.seqs), late: runs(late.seqs) }).toEqual({ early: ['1-900'], late: ['1-900'] });
  });

  test('keeps many requests apart', async () => {
    const ids = Array.from({ length: 40 }, requestId);
    const { tail } = reading(protocol);
    const all = ids.map((id) => ({ id, ...tail(id) }));
    await Promise.all(ids.map((id, n) => append(id, events(id, 1, 5 + n))));
    await eventually(() => expect(all.map(({ seqs }) => seqs)).toEqual(ids.map((_, n) => upTo(5 + n))));
  });
});

test('a tail that was stopped hears nothing more, and the others go on', async () => {
  const id = requestId();
  const { tail } = reading(3);
  const [gone, stays] = [tail(id), tail(id)];
  await append(id, events(id, 1, 2));
  await eventually(() => expect(gone.seqs).toEqual([1, 2]));
  gone.stop();
  await append(id, events(id, 3, 4));
  await eventually(() => expect(stays.seqs).toEqual([1, 2, 3, 4]));
  expect(gone.seqs).toEqual([1, 2]);
});

test('a lost connection in the middle of a blocking read loses nothing', async () => {
  const id = requestId();
  const { tail, connection } = reading(3);
  const { seqs } = tail(id);
  await append(id, events(id, 1, 2));
  await eventually(() => expect(seqs).toEqual([1, 2]));
  await blocked(connection);
  connection.disconnect(true);
  await append(id, events(id, 3, 4));
  await eventually(() => expect(seqs).toEqual([1, 2, 3, 4]));
});

test('a tail that asks to wait is given no more until it is ready, and the others are not held up', async () => {
  const id = requestId();
  await append(id, events(id, 1, 3));
  const { reader, tail } = reading(3);
  const slow: number[] = [];
  let ready: () => void = () => undefined;
  reader.tail(id, plain, (frames) => {
    slow.push(...frames.map((frame) => frame.seq));
    return slow.length === 2 ? new Promise((resolve) => (ready = resolve)) : undefined;
  });
  const { seqs } = tail(id);
  await eventually(() => expect(seqs).toEqual([1, 2, 3]));
  await append(id, events(id, 4, 5));
  await eventually(() => expect(seqs).toEqual([1, 2, 3, 4, 5]));
  expect(slow).toEqual([1, 2]);
  ready();
  await eventually(() => expect(slow).toEqual([1, 2, 3, 4, 5]));
});

test('bytes of another request, or none that can be opened, never reach a tail', async () => {
  const [mine, other] = [requestId(), requestId()];
  const { tail, reader } = reading(3);
  const { seqs } = tail(mine);
  const key = streamKeys.log(redis.prefix, mine);
  await append(mine, [dataFrame(other, 1)]);
  await commands.xadd(key, '*', 'b', 'nonsense');
  await append(mine, [dataFrame(mine, 1)]);
  await eventually(() => expect(seqs).toEqual([1]));
  await expect(reader.read(mine, plain)).rejects.toThrow('frame: ');
});

test('closing ends a blocking read at once', async () => {
  const { tail, reader, connection } = reading(3);
  const { seqs } = tail(requestId());
  await blocked(connection);
  const startMs = performance.now();
  await reader.close();
  expect(performance.now() - startMs).toBeLessThan(WOKEN_MS_MAX);
  expect(seqs).toEqual([]);
});

test('what is kept can be read at once, and a missing log is empty', async () => {
  const id = requestId();
  await append(id, events(id, 1, 3));
  const { reader } = reading(3);
  expect((await reader.read(id, plain)).map((frame) => frame.seq)).toEqual([1, 2, 3]);
  expect(await reader.read(requestId(), plain)).toEqual([]);
});
