import type { Response } from 'express';
import { AppError, errorBody } from '../errors.ts';
import type { EndOfAnswer } from '../stream/events.ts';

const LF = 0x0a;
const BLANK = '\n\n';
const CRLF = '\r\n';
const LAST_CHUNK = '0\r\n\r\n';
const HEARTBEAT = ': waiting\n\n';
/** A reader that takes nothing for so many heartbeats is as good as gone. */
const STALLED_HEARTBEATS = 3;
const SLICE_BYTES = 16 * 1024;

/** An event as it goes over the wire: its number as `id`, so that a client can continue after it. */
export function sseEvent(seq: number, payload: Buffer): Buffer {
  const head = `id: ${seq}\ndata: `;
  if (!payload.includes(LF)) {
    const event = Buffer.allocUnsafe(head.length + payload.length + BLANK.length);
    event.write(head, 'latin1');
    payload.copy(event, head.length);
    event.write(BLANK, head.length + payload.length, 'latin1');
    return event;
  }
  return Buffer.from(`${head}${payload.toString('utf8').replaceAll('\n', '\ndata: ')}\n\n`);
}

/** These parts as one chunk of a body of chunks. @param length of all parts. */
function httpChunk(parts: readonly Buffer[], length: number): Buffer {
  const size = `${length.toString(16)}\r\n`;
  const chunk = Buffer.allocUnsafe(size.length + length + CRLF.length);
  let offset = chunk.write(size, 'latin1');
  for (const part of parts) offset += part.copy(chunk, offset);
  chunk.write(CRLF, offset, 'latin1');
  return chunk;
}

/**
 * One client's SSE answer. Writes of one event-loop turn go out together. A reader that has more than the bound still to
 * take when new events come is dropped (it can resume); kept events are given at its pace, see `room`. The head is sent
 * with the first event or heartbeat, so that an early failure can still be a plain HTTP error.
 */
export class EventStream {
  private pending: Buffer[] = [];
  private pendingBytes = 0;
  private scheduled = false;
  private heartbeat: NodeJS.Timeout | undefined;
  private over = false;
  private isChunked = false;
  private lastSeq = 0;
  private readonly response: Response;
  private readonly bufferBytesMax: number;
  private readonly heartbeatMs: number;

  constructor(response: Response, options: { heartbeatMs: number; bufferBytesMax: number }) {
    this.response = response;
    this.bufferBytesMax = options.bufferBytesMax;
    this.heartbeatMs = options.heartbeatMs;
    // A reader that has not taken what is there needs no sign of life.
    const beat = () => {
      if (!response.writableNeedDrain) this.write(Buffer.from(HEARTBEAT));
    };
    this.heartbeat = setInterval(beat, options.heartbeatMs);
  }

  event(seq: number, payload: Buffer): void {
    this.lastSeq = seq;
    this.write(sseEvent(seq, payload));
  }

  /** Nothing was sent yet: the caller may still answer with an HTTP error. */
  get untouched(): boolean {
    return !this.response.headersSent && this.pending.length === 0;
  }

  /**
   * Undefined while the reader keeps up; else a promise that resolves when it has taken what was written, or is gone.
   */
  room(): Promise<void> | undefined {
    if (this.pendingBytes >= SLICE_BYTES) this.flush();
    const { response } = this;
    if (this.over || response.destroyed || !response.writableNeedDrain) return undefined;
    return new Promise((resolve) => {
      const stalled = setTimeout(() => response.destroy(), this.heartbeatMs * STALLED_HEARTBEATS);
      const free = () => {
        clearTimeout(stalled);
        response.off('drain', free).off('close', free);
        resolve();
      };
      response.on('drain', free).on('close', free);
    });
  }

  end(): void {
    if (this.over) return;
    this.over = true;
    clearInterval(this.heartbeat);
    this.flush();
    if (this.response.destroyed) return;
    // A client that has every event already gets an empty stream, not an answer without a type.
    if (!this.response.headersSent) this.writeHead();
    endAnswer(this.response, this.heartbeatMs, this.isChunked ? Buffer.from(LAST_CHUNK) : undefined);
  }

  /** Ends with a typed error event: an end of file alone would look like success. */
  fail(error: AppError): void {
    this.write(Buffer.from(`event: error\ndata: ${JSON.stringify(errorBody(error))}\n\n`));
    this.end();
  }

  /** The process must go: tells where to continue. */
  disconnect(requestId: string): void {
    const details = {
      last_event_id: this.lastSeq,
      resume: `/v1/requests/${requestId}/stream?starting_after=${this.lastSeq}`,
    };
    this.fail(
      new AppError('unavailable', { message: 'The server is restarting. Continue with the resume path.', details }),
    );
  }

  /** The client is gone; nothing more is written. */
  abandon(): void {
    this.over = true;
    clearInterval(this.heartbeat);
    this.pending = [];
  }

  /**
   * Node writes each chunk as three pieces, which is dear for events; so where it would make chunks (an HTTP/1.0 client gets
   * none), they are made here.
   */
  private writeHead(): void {
    const { response } = this;
    response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'x-accel-buffering': 'no',
    });
    this.isChunked = response.chunkedEncoding;
    response.chunkedEncoding = false;
  }

  private write(bytes: Buffer): void {
    if (this.over) return;
    this.pending.push(bytes);
    this.pendingBytes += bytes.length;
    if (this.scheduled) return;
    this.scheduled = true;
    process.nextTick(this.flush);
  }

  private readonly flush = (): void => {
    this.scheduled = false;
    if (this.pending.length === 0 || this.response.destroyed) return;
    if (this.response.writableLength > this.bufferBytesMax) {
      this.response.destroy();
      return;
    }
    if (!this.response.headersSent) this.writeHead();
    const bytes = this.isChunked ? httpChunk(this.pending, this.pendingBytes) : Buffer.concat(this.pending);
    this.pending = [];
    this.pendingBytes = 0;
    this.response.write(bytes);
  };
}

/** Ends an answer whose client may not be reading: it does not hold the answer in memory for ever. */
export function endAnswer(response: Response, heartbeatMs: number, body?: Buffer): void {
  response.setTimeout(heartbeatMs * STALLED_HEARTBEATS, () => response.destroy());
  response.end(body);
}

/** The HTTP error of a stream that failed before its first event. `payload` is the chunk that carries the error. */
export function earlyFailure(
  end: EndOfAnswer,
  payload: Buffer | undefined,
): { status: number; body: string } | undefined {
  if (end.state === 'done' || payload === undefined) return undefined;
  const { error } = JSON.parse(payload.toString('utf8')) as { error?: unknown };
  return error === undefined ? undefined : { status: end.status, body: JSON.stringify({ error }) };
}
