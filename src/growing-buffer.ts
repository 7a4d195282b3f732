const EMPTY = Buffer.alloc(0);

/** Bytes that are appended to, side by side in one buffer, which is doubled when it is full. */
export class GrowingBuffer {
  private buffer = EMPTY;
  private used = 0;
  private readonly bytesAtFirst: number;

  constructor(bytesAtFirst = 0) {
    this.bytesAtFirst = bytesAtFirst;
  }

  get length(): number {
    return this.used;
  }

  /** Makes room for so many bytes at the end and gives it, to be written at once. */
  extend(bytes: number): Buffer {
    const end = this.used + bytes;
    if (end > this.buffer.length) {
      const grown = Buffer.allocUnsafe(Math.max(end, 2 * this.buffer.length, this.bytesAtFirst));
      this.buffer.copy(grown, 0, 0, this.used);
      this.buffer = grown;
    }
    const room = this.buffer.subarray(this.used, end);
    this.used = end;
    return room;
  }

  append(bytes: Buffer): void {
    bytes.copy(this.extend(bytes.length));
  }

  /** A view of all of it. */
  view(): Buffer {
    return this.buffer.subarray(0, this.used);
  }

  /** Forgets what is there, and keeps the room for what comes unless it is larger than so many bytes. */
  clear(bytesKeptMax: number): void {
    if (this.buffer.length > bytesKeptMax) this.buffer = EMPTY;
    this.used = 0;
  }

  /** Gives everything away and begins anew. */
  take(): Buffer {
    const all = this.view();
    this.buffer = EMPTY;
    this.used = 0;
    return all;
  }
}
