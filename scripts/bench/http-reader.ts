/** Reads HTTP/1.1 responses off a raw socket. Far less work than a general client, so that the load generator stays cheap. */

export type ResponseSink = {
  /** @param closes the server will not take another request on this connection. */
  /** @param head the whole head in lower case. */
  onHead(status: number, closes: boolean, head: string): void;
  onBody(bytes: Buffer): void;
  onEnd(): void;
};

/** The bytes are not an answer to one request. */
export class WireError extends Error {
  override readonly name = 'WireError';
}

const HEAD_BYTES_MAX = 64 * 1024;
const HEAD_END = Buffer.from('\r\n\r\n');
const LINE_END = Buffer.from('\r\n');
const NEEDS_MORE = -1;

type State = 'head' | 'length' | 'size' | 'chunk' | 'after-chunk' | 'trailer' | 'until-close';

/** One reader for a connection; requests are not pipelined, so bytes after an answer are an error. */
export class ResponseReader {
  private state: State = 'head';
  private held: Buffer | undefined;
  private left = 0;
  private readonly sink: ResponseSink;

  constructor(sink: ResponseSink) {
    this.sink = sink;
  }

  /** Takes bytes cut anywhere. @throws WireError */
  push(bytes: Buffer): void {
    const buffer = this.held === undefined ? bytes : Buffer.concat([this.held, bytes]);
    this.held = undefined;
    let offset = 0;
    while (offset < buffer.length) {
      const next = this.step(buffer, offset);
      if (next === NEEDS_MORE) {
        this.held = buffer.subarray(offset);
        if (this.held.length > HEAD_BYTES_MAX) throw new WireError('a head or a line is too long');
        return;
      }
      offset = next;
    }
  }

  /** The connection has ended. True when that was the end of an answer that has no length. */
  closed(): boolean {
    if (this.state !== 'until-close') return false;
    this.state = 'head';
    this.sink.onEnd();
    return true;
  }

  /** Reads what the state expects; gives the offset behind it, or NEEDS_MORE. */
  private step(buffer: Buffer, offset: number): number {
    switch (this.state) {
      case 'head':
        return this.head(buffer, offset);
      case 'size':
        return this.size(buffer, offset);
      case 'length':
      case 'chunk':
        return this.body(buffer, offset);
      case 'after-chunk':
        if (buffer.length - offset < LINE_END.length) return NEEDS_MORE;
        this.state = 'size';
        return offset + LINE_END.length;
      case 'trailer':
        return this.trailer(buffer, offset);
      case 'until-close':
        this.sink.onBody(offset === 0 ? buffer : buffer.subarray(offset));
        return buffer.length;
    }
  }

  private head(buffer: Buffer, offset: number): number {
    const end = buffer.indexOf(HEAD_END, offset);
    if (end < 0) return NEEDS_MORE;
    const text = buffer.toString('latin1', offset, end).toLowerCase();
    const status = Number(/^http\/1\.[01] (\d{3})/.exec(text)?.[1] ?? Number.NaN);
    if (Number.isNaN(status)) throw new WireError('no HTTP/1.1 status line');
    const next = end + HEAD_END.length;
    if (status < 200) return next;
    const length = /\r\ncontent-length: *(\d+)/.exec(text)?.[1];
    this.left = Number(length ?? 0);
    if (/\r\ntransfer-encoding: *chunked/.test(text)) this.state = 'size';
    else if (status === 204 || status === 304 || length !== undefined) this.state = 'length';
    else this.state = 'until-close';
    this.sink.onHead(status, text.includes('\r\nconnection: close'), text);
    if (this.state === 'length' && this.left === 0) this.end(buffer, next);
    return next;
  }

  private size(buffer: Buffer, offset: number): number {
    const end = buffer.indexOf(LINE_END, offset);
    if (end < 0) return NEEDS_MORE;
    const digits = /^[0-9a-f]{1,8}/i.exec(buffer.toString('latin1', offset, end))?.[0];
    if (digits === undefined) throw new WireError('a chunk without a size');
    this.left = Number.parseInt(digits, 16);
    this.state = this.left === 0 ? 'trailer' : 'chunk';
    return end + LINE_END.length;
  }

  private body(buffer: Buffer, offset: number): number {
    const next = Math.min(offset + this.left, buffer.length);
    this.left -= next - offset;
    this.sink.onBody(buffer.subarray(offset, next));
    if (this.left === 0 && this.state === 'chunk') this.state = 'after-chunk';
    else if (this.left === 0) this.end(buffer, next);
    return next;
  }

  private trailer(buffer: Buffer, offset: number): number {
    const end = buffer.indexOf(LINE_END, offset);
    if (end < 0) return NEEDS_MORE;
    const next = end + LINE_END.length;
    if (end === offset) this.end(buffer, next);
    return next;
  }

  private end(buffer: Buffer, next: number): void {
    if (next !== buffer.length) throw new WireError('bytes after the end of an answer');
    this.state = 'head';
    this.sink.onEnd();
  }
}
