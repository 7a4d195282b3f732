const BYTES_AT_FIRST = 8_192;

/**
 * The payloads of one answer, side by side in a buffer that grows. A process has hundreds of thousands of them while streams
 * run, and as buffers of their own they cost the collector more than the copy.
 */
export class PayloadStore {
  private bytes = Buffer.alloc(0);
  private used = 0;
  private readonly ends: number[] = [];

  get count(): number {
    return this.ends.length;
  }

  /** Keeps a copy of the payload. */
  push(payload: Buffer): void {
    const end = this.used + payload.length;
    if (end > this.bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(end, 2 * this.bytes.length, BYTES_AT_FIRST));
      this.bytes.copy(grown, 0, 0, this.used);
      this.bytes = grown;
    }
    payload.copy(this.bytes, this.used);
    this.used = end;
    this.ends.push(end);
  }

  /** Each payload in order, as views that must not be changed. */
  all(): Buffer[] {
    return this.ends.map((end, index) => this.bytes.subarray(this.ends[index - 1] ?? 0, end));
  }
}
