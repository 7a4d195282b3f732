import type { Redis } from 'ioredis';
import type { Logger } from '../log.ts';
import { decodeFrames, type Frame, streamKeys } from './events.ts';

/** Opens what `publish.ts` sealed; throws when the bytes are not this request's. */
export type Open = (sealed: Uint8Array) => Buffer;

export type LogReader = {
  /** Delivers the frames kept for a request from the first on, then new ones, until the returned function is called. */
  tail(requestId: string, open: Open, onFrames: (frames: Frame[]) => void): () => void;
  /** Everything kept for a request now. */
  read(requestId: string, open: Open): Promise<Frame[]>;
  close(): Promise<void>;
};

const BLOCK_MS = 5_000;
const ENTRIES_PER_READ = 200;
const READ_ENTRIES_MAX = 20_000;
const RETRY_MS = 200;

type Tail = { requestId: string; open: Open; onFrames: (frames: Frame[]) => void; lastId: string };
type Entry = [id: Buffer, fields: Buffer[]];

/**
 * One blocking reader for all resumed and attached clients of a process: a single XREAD over many logs. A wake-up
 * stream of this process interrupts it when the set changes.
 * @param reader connection used for nothing but the blocking read.
 * @param commands connection for short commands.
 */
export function createLogReader(options: {
  reader: Redis;
  commands: Redis;
  prefix: string;
  instanceId: string;
  log: Logger;
}): LogReader {
  const { reader, commands, prefix, log } = options;
  const tails = new Set<Tail>();
  const wakeKey = streamKeys.wake(prefix, options.instanceId);
  let wakeId = '0';
  let closed = false;
  let running: Promise<void> | undefined;

  function dispatch(tail: Tail, entries: Entry[]): void {
    for (const [id, fields] of entries) {
      tail.lastId = id.toString('latin1');
      const sealed = fields[1];
      if (!sealed) continue;
      try {
        const frames = decodeFrames(tail.open(sealed));
        // The seal binds the bytes to the request; this check keeps a mistake in the demultiplexer from showing.
        if (frames.some((frame) => frame.requestId !== tail.requestId)) throw new Error('a frame of another request');
        tail.onFrames(frames);
      } catch (error) {
        log.error({ requestId: tail.requestId, err: error }, 'stream log entry dropped');
      }
    }
  }

  async function readOnce(): Promise<void> {
    const current = [...tails];
    const keys = [wakeKey, ...current.map((tail) => streamKeys.log(prefix, tail.requestId))];
    const ids = [wakeId, ...current.map((tail) => tail.lastId)];
    const reply = await reader.xreadBuffer('COUNT', ENTRIES_PER_READ, 'BLOCK', BLOCK_MS, 'STREAMS', ...keys, ...ids);
    for (const [key, entries] of streamsOf(reply)) {
      const index = keys.indexOf(key);
      if (index === 0) wakeId = entries.at(-1)?.[0].toString('latin1') ?? wakeId;
      const tail = current[index - 1];
      if (tail && tails.has(tail)) dispatch(tail, entries);
      // Two readers of one request share its key: the reply names it once.
      for (const other of current) {
        if (other !== tail && tails.has(other) && streamKeys.log(prefix, other.requestId) === key)
          dispatch(other, entries);
      }
    }
  }

  async function run(): Promise<void> {
    while (!closed && tails.size > 0) {
      try {
        await readOnce();
      } catch (error) {
        if (closed) return;
        log.warn({ err: error }, 'stream log read failed');
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  }

  function ensureRunning(): void {
    if (running || closed) return;
    running = run().finally(() => {
      running = undefined;
      if (tails.size > 0) ensureRunning();
    });
  }

  function wake(): void {
    commands
      .pipeline()
      .xadd(wakeKey, 'MAXLEN', 1, '*', 'w', '1')
      .expire(wakeKey, 3_600)
      .exec()
      .catch((error: unknown) => log.warn({ err: error }, 'stream log reader was not woken'));
  }

  return {
    tail: (requestId, open, onFrames) => {
      const tail: Tail = { requestId, open, onFrames, lastId: '0' };
      tails.add(tail);
      if (running) wake();
      ensureRunning();
      return () => {
        tails.delete(tail);
      };
    },
    read: async (requestId, open) => {
      const entries = (await commands.xrangeBuffer(
        streamKeys.log(prefix, requestId),
        '-',
        '+',
        'COUNT',
        READ_ENTRIES_MAX,
      )) as unknown as Entry[];
      return entries.flatMap(([, fields]) => (fields[1] ? decodeFrames(open(fields[1])) : []));
    },
    close: async () => {
      closed = true;
      tails.clear();
      reader.disconnect();
      await running;
    },
  };
}

/** RESP2 answers a list of pairs, RESP3 a map; both become pairs of key and entries. */
function streamsOf(reply: unknown): [string, Entry[]][] {
  if (reply === null || reply === undefined) return [];
  const pairs = reply instanceof Map ? [...reply.entries()] : Array.isArray(reply) ? reply : Object.entries(reply);
  return (pairs as [Buffer | string, Entry[]][]).map(([key, entries]) => [String(key), entries]);
}
