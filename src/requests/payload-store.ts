const BLOCK_BYTES_AT_FIRST = 8_192;
const BLOCK_BYTES = 32_768;

type Block = { bytes: Buffer; ends: number[] };

/**
 * The payloads of one answer, side by side in blocks. A process has hundreds of thousands of them while streams run, and as
 * buffers of their own they cost the collector more than the copy; so does a buffer that grows.
 */
export class PayloadStore {
  private readonly blocks: Block[] = [];
  private stored = 0;

  get count(): number {
    return this.stored;
  }

  /** Keeps a copy of the payload. */
  push(payload: Buffer): void {
    const { bytes, ends } = this.blockFor(payload.length);
    const start = ends.at(-1) ?? 0;
    payload.copy(bytes, start);
    ends.push(start + payload.length);
    this.stored++;
  }

  /** Each payload in order, as views that must not be changed. */
  all(): Buffer[] {
    return this.blocks.flatMap(({ bytes, ends }) =>
      ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end)),
    );
  }

  /** The last block, or a new one when that has no room for so many bytes. */
  private blockFor(length: number): Block {
    const last = this.blocks.at(-1);
    if (last && (last.ends.at(-1) ?? 0) + length <= last.bytes.length) return last;
    const size = Math.max(last ? BLOCK_BYTES : BLOCK_BYTES_AT_FIRST, length);
    const block = { bytes: Buffer.allocUnsafe(size), ends: [] };
    this.blocks.push(block);
    return block;
  }
}
