import { GrowingBuffer } from '../growing-buffer.ts';

/**
 * Answer events on their way from worker to api. A frame names its request, so a reader can assert that what it got is
 * its own; `seq` grows by one within a request, over all attempts, which makes duplicates and gaps visible.
 *
 * Layout: type u8 | attempt u8 | seq u32 | length u32 | request id (30 ASCII bytes) | payload.
 */

/** `data` is one SSE payload, or the whole body of a plain answer; `end` says that the request is terminal and durable. */
export type FrameType = 'data' | 'end';

export type Frame = { type: FrameType; requestId: string; attempt: number; seq: number; payload: Buffer };

/** Payload of an `end` frame. `status` is the HTTP status of a plain answer. */
export type EndOfAnswer = { state: 'done' | 'failed' | 'cancelled'; status: number; retryAfterMs?: number };

const ID_BYTES = 30;
const HEADER_BYTES = 10 + ID_BYTES;
const TYPE_CODES: Record<FrameType, number> = { data: 1, end: 2 };

/** Refuses what would not be a frame before anything is written. */
function sizeOf({ requestId, payload }: Frame): number {
  if (requestId.length !== ID_BYTES) throw new Error('frame: a request id has 30 characters');
  return HEADER_BYTES + payload.length;
}

/** Writes one frame and gives where the next one begins. */
function writeFrame(buffer: Buffer, offset: number, frame: Frame): number {
  buffer[offset] = TYPE_CODES[frame.type];
  buffer[offset + 1] = frame.attempt;
  buffer.writeUInt32LE(frame.seq, offset + 2);
  buffer.writeUInt32LE(frame.payload.length, offset + 6);
  buffer.write(frame.requestId, offset + 10, ID_BYTES, 'latin1');
  frame.payload.copy(buffer, offset + HEADER_BYTES);
  return offset + sizeOf(frame);
}

export function encodeFrames(frames: readonly Frame[]): Buffer {
  const bytes = frames.reduce((sum, frame) => sum + sizeOf(frame), 0);
  const buffer = Buffer.allocUnsafe(bytes);
  let offset = 0;
  for (const frame of frames) offset = writeFrame(buffer, offset, frame);
  return buffer;
}

const BATCH_BYTES_AT_FIRST = 4_096;
const BATCH_BYTES_KEPT_MAX = 16_384;

/** Frames that are collected for a while: written when they come, so that nothing of them is kept but their bytes. */
export class FrameBatch {
  private readonly written = new GrowingBuffer(BATCH_BYTES_AT_FIRST);

  add(frame: Frame): void {
    writeFrame(this.written.extend(sizeOf(frame)), 0, frame);
  }

  get length(): number {
    return this.written.length;
  }

  /** As of `encodeFrames`; a view that the next `add` may change. */
  get bytes(): Buffer {
    return this.written.view();
  }

  /** For the next frames: a buffer for each batch would be most of what the collector has to do. */
  clear(): void {
    this.written.clear(BATCH_BYTES_KEPT_MAX);
  }
}

/** Throws on anything that `encodeFrames` did not write. Payloads are views into `buffer`. */
export function decodeFrames(buffer: Buffer): Frame[] {
  const frames: Frame[] = [];
  let offset = 0;
  while (offset < buffer.length) {
    if (offset + HEADER_BYTES > buffer.length) throw new Error('frame: truncated header');
    const length = buffer.readUInt32LE(offset + 6);
    const start = offset + HEADER_BYTES;
    const code = buffer[offset];
    if (start + length > buffer.length || (code !== 1 && code !== 2)) throw new Error('frame: malformed');
    frames.push({
      type: code === 1 ? 'data' : 'end',
      attempt: buffer[offset + 1] ?? 0,
      seq: buffer.readUInt32LE(offset + 2),
      requestId: buffer.toString('latin1', offset + 10, offset + 10 + ID_BYTES),
      payload: buffer.subarray(start, start + length),
    });
    offset = start + length;
  }
  return frames;
}

/** Events of a stream as they are stored: the first one's number, then each payload with its length. */
export type StoredEvents = { firstSeq: number; payloads: Buffer[] };

function u32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32LE(value, 0);
  return bytes;
}

export function packEvents({ firstSeq, payloads }: StoredEvents): Buffer {
  return Buffer.concat([u32(firstSeq), ...payloads.flatMap((payload) => [u32(payload.length), payload])]);
}

/** Throws when the bytes are not what `packEvents` wrote. */
export function unpackEvents(packed: Buffer): StoredEvents {
  const payloads: Buffer[] = [];
  for (let offset = 4; offset < packed.length; ) {
    const start = offset + 4;
    const end = start + packed.readUInt32LE(offset);
    if (end > packed.length) throw new Error('stored events are truncated');
    payloads.push(packed.subarray(start, end));
    offset = end;
  }
  return { firstSeq: packed.readUInt32LE(0), payloads };
}

/** Names of what the relay keeps in Redis, in one place because api and workers must agree. */
export const streamKeys = {
  channel: (prefix: string, instanceId: string) => `${prefix}:reply:${instanceId}`,
  control: (prefix: string) => `${prefix}:control`,
  log: (prefix: string, requestId: string) => `${prefix}:log:${requestId}`,
  wake: (prefix: string, instanceId: string) => `${prefix}:wake:${instanceId}`,
};
