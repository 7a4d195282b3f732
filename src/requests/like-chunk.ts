/**
 * Most chunks of an answer differ from the one before in a few letters of their content. Whoever has read one of them knows
 * what there is to know of the others, at a fraction of the cost of parsing each.
 */

const CONTENT = Buffer.from('"content":"');
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SPACE = 0x20;

/** Where the JSON string that begins at `start` ends (its quote); -1 where only a parser can tell, or there is no end. */
function endOfPlainString(bytes: Buffer, start: number): number {
  for (let at = start; at < bytes.length; at++) {
    const byte = bytes[at] as number;
    if (byte === QUOTE) return at;
    if (byte === BACKSLASH || byte < SPACE) return -1;
  }
  return -1;
}

/** What chunks like the one that was parsed have in common: all but the text between the two parts. */
export class LikeChunk {
  private readonly before: Buffer;
  private readonly after: Buffer;

  private constructor(before: Buffer, after: Buffer) {
    this.before = before;
    this.after = after;
  }

  /**
   * @param chunk a chunk that says nothing but its content: no usage, no error, nothing finished.
   * @returns undefined where its content is not a plain string.
   */
  static of(chunk: Buffer): LikeChunk | undefined {
    const start = chunk.indexOf(CONTENT) + CONTENT.length;
    if (start < CONTENT.length) return undefined;
    const end = endOfPlainString(chunk, start);
    // Copies: the chunk is a view of much more that is not needed any longer.
    return end < 0 ? undefined : new LikeChunk(Buffer.from(chunk.subarray(0, start)), Buffer.from(chunk.subarray(end)));
  }

  /** Whether the chunk is well-formed and says nothing else than the first one but for the text of its content. */
  fits(chunk: Buffer): boolean {
    const { before, after } = this;
    const afterStart = chunk.length - after.length;
    return (
      afterStart >= before.length &&
      chunk.compare(before, 0, before.length, 0, before.length) === 0 &&
      chunk.compare(after, 0, after.length, afterStart) === 0 &&
      endOfPlainString(chunk, before.length) === afterStart
    );
  }
}
