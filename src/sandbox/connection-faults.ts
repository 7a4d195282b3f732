import type { Faults } from './fault.ts';
import { firstHalf, firstTokens } from './fault.ts';

/** The faults of the connection: where it breaks, falls silent or never ends, and how bytes are cut and packed. */
export const connectionFaults: Faults = {
  'cut-first': {
    description: 'the connection is closed before the first byte',
    instead: (exchange) => exchange.cut('close'),
  },
  reset: {
    description: 'the connection is reset (RST) before the first byte',
    instead: (exchange) => exchange.cut('reset'),
  },
  hang: { description: 'nothing is ever answered', instead: (exchange) => exchange.hold() },
  'hang-body': {
    description: 'headers, then nothing',
    frames: () => [],
    body: () => [],
    wire: { ending: 'stall' },
  },
  cut: {
    description: 'the connection is closed after `after` tokens, or after half of the body',
    frames: firstTokens,
    body: firstHalf,
    wire: { ending: 'cut' },
  },
  'reset-mid': {
    description: 'the connection is reset (RST) after `after` tokens, or after half of the body',
    frames: firstTokens,
    body: firstHalf,
    wire: { ending: 'reset' },
  },
  stall: {
    description: 'silence on an open connection after `after` tokens, or after half of the body',
    frames: firstTokens,
    body: firstHalf,
    wire: { ending: 'stall' },
  },
  endless: {
    description: 'the last token comes again and again, for ever',
    frames: (frames) => frames.filter(({ kind }) => kind === 'role' || kind === 'token'),
    body: (text) => [...firstHalf(text), ' and so on'],
    wire: { ending: 'endless' },
  },
  slow: { description: 'one byte per second, or per `d` milliseconds', wire: { slices: 'slow' } },
  'length-long': {
    description: '`content-length` is 100 bytes more than the body, then the connection is closed',
    wire: { lengthError: 100, ending: 'cut' },
  },
  'length-short': { description: '`content-length` is 10 bytes less than the body', wire: { lengthError: -10 } },
  pipelined: { description: 'a second response follows on the same connection', wire: { ending: 'extra' } },
  gzip: { description: 'gzip although nobody asked, with `content-encoding`', wire: { gzip: 'declared' } },
  'gzip-hidden': { description: 'gzip without `content-encoding`', wire: { gzip: 'hidden' } },
  split: {
    description: 'writes are split inside every multi-byte character and inside `data:`',
    wire: { slices: 'characters' },
  },
  'split-bytes': { description: 'every byte is a write of its own', wire: { slices: 'bytes' } },
};
