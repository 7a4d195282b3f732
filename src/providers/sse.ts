/** Bytes of an event stream to events, after the WHATWG rules. Pure: no clock, no I/O. */

export type SseEvent = { event: string | undefined; data: Buffer };

export class SseOverflow extends Error {
  override readonly name = 'SseOverflow';
}

const LF = 0x0a;
const CR = 0x0d;
const COLON = 0x3a;
const SPACE = 0x20;
const BOM = Buffer.from([0xef, 0xbb, 0xbf]);
const NEWLINE = Buffer.of(LF);
const EMPTY = Buffer.alloc(0);

/**
 * Incremental: feed it chunks cut anywhere, also inside a character or a line end. Lines are cut as bytes and payloads
 * are never decoded, so a split UTF-8 character cannot be damaged.
 */
export class SseParser {
  private rest: Buffer = EMPTY;
  private started = false;
  private skipLf = false;
  private eventName: string | undefined;
  private dataLines: Buffer[] = [];
  private dataBytes = 0;
  private readonly eventBytesMax: number;

  /** @param eventBytesMax bound of one line and of one event's data; beyond it `push` throws `SseOverflow`. */
  constructor(eventBytesMax: number) {
    this.eventBytesMax = eventBytesMax;
  }

  /** Events completed by this chunk. */
  push(chunk: Buffer): SseEvent[] {
    let buffer = this.rest.length === 0 ? chunk : Buffer.concat([this.rest, chunk]);
    if (!this.started) {
      // Wait for three bytes before deciding about a byte order mark, but only while they could be one.
      if (buffer.length < BOM.length && BOM.subarray(0, buffer.length).equals(buffer)) {
        this.rest = buffer;
        return [];
      }
      this.started = true;
      if (buffer.subarray(0, BOM.length).equals(BOM)) buffer = buffer.subarray(BOM.length);
    }
    const events: SseEvent[] = [];
    let start = 0;
    for (;;) {
      if (this.skipLf && start < buffer.length) {
        if (buffer[start] === LF) start++;
        this.skipLf = false;
      }
      const end = lineEnd(buffer, start);
      if (end < 0) break;
      this.line(buffer.subarray(start, end), events);
      this.skipLf = buffer[end] === CR;
      start = end + 1;
    }
    this.rest = start === buffer.length ? EMPTY : buffer.subarray(start);
    if (this.rest.length > this.eventBytesMax) throw new SseOverflow('a line of the event stream is too long');
    return events;
  }

  /** True when the stream ended inside an event: its tail is lost. */
  hasPartial(): boolean {
    return this.rest.length > 0 || this.dataLines.length > 0;
  }

  private line(line: Buffer, events: SseEvent[]): void {
    if (line.length === 0) {
      this.dispatch(events);
      return;
    }
    const colon = line.indexOf(COLON);
    if (colon === 0) return;
    const name = colon < 0 ? line.toString('latin1') : line.toString('latin1', 0, colon);
    let value = colon < 0 ? EMPTY : line.subarray(colon + 1);
    if (value[0] === SPACE) value = value.subarray(1);
    if (name === 'data') {
      this.dataBytes += value.length;
      if (this.dataBytes > this.eventBytesMax) throw new SseOverflow('an event of the stream is too long');
      this.dataLines.push(value);
    } else if (name === 'event') this.eventName = value.toString('utf8');
  }

  private dispatch(events: SseEvent[]): void {
    const [only] = this.dataLines;
    if (only) {
      const data =
        this.dataLines.length === 1
          ? only
          : Buffer.concat(this.dataLines.flatMap((line, i) => (i === 0 ? [line] : [NEWLINE, line])));
      events.push({ event: this.eventName, data });
    }
    this.dataLines = [];
    this.dataBytes = 0;
    this.eventName = undefined;
  }
}

/** Index of the next line end (LF, CR or the CR of a CRLF), or -1. Looks at each byte of the line once. */
function lineEnd(buffer: Buffer, start: number): number {
  const lf = buffer.indexOf(LF, start);
  const cr = buffer.subarray(start, lf < 0 ? buffer.length : lf).indexOf(CR);
  return cr < 0 ? lf : start + cr;
}
