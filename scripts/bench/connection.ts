import net from 'node:net';
import { AnswerReader } from './answer-reader.ts';
import { ResponseReader } from './http-reader.ts';
import type { Recording } from './recording.ts';

/** One keep-alive connection of the load generator, and the request that is on it. */

/** Microseconds of the monotonic clock, the same one for every process of this machine. */
export function nowUs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e6 + nanoseconds / 1e3;
}

export type Shot = {
  bytes: Buffer;
  /** When the request was to be written. */
  scheduledUs: number;
  /** The stamps a whole answer has. */
  chunksExpected: number;
  stream: boolean;
  /** The client goes away after so many chunks. */
  leaveAfterChunks?: number | undefined;
  /** Called once, when the answer is whole or lost. */
  done: () => void;
};

type Flight = Shot & {
  writtenUs: number;
  measured: boolean;
  status: number;
  hasRetryAfter: boolean;
  answer: AnswerReader;
  firstUs: number | undefined;
  last: { sentUs: number; arrivedUs: number } | undefined;
};

export type ConnectionEvents = {
  /** It can take another request. */
  onIdle(connection: Connection): void;
  /** It is gone for good. */
  onGone(connection: Connection): void;
};

export class Connection {
  private readonly socket: net.Socket;
  private readonly reader: ResponseReader;
  private readonly recording: Recording;
  private readonly events: ConnectionEvents;
  private flight: Flight | undefined;
  private waiting: Shot | undefined;
  private connected = false;
  private closing = false;
  private gone = false;
  private arrivedUs = 0;

  constructor(address: { host: string; port: number }, recording: Recording, events: ConnectionEvents) {
    this.recording = recording;
    this.events = events;
    this.reader = new ResponseReader({
      onHead: (status, closes, head) => {
        if (this.flight) {
          this.flight.status = status;
          this.flight.hasRetryAfter = /\r\nretry-after: *\d/.test(head);
        }
        this.closing = closes;
      },
      onBody: (bytes) => this.flight?.answer.push(bytes),
      onEnd: () => this.finish(),
    });
    this.socket = net.connect({ ...address, noDelay: true });
    this.socket.on('connect', () => {
      this.connected = true;
      if (this.waiting) this.write(this.waiting);
    });
    this.socket.on('data', (bytes) => this.take(bytes));
    this.socket.on('error', (error: NodeJS.ErrnoException) => this.lose(error.code ?? 'socket'));
    this.socket.on('close', () => {
      if (!this.reader.closed()) this.lose('closed');
    });
  }

  send(shot: Shot): void {
    if (this.connected) this.write(shot);
    else this.waiting = shot;
  }

  destroy(): void {
    this.lose('unfinished');
  }

  private write(shot: Shot): void {
    this.waiting = undefined;
    const { recording } = this;
    const flight: Flight = {
      ...shot,
      writtenUs: nowUs(),
      measured: recording.isOpen,
      status: 0,
      hasRetryAfter: false,
      firstUs: undefined,
      last: undefined,
      answer: new AnswerReader((sentUs) => this.stamp(flight, sentUs)),
    };
    this.flight = flight;
    this.socket.write(flight.bytes);
    if (!flight.measured) return;
    recording.sent++;
    recording.lagUs.push(flight.writtenUs - flight.scheduledUs);
  }

  private take(bytes: Buffer): void {
    this.arrivedUs = nowUs();
    try {
      if (!this.flight) throw new Error('bytes without a request');
      this.reader.push(bytes);
      const { flight } = this;
      if (flight?.leaveAfterChunks !== undefined && flight.answer.stamps >= flight.leaveAfterChunks) this.lose('left');
    } catch {
      this.lose('malformed');
    }
  }

  private stamp(flight: Flight, sentUs: number): void {
    const { arrivedUs } = this;
    flight.firstUs ??= arrivedUs;
    if (flight.stream) this.recording.chunk(sentUs, arrivedUs, flight.last);
    flight.last = { sentUs, arrivedUs };
  }

  private finish(): void {
    const { flight } = this;
    this.flight = undefined;
    if (!flight) return;
    if (flight.measured) this.record(flight);
    const { status, hasRetryAfter, measured } = flight;
    const latencyMs = (this.arrivedUs - flight.writtenUs) / 1_000;
    this.recording.onEnd?.({ status, latencyMs, hasRetryAfter, measured });
    if (this.closing) this.leave();
    else this.events.onIdle(this);
    flight.done();
  }

  private record(flight: Flight): void {
    const { recording } = this;
    const { answer, stream, chunksExpected } = flight;
    if (flight.status !== 200 || (!stream && answer.stamps !== chunksExpected)) {
      recording.fail(flight.status === 200 ? 'wrong_answer' : `http_${flight.status}`);
      return;
    }
    recording.answered++;
    recording.latencyUs.push(this.arrivedUs - flight.writtenUs);
    if (!answer.hasUsage) recording.missingUsage++;
    if (!stream) return;
    recording.firstChunkUs.push((flight.firstUs ?? this.arrivedUs) - flight.writtenUs);
    recording.lostChunks += Math.abs(chunksExpected - answer.stamps);
    if (!answer.hasDone) recording.missingDone++;
  }

  private lose(reason: string): void {
    if (this.gone) return;
    const { flight, waiting } = this;
    this.flight = undefined;
    this.waiting = undefined;
    if (flight?.measured) this.recording.fail(reason);
    this.leave();
    flight?.done();
    waiting?.done();
  }

  private leave(): void {
    this.gone = true;
    this.socket.destroy();
    this.events.onGone(this);
  }
}
