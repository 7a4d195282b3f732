import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type SseEvent, SseOverflow, SseParser } from '../../src/providers/sse.ts';
import { runs } from '../helpers/property-runs.ts';

type Event = { event: string | undefined; data: string };

const MAX = 1_000_000;

/** The WHATWG algorithm, written down plainly over a whole decoded text. */
function reference(bytes: Buffer): Event[] {
  const text = bytes.toString('utf8').replace(/^\uFEFF/, '');
  const lines = text.split(/\r\n|\r|\n/);
  lines.pop(); // An unfinished line is no line.
  const events: Event[] = [];
  let data: string[] = [];
  let event: string | undefined;
  for (const line of lines) {
    if (line === '') {
      if (data.length > 0) events.push({ event, data: data.join('\n') });
      data = [];
      event = undefined;
      continue;
    }
    const [, name = '', value = ''] = /^([^:]*)(?::\x20?)?([\s\S]*)$/.exec(line) ?? [];
    if (line.startsWith(':')) continue;
    if (name === 'data') data.push(value);
    if (name === 'event') event = value;
  }
  return events;
}

function parse(chunks: readonly Buffer[], bytesMax = MAX): Event[] {
  const parser = new SseParser(bytesMax);
  return chunks
    .flatMap((chunk) => parser.push(chunk))
    .map(({ event, data }: SseEvent) => ({ event, data: data.toString() }));
}

const lineEnd = fc.constantFrom('\n', '\r\n', '\r');
const text = fc.oneof(
  fc.constantFrom('', ' ', '{"a":1}', '[DONE]', ' two spaces', 'a:b', 'Привет 😀', '\uFEFF', 'x'.repeat(50)),
  fc.string().map((one) => one.replaceAll(/[\r\n]/g, '.')),
);
const field = fc.constantFrom('data', 'data', 'data', 'event', 'id', 'retry', 'unknown', '');
const line = fc.oneof(
  fc.tuple(field, fc.constantFrom(':', ': '), text).map((parts) => parts.join('')),
  fc.constantFrom('', '', 'data', 'event', ': comment', 'noise'),
);
const body = fc
  .tuple(fc.boolean(), fc.array(fc.tuple(line, lineEnd), { maxLength: 14 }), fc.boolean())
  .map(([bom, lines, cut]) => {
    const whole = Buffer.from(`${bom ? '\uFEFF' : ''}${lines.flat().join('')}`);
    return cut ? whole.subarray(0, Math.floor(whole.length * 0.9)) : whole;
  });

describe('the parser reads what the specification says', () => {
  test('for any lines, any line ends, and any way in which the bytes are cut', () => {
    fc.assert(
      fc.property(body, fc.array(fc.nat(), { maxLength: 8 }), (bytes, cuts) => {
        const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
        const chunks = places.slice(1).map((end, index) => bytes.subarray(places[index] ?? 0, end));
        expect(parse(chunks)).toEqual(reference(bytes));
      }),
      runs(3_000),
    );
  });

  test('for every cut in two, and byte by byte, of a stream with everything in it', () => {
    const bytes = Buffer.from(
      '\uFEFF: hello\r\n\r\ndata: {"a":"é😀"}\r\n\r\nevent: error\rdata:no space\r\rid: 7\ndata: one\ndata:  two\ndata\n\ndata: Ж\r\n\n\ndata: [DONE]\n\ndata: lost',
    );
    const expected = reference(bytes);
    expect(expected).toHaveLength(5);
    expect(parse([...bytes].map((byte) => Buffer.of(byte)))).toEqual(expected);
    for (let cut = 0; cut <= bytes.length; cut++)
      expect(parse([bytes.subarray(0, cut), bytes.subarray(cut)])).toEqual(expected);
  });
});

test('payload bytes are passed on as they are, also those that are not UTF-8', () => {
  const payload = Buffer.from([0x7b, 0xff, 0xc3, 0x28, 0x80, 0x7d]);
  const [event] = new SseParser(MAX).push(Buffer.concat([Buffer.from('data: '), payload, Buffer.from('\n\n')]));
  expect(event?.data).toEqual(payload);
});

test('an end inside an event is seen, a clean end is not mistaken for one', () => {
  const partial = (input: string) => {
    const parser = new SseParser(MAX);
    parser.push(Buffer.from(input));
    return parser.hasPartial();
  };
  for (const clean of ['', 'data: a\n\n', 'data: a\r\r', 'data: a\r\n\r\n', ': comment\n', 'event: x\n'])
    expect([clean, partial(clean)]).toEqual([clean, false]);
  for (const cut of ['d', 'data: a', 'data: a\n', 'data: a\r\n', 'data: a\n\ndata: b'])
    expect([cut, partial(cut)]).toEqual([cut, true]);
});

test('a line and an event are bounded, in one piece and in many', () => {
  const push = (chunks: string[]) =>
    parse(
      chunks.map((chunk) => Buffer.from(chunk)),
      100,
    );
  expect(push([`data: ${'x'.repeat(90)}\n\n`])).toHaveLength(1);
  expect(() => push([`data: ${'x'.repeat(101)}\n\n`])).toThrow(SseOverflow);
  expect(() => push(new Array(20).fill('xxxxxxxxxx'))).toThrow(SseOverflow);
  expect(() => push(new Array(20).fill('data: xxxxxxxxxx\n'))).toThrow(SseOverflow);
});
