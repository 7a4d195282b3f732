import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import type { Taken } from './provider.ts';

export type AnswerHead = { statusCode: number; headers: IncomingHttpHeaders };

/** How a reading ended: with the body, by what the reader threw, or by an error of the connection. */
export type Outcome = { by: 'end' } | { by: 'reader' | 'transport'; error: unknown };

type Reader = { take: (chunk: Buffer) => Taken; done: (outcome: Outcome) => void; isWaiting: boolean };

const TAIL_BYTES_MAX = 16_384;

/**
 * The answer to one request, fed by undici's own hooks: there is no stream object between the socket and the reader, which
 * costs a chunk more than all that is done with it. Hand it to `dispatch`, wait for `head`, then `read` or `discard`.
 */
export class UpstreamAnswer implements Dispatcher.DispatchHandler {
  /** Rejects with the error of the connection, or with the signal's reason. */
  readonly head: Promise<AnswerHead>;
  private headCame!: (head: AnswerHead) => void;
  private headFailed!: (error: unknown) => void;
  private controller: Dispatcher.DispatchController | undefined;
  /** What has come before there is a reader for it, or while that waits. */
  private unread: Buffer[] = [];
  private reader: Reader | undefined;
  private tailBytesLeft: number | undefined;
  private end: Outcome | undefined;
  private readonly signal: AbortSignal;

  constructor(signal: AbortSignal) {
    this.signal = signal;
    this.head = new Promise((resolve, reject) => {
      this.headCame = resolve;
      this.headFailed = reject;
    });
    // It may fail before anybody waits for it.
    this.head.catch(() => undefined);
    signal.addEventListener('abort', this.abort, { once: true });
  }

  /**
   * Gives the bytes to `take` as they come. When the reader stops early, what is left is read and thrown away within a bound,
   * so that the connection can be used again. Never rejects.
   */
  read(take: (chunk: Buffer) => Taken): Promise<Outcome> {
    return new Promise((done) => {
      this.reader = { take, done, isWaiting: false };
      this.goOn();
    });
  }

  /** Reads what is left away, within a bound. */
  discard(): void {
    this.reader = undefined;
    this.tailBytesLeft ??= TAIL_BYTES_MAX;
    for (const chunk of this.unread.splice(0)) this.throwAway(chunk);
    if (!this.end) this.controller?.resume();
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.controller = controller;
    if (this.signal.aborted) this.abort();
  }

  onResponseStart(_: Dispatcher.DispatchController, statusCode: number, headers: IncomingHttpHeaders): void {
    if (statusCode >= 200) this.headCame({ statusCode, headers });
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.tailBytesLeft !== undefined) this.throwAway(chunk);
    else if (this.reader && !this.reader.isWaiting) this.give(chunk, this.reader);
    else {
      this.unread.push(chunk);
      controller.pause();
    }
  }

  onResponseEnd(): void {
    this.ended({ by: 'end' });
  }

  onResponseError(_: Dispatcher.DispatchController | undefined, error: Error): void {
    this.ended({ by: 'transport', error });
  }

  private readonly abort = (): void => {
    const reason: unknown = this.signal.reason;
    this.ended({ by: 'transport', error: reason });
    this.controller?.abort(reason instanceof Error ? reason : new Error('aborted'));
  };

  private ended(outcome: Outcome): void {
    if (this.end) return;
    this.end = outcome;
    this.signal.removeEventListener('abort', this.abort);
    if ('error' in outcome) this.headFailed(outcome.error);
    const { reader } = this;
    if (!reader) return;
    if (outcome.by === 'transport') this.leave(reader, outcome);
    else if (!reader.isWaiting) this.goOn();
  }

  /** Gives what waits, and lets more come or tells the reader of the end when it has all. */
  private goOn(): void {
    const { reader } = this;
    if (!reader) return;
    while (this.reader === reader && !reader.isWaiting && this.unread.length > 0)
      this.give(this.unread.shift() as Buffer, reader);
    if (this.reader !== reader || reader.isWaiting) return;
    if (this.end) this.leave(reader, this.end);
    else this.controller?.resume();
  }

  private give(chunk: Buffer, reader: Reader): void {
    try {
      const taken = reader.take(chunk);
      if (taken === 'enough') this.leave(reader, { by: 'end' });
      else if (taken) this.wait(taken, reader);
    } catch (error) {
      this.leave(reader, { by: 'reader', error });
    }
  }

  private wait(taken: Promise<void>, reader: Reader): void {
    reader.isWaiting = true;
    this.controller?.pause();
    taken.then(
      () => {
        reader.isWaiting = false;
        if (this.reader === reader) this.goOn();
      },
      (error: unknown) => this.leave(reader, { by: 'reader', error }),
    );
  }

  private leave(reader: Reader, outcome: Outcome): void {
    if (this.reader !== reader) return;
    this.discard();
    reader.done(outcome);
  }

  private throwAway(chunk: Buffer): void {
    const left = (this.tailBytesLeft ?? 0) - chunk.length;
    this.tailBytesLeft = left;
    if (left < 0 && !this.end) this.controller?.abort(new Error('the rest of the body is not wanted'));
  }
}
