import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { newId } from '../../src/ids.ts';
import { decodeFrames, encodeFrames, type Frame, packEvents, unpackEvents } from '../../src/stream/events.ts';

const payload = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes));
const frame: fc.Arbitrary<Frame> = fc.record({
  type: fc.constantFrom('data' as const, 'end' as const),
  requestId: fc.integer({ min: 0, max: 2 ** 40 }).map((at) => newId('req', at)),
  attempt: fc.nat({ max: 255 }),
  seq: fc.nat({ max: 2 ** 32 - 1 }),
  payload,
});

test('frames come out as they went in, whatever bytes they carry', () => {
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 6 }), (frames) => {
      expect(decodeFrames(encodeFrames(frames))).toEqual(frames);
    }),
  );
});

test('a message that lost its tail or has a foreign byte for a type is refused, never half read', () => {
  fc.assert(
    fc.property(fc.array(frame, { minLength: 1, maxLength: 4 }), fc.nat(), (frames, at) => {
      const bytes = encodeFrames(frames);
      const boundaries = new Set([0]);
      let offset = 0;
      for (const one of frames) {
        offset += 40 + one.payload.length;
        boundaries.add(offset);
      }
      const cut = at % bytes.length;
      if (boundaries.has(cut)) expect(decodeFrames(bytes.subarray(0, cut)).length).toBeLessThan(frames.length);
      else expect(() => decodeFrames(bytes.subarray(0, cut))).toThrow();
      bytes[0] = 3;
      expect(() => decodeFrames(bytes)).toThrow('malformed');
    }),
  );
});

test('a frame names its request: an id of another length is refused', () => {
  const bad = { type: 'data', requestId: 'req_1', attempt: 1, seq: 1, payload: Buffer.alloc(0) } as const;
  expect(() => encodeFrames([bad])).toThrow('30 characters');
});

test('stored events come back byte for byte, with their first number', () => {
  fc.assert(
    fc.property(fc.nat({ max: 2 ** 32 - 1 }), fc.array(payload, { maxLength: 6 }), (firstSeq, payloads) => {
      expect(unpackEvents(packEvents({ firstSeq, payloads }))).toEqual({ firstSeq, payloads });
    }),
  );
});

test('stored events that lost bytes are refused', () => {
  const packed = packEvents({ firstSeq: 1, payloads: [Buffer.from('abc'), Buffer.from('defg')] });
  for (let length = 0; length < packed.length; length++) {
    if (length === 4 || length === 11) continue; // whole events
    expect(() => unpackEvents(packed.subarray(0, length))).toThrow();
  }
});
