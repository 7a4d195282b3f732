import type { Redis } from 'ioredis';
import type { Logger } from '../log.ts';
import { type EndOfAnswer, encodeFrames, type Frame, FrameBatch, type FrameType, streamKeys } from './events.ts';

/** Seals what is kept in Redis; live messages are not kept. What it gives must not share memory with what it was given. */
export type Seal = (plain: Uint8Array) => Buffer;

export type EventWriterOptions = {
  requestId: string;
  attempt: number;
  /** Channel of the api process that waits; none when nobody does. */
  channel?: string;
  /** With it the events are also kept for resuming readers, sealed, for the log's time to live. */
  seal?: Seal;
  /** How long the log stays once the answer has ended; its whole time to live unless told. */
  ttlAfterEndSeconds?: number;
  /** Sequence number of the last event already written by an earlier attempt. */
  lastSeq?: number;
};

export type EventWriter = {
  /** Queues one event and returns its sequence number. */
  data(payload: Buffer): number;
  end(end: EndOfAnswer): void;
  lastSeq(): number;
};

export type Publisher = {
  open(options: EventWriterOptions): EventWriter;
  /**
   * Undefined while less than the bound waits for Redis; else a promise that resolves when there is room again, which is
   * what keeps a fast provider from filling memory.
   */
  room(): Promise<void> | undefined;
  /** Resolves when everything queued so far has been taken by Redis, or `timeoutMs` passed. */
  flushed(timeoutMs: number): Promise<void>;
};

const LOG_ENTRIES_MAX = 20_000;
const WAITING_BYTES_MAX = 32 * 1024 * 1024;
const CHANNEL_MESSAGE_BYTES_MAX = 1024 * 1024;

/** Parts of its time to live after which a log that is still written to is given the whole of it again. */
const TTL_PARTS = 4;

/**
 * How far a log may lag behind what was told live, and how many bytes may wait for that. Sealing and storing each event by
 * itself costs more than telling it; only readers that come back wait for the log.
 */
const LOG_LAG_MS = { least: 200, most: 1_000 };
/** Logs that are written a second, at most: with many of them open each is written less often, in larger batches. */
const LOG_WRITES_PER_SECOND = 1_000;
const LOG_LAG_BYTES_MAX = 64 * 1024;

function lagFor(logs: number): number {
  return Math.min(Math.max((logs / LOG_WRITES_PER_SECOND) * 1_000, LOG_LAG_MS.least), LOG_LAG_MS.most);
}

/** What a writer has not written to its log yet. */
type LogBatch = { requestId: string; frames: FrameBatch; seal: Seal; ttlSeconds: number | undefined };

/**
 * Writes events: live over pub/sub to the one api process that waits, flushed once per event-loop turn and never on a
 * timer; and behind it to a log for readers that come back: the first event and the end at once, what is between in batches.
 * @param redis must queue while it is disconnected (`blocking`), or a short outage would lose events.
 */
export function createPublisher(options: { redis: Redis; prefix: string; ttlSeconds: number; log: Logger }): Publisher {
  const { redis, prefix, ttlSeconds, log } = options;
  let live = new Map<string, Frame[]>();
  let due = new Set<LogBatch>();
  const lagging = new Set<LogBatch>();
  let lag: NodeJS.Timeout | undefined;
  let lagMs = LOG_LAG_MS.least;
  let scheduled = false;
  let waitingBytes = 0;
  const flights = new Set<Promise<unknown>>();
  const roomWaiters: (() => void)[] = [];

  function schedule(): void {
    if (scheduled) return;
    scheduled = true;
    setImmediate(flush);
  }

  function flush(): void {
    scheduled = false;
    const [channels, logs] = [live, due];
    live = new Map();
    due = new Set();
    // Not a pipeline, which would copy all of it once more: the socket gathers what a turn writes.
    const sends: Promise<unknown>[] = [];
    let bytes = 0;
    for (const [channel, frames] of channels) {
      for (const message of messagesOf(frames)) {
        sends.push(redis.publish(channel, message));
        bytes += message.length;
      }
    }
    for (const batch of logs) {
      if (!lagging.delete(batch)) continue;
      const { requestId, frames, seal } = batch;
      const sealed = seal(frames.bytes);
      frames.clear();
      const key = streamKeys.log(prefix, requestId);
      sends.push(redis.xadd(key, 'MAXLEN', '~', LOG_ENTRIES_MAX, '*', 'b', sealed));
      if (batch.ttlSeconds !== undefined) sends.push(redis.expire(key, batch.ttlSeconds));
      batch.ttlSeconds = undefined;
      bytes += sealed.length;
    }
    waitingBytes += bytes;
    const flight: Promise<unknown> = Promise.allSettled(sends).then((results) => {
      const failed = results.find(({ status }) => status === 'rejected') as PromiseRejectedResult | undefined;
      if (failed) log.warn({ err: failed.reason as unknown }, 'events were not taken by redis');
      flights.delete(flight);
      waitingBytes -= bytes;
      if (waitingBytes < WAITING_BYTES_MAX) for (const wake of roomWaiters.splice(0)) wake();
    });
    flights.add(flight);
  }

  function tell(channel: string, frame: Frame): void {
    const frames = live.get(channel);
    if (frames) frames.push(frame);
    else live.set(channel, [frame]);
    schedule();
  }

  /** @param ttl when given, the log lives so many seconds from this event on, and the event goes there at once. */
  function keep(batch: LogBatch, frame: Frame, ttl: number | undefined): void {
    lagging.add(batch);
    batch.frames.add(frame);
    batch.ttlSeconds = ttl ?? batch.ttlSeconds;
    if (ttl !== undefined || batch.frames.length >= LOG_LAG_BYTES_MAX) {
      due.add(batch);
      schedule();
    } else lag ??= setTimeout(catchUp, lagMs);
  }

  /** All logs come up to date, together. */
  function catchUp(): void {
    clearTimeout(lag);
    lag = undefined;
    if (lagging.size === 0) return;
    lagMs = lagFor(lagging.size);
    for (const batch of lagging) due.add(batch);
    schedule();
  }

  return {
    open: (writer) => {
      const { requestId, attempt, seal } = writer;
      const batch = seal && { requestId, frames: new FrameBatch(), seal, ttlSeconds: undefined };
      let seq = writer.lastSeq ?? 0;
      let prolongAtMs = 0;
      const next = (type: FrameType, payload: Buffer): number => {
        const nowMs = performance.now();
        const ended = type === 'end';
        const isDue = ended || nowMs >= prolongAtMs;
        if (isDue) prolongAtMs = nowMs + (ttlSeconds * 1_000) / TTL_PARTS;
        const ttl = (ended ? writer.ttlAfterEndSeconds : undefined) ?? ttlSeconds;
        const frame: Frame = { type, requestId, attempt, seq: ++seq, payload };
        if (writer.channel !== undefined) tell(writer.channel, frame);
        if (batch) keep(batch, frame, isDue ? ttl : undefined);
        return seq;
      };
      return {
        data: (payload) => next('data', payload),
        end: (end) => void next('end', Buffer.from(JSON.stringify(end))),
        lastSeq: () => seq,
      };
    },
    room: () => (waitingBytes < WAITING_BYTES_MAX ? undefined : new Promise((resolve) => roomWaiters.push(resolve))),
    flushed: async (timeoutMs) => {
      catchUp();
      if (scheduled) await new Promise((resolve) => setImmediate(resolve));
      let timer: NodeJS.Timeout | undefined;
      const timeout = new Promise((resolve) => {
        timer = setTimeout(resolve, timeoutMs);
      });
      await Promise.race([Promise.all(flights), timeout]);
      clearTimeout(timer);
    },
  };
}

/** Splits what one turn produced for a channel into messages of bounded size. */
function messagesOf(frames: readonly Frame[]): Buffer[] {
  const messages: Buffer[] = [];
  let part: Frame[] = [];
  let bytes = 0;
  for (const frame of frames) {
    if (bytes > 0 && bytes + frame.payload.length > CHANNEL_MESSAGE_BYTES_MAX) {
      messages.push(encodeFrames(part));
      part = [];
      bytes = 0;
    }
    part.push(frame);
    bytes += frame.payload.length;
  }
  messages.push(encodeFrames(part));
  return messages;
}
