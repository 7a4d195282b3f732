import { GrowingBuffer } from '../growing-buffer.ts';

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
 * Incremental: feed it chunks cut anywhere, also inside a character or a line end; the cuts change nothing. Lines are cut
 * as bytes and payloads are never decoded, so a split UTF-8 character cannot be damaged.
 */
export class SseParser {
  /** The beginning of a line whose end has not come; it grows by doubling, so that a byte is not copied once a chunk. */
  private readonly begun = new GrowingBuffer();
  private firstLine = true;
  private skipLf = false;
  private eventName: string | undefined;
  private dataLines: Buffer[] = [];
  private dataBytes = 0;
  private readonly eventBytesMax: number;

  /** @param eventBytesMax bound of one line, its field name included, and of one event's data with its line feeds. */
  constructor(eventBytesMax: number) {
    this.eventBytesMax = eventBytesMax;
  }

  /**
   * Events completed by this chunk, one by one: take them all before the next chunk.
   * @throws SseOverflow for a line or an event beyond the bound, after the events before it.
   */
  *push(chunk: Buffer): Generator<SseEvent, void> {
    let start = 0;
    for (;;) {
      if (this.skipLf && start < chunk.length) {
        if (chunk[start] === LF) start++;
        this.skipLf = false;
      }
      const end = lineEnd(chunk, start);
      const piece = chunk.subarray(start, end < 0 ? chunk.length : end);
      if (this.begun.length + piece.length > this.eventBytesMax)
        throw new SseOverflow('a line of the event stream is too long');
      if (end < 0) {
        this.begun.append(piece);
        return;
      }
      this.skipLf = chunk[end] === CR;
      start = end + 1;
      const event = this.line(this.completed(piece));
      if (event) yield event;
    }
  }

  /** True when the stream ended inside an event: its tail is lost. */
  hasPartial(): boolean {
    return this.begun.length > 0 || this.dataLines.length > 0;
  }

  /** The whole line that ends with this piece. */
  private completed(piece: Buffer): Buffer {
    let line = piece;
    if (this.begun.length > 0) {
      this.begun.append(piece);
      line = this.begun.take();
    }
    const hasBom = this.firstLine && line.subarray(0, BOM.length).equals(BOM);
    this.firstLine = false;
    return hasBom ? line.subarray(BOM.length) : line;
  }

  private line(line: Buffer): SseEvent | undefined {
    if (line.length === 0) return this.dispatch();
    const colon = line.indexOf(COLON);
    if (colon === 0) return undefined;
    const name = colon < 0 ? line.toString('latin1') : line.toString('latin1', 0, colon);
    let value = colon < 0 ? EMPTY : line.subarray(colon + 1);
    if (value[0] === SPACE) value = value.subarray(1);
    if (name === 'data') this.addData(value);
    else if (name === 'event') this.eventName = value.toString('utf8');
    return undefined;
  }

  private addData(value: Buffer): void {
    this.dataBytes += value.length + (this.dataLines.length > 0 ? NEWLINE.length : 0);
    if (this.dataBytes > this.eventBytesMax) throw new SseOverflow('an event of the stream is too long');
    this.dataLines.push(value);
  }

  private dispatch(): SseEvent | undefined {
    const [lines, event] = [this.dataLines, this.eventName];
    this.dataLines = [];
    this.dataBytes = 0;
    this.eventName = undefined;
    const [only, ...more] = lines;
    if (!only) return undefined;
    return { event, data: more.length === 0 ? only : Buffer.concat([only, ...more.flatMap((one) => [NEWLINE, one])]) };
  }
}

/** Index of the next line end (LF, CR or the CR of a CRLF), or -1. Looks at each byte of the chunk once. */
function lineEnd(buffer: Buffer, start: number): number {
  const lf = buffer.indexOf(LF, start);
  const cr = buffer.subarray(start, lf < 0 ? buffer.length : lf).indexOf(CR);
  return cr < 0 ? lf : start + cr;
}
