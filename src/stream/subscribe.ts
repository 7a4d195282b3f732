import type { Redis } from 'ioredis';
import type { Logger } from '../log.ts';
import { decodeFrames, type EndOfAnswer, type Frame, streamKeys } from './events.ts';
import type { LogReader, Open } from './log-reader.ts';

export type Listener = {
  onEvent(seq: number, payload: Buffer): void;
  onEnd(end: EndOfAnswer): void;
  /** When the client has not taken what it was given yet: resolves when it has, or is gone. */
  room(): Promise<void> | undefined;
  /** Events were missed and there is no log to read them from. */
  onGap(): void;
};

export type SubscribeOptions = {
  requestId: string;
  /** Events up to this number were seen already. */
  afterSeq: number;
  /** Opens the kept log of the request; without it there is none to catch up from. */
  open?: Open;
  /** The live channel is another process's, or events may have passed already: read the log from the start. */
  catchUp: boolean;
};

export type Subscription = {
  lastSeq(): number;
  ended(): boolean;
  close(): void;
};

export type Relay = {
  /** Name of this process's live channel, to be stored with the requests it accepts. */
  channel: string;
  subscribe(options: SubscribeOptions, listener: Listener): Subscription;
  close(): Promise<void>;
};

class Subscriber implements Subscription {
  private attempt = 0;
  private attemptFromSeq = 0;
  /** The latest attempt that was heard here. One that comes after an attempt that spoke tells only the end. */
  private heardAttempt = 1;
  /** The last event of a later attempt under a number that was heard already. */
  private overlapping: Frame | undefined;
  private seq: number;
  private finished = false;
  private closed = false;
  private stopTail: (() => void) | undefined;
  readonly options: SubscribeOptions;
  private readonly listener: Listener;
  private readonly logReader: LogReader;
  private readonly forget: (subscriber: Subscriber) => void;

  constructor(options: SubscribeOptions, listener: Listener, logReader: LogReader, forget: (s: Subscriber) => void) {
    this.options = options;
    this.listener = listener;
    this.logReader = logReader;
    this.forget = forget;
    this.seq = options.afterSeq;
    if (options.catchUp) this.catchUp();
  }

  lastSeq(): number {
    return this.seq;
  }

  ended(): boolean {
    return this.finished;
  }

  /** Frames of both sources arrive here; the sequence number decides what is new. */
  take(frame: Frame): void {
    if (this.closed || frame.requestId !== this.options.requestId) return;
    // A newer attempt took over at its first number; what an older one still writes from there on is a zombie's.
    if (frame.attempt < this.attempt && frame.seq >= this.attemptFromSeq) return;
    if (frame.attempt > this.attempt) {
      this.attempt = frame.attempt;
      this.attemptFromSeq = frame.seq;
    }
    if (frame.type === 'end') this.takeEnd(frame);
    else if (frame.seq > this.seq + 1) this.catchUp();
    else if (frame.seq === this.seq + 1) this.hear(frame);
    else if (frame.attempt > this.heardAttempt) this.overlapping = frame;
  }

  /**
   * An end is only the end when everything before it was heard, and the attempt that ends it too. A successor starts where
   * the log ended for it: when more than that was heard already (from a zombie, or the log lost its tail), what it says of
   * its failure comes under the next number instead of being taken for a repetition. An attempt that is done has said all
   * of it itself: who comes back to it has heard its first events.
   */
  private takeEnd(frame: Frame): void {
    const overlap = this.overlapping?.attempt === frame.attempt ? this.overlapping : undefined;
    if (frame.seq > this.seq + 1 || (frame.attempt > this.heardAttempt && !overlap)) {
      this.catchUp();
      return;
    }
    const end = JSON.parse(frame.payload.toString()) as EndOfAnswer;
    if (end.state !== 'done' && overlap) this.hear(overlap);
    this.finish(end);
  }

  private hear(frame: Frame): void {
    this.seq++;
    this.heardAttempt = Math.max(this.heardAttempt, frame.attempt);
    this.overlapping = undefined;
    this.listener.onEvent(this.seq, frame.payload);
  }

  private finish(end: EndOfAnswer): void {
    this.close();
    this.finished = true;
    this.listener.onEnd(end);
  }

  /** Reads the log besides the live channel from now on; events seen already are recognised by their number. */
  catchUp(): void {
    if (this.stopTail) return;
    if (!this.options.open) {
      this.listener.onGap();
      return;
    }
    this.stopTail = this.logReader.tail(this.options.requestId, this.options.open, (frames) => {
      for (const frame of frames) this.take(frame);
      return this.closed ? undefined : this.listener.room();
    });
  }

  close(): void {
    this.closed = true;
    this.stopTail?.();
    this.stopTail = undefined;
    this.forget(this);
  }
}

/**
 * The reading side of the relay: one channel for the whole process, demultiplexed by request id.
 * @param subscriber connection used for nothing but this subscription.
 */
export async function createRelay(options: {
  subscriber: Redis;
  logReader: LogReader;
  prefix: string;
  instanceId: string;
  log: Logger;
}): Promise<Relay> {
  const { subscriber, logReader, prefix, log } = options;
  const channel = streamKeys.channel(prefix, options.instanceId);
  const byRequest = new Map<string, Set<Subscriber>>();

  function forget(gone: Subscriber): void {
    const group = byRequest.get(gone.options.requestId);
    group?.delete(gone);
    if (group?.size === 0) byRequest.delete(gone.options.requestId);
  }

  subscriber.on('messageBuffer', (_channel: Buffer, message: Buffer) => {
    try {
      for (const frame of decodeFrames(message)) {
        for (const one of byRequest.get(frame.requestId) ?? []) one.take(frame);
      }
    } catch (error) {
      log.error({ err: error }, 'relay message dropped');
    }
  });
  // Pub/sub forgets what was sent while the connection was away: everyone catches up from the log.
  let subscribedBefore = false;
  subscriber.on('ready', () => {
    if (subscribedBefore) for (const group of byRequest.values()) for (const one of group) one.catchUp();
    subscribedBefore = true;
  });
  await subscriber.subscribe(channel);
  subscribedBefore = true;

  return {
    channel,
    subscribe: (subscribeOptions, listener) => {
      const one = new Subscriber(subscribeOptions, listener, logReader, forget);
      const group = byRequest.get(subscribeOptions.requestId);
      if (group) group.add(one);
      else byRequest.set(subscribeOptions.requestId, new Set([one]));
      return one;
    },
    close: async () => {
      byRequest.clear();
      await logReader.close();
      subscriber.disconnect();
    },
  };
}
