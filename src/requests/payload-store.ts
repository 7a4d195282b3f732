import { GrowingBuffer } from '../growing-buffer.ts';

const BYTES_AT_FIRST = 8_192;

/**
 * The payloads of one answer, side by side. A process has hundreds of thousands of them while streams run, and as buffers of
 * their own they cost the collector more than the copy.
 */
export class PayloadStore {
  private readonly bytes = new GrowingBuffer(BYTES_AT_FIRST);
  private readonly ends: number[] = [];

  get count(): number {
    return this.ends.length;
  }

  /** Keeps a copy of the payload. */
  push(payload: Buffer): void {
    this.bytes.append(payload);
    this.ends.push(this.bytes.length);
  }

  /** Each payload in order, as views that must not be changed. */
  all(): Buffer[] {
    return this.ends.map((end, index) => this.bytes.view(this.ends[index - 1] ?? 0, end));
  }
}
