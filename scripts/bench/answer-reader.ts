/** What a body tells a measurement: the sandbox provider's time stamps (`@T<15 digits>;`), usage, and the end of a stream. */

const STAMP_START = '@T';
const STAMP_LENGTH = STAMP_START.length + 15 + 1;
const DONE = 'data: [DONE]';
const USAGE = '"usage":{';
/** Long enough for anything looked for that is cut in two by the edge of a piece. */
const TAIL_LENGTH = STAMP_LENGTH - 1;

export class AnswerReader {
  /** Stamps seen: the chunks of a stream, one in a plain answer. */
  stamps = 0;
  hasDone = false;
  hasUsage = false;
  private tail = '';
  private readonly onStamp: (sentUs: number) => void;

  /** @param onStamp told of each stamp: when the sandbox wrote it, in microseconds of this machine's monotonic clock. */
  constructor(onStamp: (sentUs: number) => void) {
    this.onStamp = onStamp;
  }

  /** Takes a piece of the body, cut anywhere. */
  push(bytes: Buffer): void {
    const text = this.tail + bytes.toString('latin1');
    let offset = 0;
    for (;;) {
      const at = text.indexOf(STAMP_START, offset);
      if (at < 0 || at + STAMP_LENGTH > text.length) break;
      offset = at + STAMP_LENGTH;
      this.stamps++;
      this.onStamp(Number(text.slice(at + STAMP_START.length, offset - 1)));
    }
    this.hasDone ||= text.includes(DONE);
    this.hasUsage ||= text.includes(USAGE);
    this.tail = text.slice(Math.max(offset, text.length - TAIL_LENGTH));
  }
}
