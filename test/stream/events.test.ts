import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  decodeFrames,
  encodeFrames,
  type Frame,
  FrameBatch,
  packEvents,
  unpackEvents,
} from '../../src/stream/events.ts';
import { dataFrame, requestId } from './frames.ts';

const U32_MAX = 2 ** 32 - 1;
const payload = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
const frame: fc.Arbitrary<Frame> = fc.record({
  type: fc.constantFrom('data', 'end'),
  requestId: fc.constant(0).map(requestId),
  attempt: fc.integer({ min: 0, max: 255 }),
  seq: fc.integer({ min: 0, max: U32_MAX }),
  payload,
});

describe('frames', () => {
  test('whatever is encoded is decoded as it was, in its order', () => {
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 20 }), (frames) => {
        expect(decodeFrames(encodeFrames(frames))).toEqual(frames);
      }),
    );
  });

  test('messages laid end to end decode as one', () => {
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 5 }), fc.array(frame, { maxLength: 5 }), (first, second) => {
        const joined = Buffer.concat([encodeFrames(first), encodeFrames(second)]);
        expect(decodeFrames(joined)).toEqual([...first, ...second]);
      }),
    );
  });

  test('a message cut anywhere inside a frame is refused, never half understood', () => {
    fc.assert(
      fc.property(fc.array(frame, { minLength: 1, maxLength: 4 }), fc.nat(), (frames, at) => {
        const bytes = encodeFrames(frames);
        const borders = new Set(frames.map((_, i) => encodeFrames(frames.slice(0, i)).length));
        const cut = at % bytes.length;
        if (borders.has(cut)) return;
        expect(() => decodeFrames(bytes.subarray(0, cut))).toThrow(/^frame: /);
      }),
    );
  });

  test('bytes from elsewhere are refused or decode to frames within their length, and never throw anything else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), (bytes) => {
        try {
          const frames = decodeFrames(Buffer.from(bytes));
          expect(encodeFrames(frames).length).toBe(bytes.length);
        } catch (error) {
          expect((error as Error).message).toMatch(/^frame: /);
        }
      }),
    );
  });

  test('frames that are collected one by one are the bytes of frames that are encoded together', () => {
    fc.assert(
      fc.property(fc.array(payload, { maxLength: 30 }), (payloads) => {
        const frames = payloads.map((one, index) => ({ ...dataFrame(requestId(), index + 1), payload: one }));
        const batch = new FrameBatch();
        for (const frame of frames) batch.add(frame);
        expect(batch.bytes).toEqual(encodeFrames(frames));
        expect(batch.length).toBe(batch.bytes.length);
      }),
    );
  });

  test('an id that is not a request id is refused before anything is written', () => {
    expect(() => encodeFrames([dataFrame('req_short', 1)])).toThrow('30 characters');
    expect(() => encodeFrames([dataFrame(`${requestId()}x`, 1)])).toThrow('30 characters');
    const batch = new FrameBatch();
    expect(() => batch.add(dataFrame('req_short', 1))).toThrow('30 characters');
    expect(batch.length).toBe(0);
  });
});

describe('stored events', () => {
  test('whatever is packed is unpacked as it was', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: U32_MAX }), fc.array(payload, { maxLength: 30 }), (firstSeq, payloads) => {
        expect(unpackEvents(packEvents({ firstSeq, payloads }))).toEqual({ firstSeq, payloads });
      }),
    );
  });

  test('events cut inside a payload or a length are refused', () => {
    fc.assert(
      fc.property(fc.array(payload, { minLength: 1, maxLength: 6 }), fc.nat(), (payloads, at) => {
        const bytes = packEvents({ firstSeq: 1, payloads });
        const borders = new Set(
          payloads.map((_, i) => packEvents({ firstSeq: 1, payloads: payloads.slice(0, i) }).length),
        );
        const cut = at % bytes.length;
        if (borders.has(cut)) return;
        expect(() => unpackEvents(bytes.subarray(0, cut))).toThrow();
      }),
    );
  });
});
