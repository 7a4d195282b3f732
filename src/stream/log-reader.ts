import type { Redis } from 'ioredis';
import type { Logger } from '../log.ts';
import { decodeFrames, type Frame, streamKeys } from './events.ts';

/** Opens what `publish.ts` sealed; throws when the bytes are not this request's. */
export type Open = (sealed: Uint8Array) => Buffer;

export type OnFrames = (frames: Frame[]) => Promise<void> | undefined;

export type LogReader = {
  /**
   * Delivers the frames kept for a request from the first on, then new ones, until the returned function is called. No
   * more are delivered while a promise that `onFrames` returned is pending.
   */
  tail(requestId: string, open: Open, onFrames: OnFrames): () => void;
  /** Everything kept for a request now. */
  read(requestId: string, open: Open): Promise<Frame[]>;
  close(): Promise<void>;
};

const BLOCK_MS = 5_000;
const ENTRIES_PER_READ = 200;
const READ_ENTRIES_MAX = 20_000;
const RETRY_MS = 200;

type Tail = { requestId: string; open: Open; onFrames: OnFrames; lastId: string; resting: boolean };
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
        const pause = tail.onFrames(frames);
        if (pause) {
          rest(tail, pause);
          return;
        }
      } catch (error) {
        log.error({ requestId: tail.requestId, err: error }, 'stream log entry dropped');
      }
    }
  }

  /** The log keeps what comes meanwhile. */
  function rest(tail: Tail, pause: Promise<void>): void {
    tail.resting = true;
    void pause.finally(() => {
      tail.resting = false;
      if (tails.has(tail)) wake();
    });
  }

  async function readOnce(): Promise<void> {
    // Readers of one request share its key: it is asked for once, from where the one furthest behind has come to.
    const byKey = new Map<string, Tail[]>();
    for (const tail of tails) {
      if (tail.resting) continue;
      const key = streamKeys.log(prefix, tail.requestId);
      byKey.set(key, [...(byKey.get(key) ?? []), tail]);
    }
    const starts = [...byKey.values()].map((group) =>
      group.map((tail) => tail.lastId).reduce((one, other) => (isAfter(one, other) ? other : one)),
    );
    const streams = [wakeKey, ...byKey.keys(), wakeId, ...starts];
    const reply = await reader.xreadBuffer('COUNT', ENTRIES_PER_READ, 'BLOCK', BLOCK_MS, 'STREAMS', ...streams);
    for (const [key, entries] of streamsOf(reply)) {
      if (key === wakeKey) wakeId = entries.at(-1)?.[0].toString('latin1') ?? wakeId;
      for (const tail of byKey.get(key) ?? []) if (tails.has(tail)) dispatch(tail, entriesAfter(tail.lastId, entries));
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
      .catch((error: unknown) => {
        log.warn({ err: error }, 'stream log reader was not woken');
        setTimeout(() => {
          if (running) wake();
        }, RETRY_MS);
      });
  }

  return {
    tail: (requestId, open, onFrames) => {
      const tail: Tail = { requestId, open, onFrames, lastId: '0', resting: false };
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

/** Milliseconds and number of an entry id (`<milliseconds>-<number>`, or `0` for the start). */
function idParts(id: string): [number, number] {
  const dash = id.indexOf('-');
  return dash < 0 ? [Number(id), 0] : [Number(id.slice(0, dash)), Number(id.slice(dash + 1))];
}

function isAfter(id: string, other: string): boolean {
  const [[ms, number], [otherMs, otherNumber]] = [idParts(id), idParts(other)];
  return ms > otherMs || (ms === otherMs && number > otherNumber);
}

/** Entries that a reader which has come to `lastId` does not have: all of them, unless another one is behind it. */
function entriesAfter(lastId: string, entries: Entry[]): Entry[] {
  const from = entries.findIndex(([id]) => isAfter(id.toString('latin1'), lastId));
  return from <= 0 ? (from === 0 ? entries : []) : entries.slice(from);
}

/** RESP2 answers a list of pairs, RESP3 a map; both become pairs of key and entries. */
function streamsOf(reply: unknown): [string, Entry[]][] {
  if (reply === null || reply === undefined) return [];
  const pairs = reply instanceof Map ? [...reply.entries()] : Array.isArray(reply) ? reply : Object.entries(reply);
  return (pairs as [Buffer | string, Entry[]][]).map(([key, entries]) => [String(key), entries]);
}
