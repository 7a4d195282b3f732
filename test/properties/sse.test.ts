import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ProviderFailure } from '../../src/providers/provider.ts';
import { SseOverflow, SseParser } from '../../src/providers/sse.ts';
import { StreamedAnswer } from '../../src/requests/answer.ts';
import { runs } from '../helpers/property-runs.ts';

/**
 * What is read from a stream of bytes does not depend on where the network cut them: not the events, not the bound, not the
 * failure, not what a client was given before it.
 */

type Outcome = { events: { event: string | undefined; data: string }[]; tooLong: boolean };

const CR_OR_LF = /\r\n|\r|\n/;
const BYTES_MAX = 64;

/** The WHATWG algorithm and the two bounds, over the whole text (one character a byte). */
function reference(bytes: Buffer, bytesMax: number): Outcome {
  const events: Outcome['events'] = [];
  const lines = bytes.toString('latin1').split(CR_OR_LF);
  const unfinished = lines.pop() ?? '';
  let [data, event]: [string[], string | undefined] = [[], undefined];
  for (const [index, whole] of lines.entries()) {
    if (whole.length > bytesMax) return { events, tooLong: true };
    const line = index === 0 ? whole.replace(/^\xef\xbb\xbf/, '') : whole;
    const [, name, value = ''] = /^([^:]*):?\x20?([\s\S]*)$/.exec(line) ?? [];
    if (line === '') {
      if (data.length > 0) events.push({ event, data: data.join('\n') });
      [data, event] = [[], undefined];
    } else if (name === 'data') data.push(value);
    else if (name === 'event') event = Buffer.from(value, 'latin1').toString();
    if (data.join('\n').length > bytesMax) return { events, tooLong: true };
  }
  return { events, tooLong: unfinished.length > bytesMax };
}

function parse(chunks: readonly Buffer[], bytesMax: number): Outcome {
  const parser = new SseParser(bytesMax);
  const events: Outcome['events'] = [];
  try {
    for (const chunk of chunks)
      for (const { event, data } of parser.push(chunk)) events.push({ event, data: data.toString('latin1') });
    return { events, tooLong: false };
  } catch (error) {
    if (error instanceof SseOverflow) return { events, tooLong: true };
    throw error;
  }
}

/** What a client was given, what the bill rests on, and how it ended. */
function relay(chunks: readonly Buffer[]) {
  const streamed = new StreamedAnswer(true);
  const relayed: string[] = [];
  let failure: string | undefined;
  try {
    for (const chunk of chunks) {
      for (const payload of streamed.push(chunk)) relayed.push(payload.toString('latin1'));
      if (streamed.complete) break;
    }
    streamed.end();
  } catch (error) {
    if (!(error instanceof ProviderFailure)) throw error;
    failure = `${error.code} ${error.outcome}`;
  }
  return { relayed, failure, usage: streamed.usage, upstreamId: streamed.upstreamId, complete: streamed.complete };
}

const cutAt = (bytes: Buffer, places: readonly number[]): Buffer[] => {
  const ends = [...places].sort((a, b) => a - b);
  return [...ends, bytes.length].map((end, index) => bytes.subarray(index === 0 ? 0 : ends[index - 1], end));
};
const byteByByte = (bytes: Buffer) => Array.from(bytes, (byte) => Buffer.of(byte));

/** In two at every place, in three with a single byte or two in the middle, and byte by byte. */
function* cuts(bytes: Buffer): Generator<Buffer[]> {
  yield [bytes];
  yield byteByByte(bytes);
  for (let place = 0; place <= bytes.length; place++)
    for (const length of [0, 1, 2]) yield cutAt(bytes, [place, Math.min(place + length, bytes.length)]);
}

const chunk = (content: string, finish: string | null = null) =>
  JSON.stringify({ id: 'c1', choices: [{ index: 0, delta: { content }, finish_reason: finish }] });
const USAGE = '{"id":"c1","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}';
const WHOLE = [chunk('Прив😀'), chunk('', 'stop'), USAGE, '[DONE]'];
const withEnds = (end: string, payloads: readonly string[] = WHOLE) =>
  payloads.map((payload) => `data: ${payload}${end}${end}`).join('');

/** Streams as upstreams send them, well and badly. */
const CORPUS: readonly (readonly [name: string, text: string])[] = [
  ['line feeds', withEnds('\n')],
  ['CRLF', withEnds('\r\n')],
  ['carriage returns', withEnds('\r')],
  ['mixed line ends', WHOLE.map((one, index) => `data:${one}${['\r\n\r', '\n\r\n', '\r\n\n'][index % 3]}`).join('')],
  ['a byte order mark, and one more that is content', `\uFEFF${withEnds('\n')}\uFEFFdata: x\n\n`],
  ['comments as keep-alive', `: OPENROUTER PROCESSING\n\n:\r\n\r\n${withEnds('\n')}`],
  ['id, retry, unknown and nameless fields', `id: 7\nretry: 10\nfoo: bar\n:x\ndata\n: \n\n${withEnds('\n')}`],
  [
    'an event of several data lines',
    'data: {"choices":\r\ndata: [{"finish_reason":\ndata:"stop"}]}\r\r\ndata: [DONE]\n\n',
  ],
  ['no line end after [DONE]', withEnds('\n').trimEnd()],
  ['no [DONE]', withEnds('\r\n', WHOLE.slice(0, -1))],
  ['a cut inside an event', withEnds('\n', WHOLE.slice(0, 1)).concat('data: {"choices":[{"del')],
  [
    'an event named error',
    `${withEnds('\n', WHOLE.slice(0, 1))}event: error\ndata: {"message":"x"}\n\n${withEnds('\n')}`,
  ],
  ['an error object', withEnds('\r\n', [chunk('a'), '{"error":{"message":"x"}}', chunk('b'), '[DONE]'])],
  ['text that is not JSON after a good event', withEnds('\n', [chunk('a'), '<html>', chunk('b')])],
  ['anything after [DONE]', `${withEnds('\n')}data: {"error":{}}\n\ndata: nonsense\n\nevent: error\ndata: {}\n\n`],
  ['nothing but comments', ': a\n\n: b\n\n'],
  ['nothing', ''],
];

describe('the same bytes, cut anywhere', () => {
  test.each(CORPUS)('are the events of the specification: %s', (_name, text) => {
    const bytes = Buffer.from(text);
    const expected = reference(bytes, 10_000);
    expect(expected.tooLong).toBe(false);
    for (const chunks of cuts(bytes)) expect(parse(chunks, 10_000)).toEqual(expected);
  });

  test.each(CORPUS)('are relayed, billed and ended alike: %s', (_name, text) => {
    const bytes = Buffer.from(text);
    const expected = relay([bytes]);
    for (const chunks of cuts(bytes)) expect(relay(chunks)).toEqual(expected);
  });

  const lineText = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 12 }),
    fc.constantFrom('x'.repeat(BYTES_MAX - 7), '😀'.repeat(16)),
  );
  const line = fc
    .tuple(fc.constantFrom('data', 'data: ', 'data:', 'event: ', 'id: ', ':', '\uFEFF', ''), lineText)
    .map((parts) => parts.join(''));
  const anyStream = fc
    .array(fc.tuple(line, fc.constantFrom('\n', '\r\n', '\r', '\n\n', '\r\n\r\n')), { maxLength: 12 })
    .map((lines) => Buffer.from(lines.flat().join('')));

  test('are the same events and meet the same bound, whatever they are', () => {
    fc.assert(
      fc.property(anyStream, fc.array(fc.nat(), { maxLength: 8 }), (bytes, places) => {
        const expected = reference(bytes, BYTES_MAX);
        const chunks = cutAt(
          bytes,
          places.map((place) => place % (bytes.length + 1)),
        );
        for (const some of [[bytes], chunks, byteByByte(bytes)]) expect(parse(some, BYTES_MAX)).toEqual(expected);
      }),
      runs(1_000),
    );
  });

  const payload = fc.oneof(
    fc.constantFrom(...WHOLE, '{"error":{}}', 'nonsense', '', '{"choices":[{"finish_reason":"error"}]}'),
    fc.string({ maxLength: 8 }).map((text) => chunk(text)),
  );
  test('are relayed, billed and ended alike, whatever they are', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(payload, fc.constantFrom('\n\n', '\r\n\r\n', '\r\r')), { maxLength: 6 }),
        fc.array(fc.nat(), { maxLength: 8 }),
        (events, places) => {
          const bytes = Buffer.from(events.map(([one, end]) => `data: ${one}${end}`).join(''));
          const chunks = cutAt(
            bytes,
            places.map((place) => place % (bytes.length + 1)),
          );
          expect(relay(chunks)).toEqual(relay([bytes]));
          expect(relay(byteByByte(bytes))).toEqual(relay([bytes]));
        },
      ),
      runs(500),
    );
  });
});

describe('the bound', () => {
  test.each([['data: '], ['data:'], [': '], ['id: '], ['event: '], ['noise']])(
    'is met by the line alone, name of the field included: %j',
    (start) => {
      for (const [length, tooLong] of [
        [BYTES_MAX, false],
        [BYTES_MAX + 1, true],
      ] as const)
        for (const end of ['', '\n', '\r\n\r\n']) {
          const bytes = Buffer.from(start.padEnd(length, 'x') + end);
          for (const chunks of cuts(bytes))
            expect([end, length, parse(chunks, BYTES_MAX).tooLong]).toEqual([end, length, tooLong]);
        }
    },
  );

  test('counts what joins the lines of an event, so that empty ones are not free', () => {
    expect(parse([Buffer.from('data\n'.repeat(BYTES_MAX + 1))], BYTES_MAX).tooLong).toBe(false);
    expect(parse([Buffer.from('data\n'.repeat(BYTES_MAX + 2))], BYTES_MAX).tooLong).toBe(true);
  });

  test('does not keep events back that were complete before it, and does not matter after [DONE]', () => {
    const long = `data: ${'x'.repeat(1_100_000)}\n\n`;
    expect(relay([Buffer.from(withEnds('\n', [chunk('a')]) + long)])).toMatchObject({
      relayed: [chunk('a')],
      failure: 'result_too_large event_too_long',
    });
    expect(relay([Buffer.from(withEnds('\n', [chunk('a', 'stop'), USAGE, '[DONE]']) + long)])).toMatchObject({
      relayed: [chunk('a', 'stop'), USAGE],
      failure: undefined,
    });
  });
});
