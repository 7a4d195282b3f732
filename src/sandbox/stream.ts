import { gzipSync } from 'node:zlib';
import type { Frame } from './chunks.ts';
import type { Exchange } from './exchange.ts';
import { holdMsMax } from './exchange.ts';
import { stamped } from './text.ts';

/** How bytes travel. Faults change single fields. */
export type Wire = {
  /** What follows the last byte: the regular end, FIN, RST, silence, the last piece again for ever, or a second response. */
  ending: 'end' | 'cut' | 'reset' | 'stall' | 'endless' | 'extra';
  /** Where writes are split: nowhere, inside multi-byte characters, after every byte, or one byte per second. */
  slices: 'none' | 'characters' | 'bytes' | 'slow';
  gzip: 'none' | 'declared' | 'hidden';
  /** Declares a content-length that differs so much from the truth. */
  lengthError: number;
};

export const openaiWire: Wire = { ending: 'end', slices: 'none', gzip: 'none', lengthError: 0 };

/** A write that is due `beat` gaps after the start. */
type Piece = { beat: number; data: string | Buffer };

type Delivery = { pieces: Piece[]; startMs: number; gapMs: number; ending: Wire['ending'] };

const slowGapMs = 1000;
const secondResponse = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 14\r\n\r\n{"extra":true}';

/** Sends a stream of events, each at its time. */
export function sendStream(exchange: Exchange, frames: Frame[], wire: Wire): void {
  const pieces = frames.map(({ beat, text }) => ({ beat, data: text }));
  const headers = { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' };
  send(exchange, headers, pieces, exchange.script.firstMs, wire);
}

/**
 * Sends an answer that is not streamed. `pieces` is what really leaves, one per gap; `text` is the whole, whose length is
 * declared when the answer leaves at once or breaks off.
 */
export function sendPlain(exchange: Exchange, text: string, pieces: string[], wire: Wire): void {
  const headers: Record<string, string | number> = { 'content-type': 'application/json' };
  const breaksOff = wire.ending === 'cut' || wire.ending === 'reset' || wire.ending === 'stall';
  const atOnce = pieces.length === 1 && wire.slices === 'none' && wire.gzip === 'none' && wire.ending !== 'endless';
  if ((breaksOff || atOnce) && wire.lengthError === 0) {
    headers['content-length'] = Buffer.byteLength(breaksOff ? text : (pieces[0] ?? ''));
  }
  const timed = pieces.map((data, beat) => ({ beat, data }));
  send(exchange, headers, timed, exchange.script.waitMs, wire);
}

function send(
  exchange: Exchange,
  headers: Record<string, string | number>,
  plainPieces: Piece[],
  delayMs: number,
  wire: Wire,
): void {
  const startMs = performance.now() + delayMs;
  const pieces = slicePieces(wire.gzip === 'none' ? plainPieces : [zipped(plainPieces)], wire.slices);
  if (wire.gzip === 'declared') headers['content-encoding'] = 'gzip';
  if (wire.lengthError !== 0) {
    const bytes = pieces.reduce((sum, piece) => sum + Buffer.byteLength(piece.data), 0);
    headers['content-length'] = Math.max(bytes + wire.lengthError, 1);
  }
  const gapMs = wire.slices === 'slow' ? exchange.script.gapMs || slowGapMs : exchange.script.gapMs;
  exchange.response.writeHead(200, headers);
  play(exchange, { pieces, startMs, gapMs, ending: wire.ending });
}

/**
 * Writes every piece at its time. The schedule is absolute: a piece that is late does not delay the next. A client that
 * reads slowly stops the writing until it has caught up, so nothing piles up here.
 */
function play(exchange: Exchange, { pieces, startMs, gapMs, ending }: Delivery): void {
  const { response, receivedUs } = exchange;
  const stamps = exchange.script.text === 'stamp';
  const last = pieces.length - 1;
  let next = 0;
  let repeats = 0;

  function run(): void {
    const nowMs = performance.now();
    if (nowMs - startMs > holdMsMax) {
      exchange.cut('close');
      return;
    }
    while (exchange.open()) {
      const piece = pieces[next];
      if (piece === undefined) {
        finish(exchange, ending);
        return;
      }
      const dueMs = startMs + (piece.beat + repeats) * gapMs;
      if (dueMs > nowMs) {
        exchange.at(dueMs, run);
        return;
      }
      const data = stamps && typeof piece.data === 'string' ? stamped(piece.data, receivedUs) : piece.data;
      if (next === last && ending === 'endless') repeats += 1;
      else next += 1;
      if (next > last && (ending === 'end' || ending === 'extra')) {
        finish(exchange, ending, data);
        return;
      }
      const writable = response.write(data);
      // Node holds writes back until the end of the turn; a paced chunk leaves now, as its time stamp says.
      if (gapMs > 0) response.socket?.uncork();
      if (!writable) {
        response.once('drain', run);
        return;
      }
    }
  }

  run();
}

function finish(exchange: Exchange, ending: Wire['ending'], data?: string | Buffer): void {
  const { response } = exchange;
  switch (ending) {
    case 'end':
    case 'endless':
      response.end(data);
      return;
    case 'extra': {
      const { socket } = response;
      response.end(data, () => socket?.write(secondResponse));
      return;
    }
    case 'cut':
      response.flushHeaders();
      exchange.cut('close');
      return;
    case 'reset':
      response.flushHeaders();
      exchange.cut('reset');
      return;
    case 'stall':
      response.flushHeaders();
      exchange.hold();
      return;
  }
}

function zipped(pieces: Piece[]): Piece {
  return { beat: 0, data: gzipSync(pieces.map((piece) => piece.data.toString()).join('')) };
}

function slicePieces(pieces: Piece[], slices: Wire['slices']): Piece[] {
  if (slices === 'none') return pieces;
  const sliced = pieces.flatMap(({ beat, data }) =>
    sliceBytes(Buffer.from(data), slices === 'characters').map((part) => ({ beat, data: part })),
  );
  return slices === 'slow' ? sliced.map((piece, index) => ({ ...piece, beat: index })) : sliced;
}

/** Cuts bytes after each of them, or only inside multi-byte characters and inside the word `data:` they begin with. */
function sliceBytes(bytes: Buffer, insideCharacters: boolean): Buffer[] {
  const parts: Buffer[] = [];
  let start = 0;
  for (let index = 1; index < bytes.length; index += 1) {
    const insideCharacter = ((bytes[index] ?? 0) & 0b1100_0000) === 0b1000_0000;
    if (insideCharacters && !insideCharacter && index !== 3) continue;
    parts.push(bytes.subarray(start, index));
    start = index;
  }
  parts.push(bytes.subarray(start));
  return parts;
}
