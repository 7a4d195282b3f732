import { expect, test } from '@jest/globals';
import { SseParser } from '../../src/providers/sse.ts';

/** That the parser reads what the specification says, however the bytes are cut, is in test/properties/sse.test.ts. */

const MAX = 1_000_000;

test('payload bytes are passed on as they are, also those that are not UTF-8', () => {
  const payload = Buffer.from([0x7b, 0xff, 0xc3, 0x28, 0x80, 0x7d]);
  const [event] = new SseParser(MAX).push(Buffer.concat([Buffer.from('data: '), payload, Buffer.from('\n\n')]));
  expect(event?.data).toEqual(payload);
});

test('an event keeps its bytes while later chunks are read', () => {
  const parser = new SseParser(MAX);
  const events = ['data: o', 'ne\n\ndata: t', 'wo\n\n'].flatMap((chunk) => [...parser.push(Buffer.from(chunk))]);
  expect(events.map(({ data }) => String(data))).toEqual(['one', 'two']);
});

test('an end inside an event is seen, a clean end is not mistaken for one', () => {
  const partial = (input: string) => {
    const parser = new SseParser(MAX);
    for (const _event of parser.push(Buffer.from(input)));
    return parser.hasPartial();
  };
  for (const clean of ['', 'data: a\n\n', 'data: a\r\r', 'data: a\r\n\r\n', ': comment\n', 'event: x\n'])
    expect([clean, partial(clean)]).toEqual([clean, false]);
  for (const cut of ['d', 'data: a', 'data: a\n', 'data: a\r\n', 'data: a\n\ndata: b'])
    expect([cut, partial(cut)]).toEqual([cut, true]);
});
