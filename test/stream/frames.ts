import { newId } from '../../src/ids.ts';
import type { EndOfAnswer, Frame } from '../../src/stream/events.ts';

/** Frames of one made-up answer, for the tests of the relay. */

export const DONE_END: EndOfAnswer = { state: 'done', status: 200 };
export const FAILED_END: EndOfAnswer = { state: 'failed', status: 502 };

export function requestId(): string {
  return newId('req');
}

export function dataFrame(request: string, seq: number, text = `event ${seq}`, attempt = 1): Frame {
  return { type: 'data', requestId: request, attempt, seq, payload: Buffer.from(text) };
}

export function endFrame(request: string, seq: number, end: EndOfAnswer = DONE_END, attempt = 1): Frame {
  return { type: 'end', requestId: request, attempt, seq, payload: Buffer.from(JSON.stringify(end)) };
}

/** Events 1 to `count` and the end after them. */
export function wholeAnswer(request: string, count: number, attempt = 1): Frame[] {
  const said = Array.from({ length: count }, (_, i) => dataFrame(request, i + 1, `event ${i + 1}`, attempt));
  return [...said, endFrame(request, count + 1, DONE_END, attempt)];
}
