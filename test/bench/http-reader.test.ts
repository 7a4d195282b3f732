import { describe, expect, test } from '@jest/globals';
import { AnswerReader } from '../../scripts/bench/answer-reader.ts';
import { ResponseReader, WireError } from '../../scripts/bench/http-reader.ts';

type Seen = { heads: [number, boolean][]; body: string; ends: number };

function reader(): { seen: Seen; reader: ResponseReader } {
  const seen: Seen = { heads: [], body: '', ends: 0 };
  return {
    seen,
    reader: new ResponseReader({
      onHead: (status, closes) => seen.heads.push([status, closes]),
      onBody: (bytes) => {
        seen.body += bytes.toString();
      },
      onEnd: () => {
        seen.ends++;
      },
    }),
  };
}

const PLAIN = 'HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\nContent-Length: 5\r\n\r\nhello';
const CHUNKED =
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\nhel\r\nA;x=1\r\nlo, worlds\r\n0\r\nx-trailer: 1\r\n\r\n';

describe('reading of HTTP answers', () => {
  test.each([
    ['a body with a length', PLAIN, 'hello', false],
    ['a chunked body with a trailer', CHUNKED, 'hello, worlds', true],
  ])('%s is the same however its bytes are cut', (_name, text, body, closes) => {
    for (let size = 1; size <= text.length; size++) {
      const { seen, reader: one } = reader();
      for (let offset = 0; offset < text.length; offset += size)
        one.push(Buffer.from(text.slice(offset, offset + size)));
      expect(seen).toEqual({ heads: [[200, closes]], body, ends: 1 });
    }
  });

  test('answers follow each other on one connection, empty ones and interim ones too', () => {
    const { seen, reader: one } = reader();
    one.push(Buffer.from(PLAIN));
    one.push(Buffer.from('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 429 Too Many\r\ncontent-length: 0\r\n\r\n'));
    one.push(Buffer.from('HTTP/1.1 204 No Content\r\n\r\n'));
    expect(seen.heads.map(([status]) => status)).toEqual([200, 429, 204]);
    expect(seen.ends).toBe(3);
  });

  test('a body without a length ends with the connection', () => {
    const { seen, reader: one } = reader();
    one.push(Buffer.from('HTTP/1.0 200 OK\r\n\r\nhel'));
    one.push(Buffer.from('lo'));
    expect(seen.ends).toBe(0);
    expect(one.closed()).toBe(true);
    expect(seen).toMatchObject({ body: 'hello', ends: 1 });
    expect(one.closed()).toBe(false);
  });

  test.each([
    ['bytes behind the answer', `${PLAIN}x`],
    ['no status line', 'SSH-2.0-x\r\n\r\n'],
    ['a chunk without a size', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n'],
    ['an endless head', `HTTP/1.1 200 OK\r\nx: ${'a'.repeat(70_000)}`],
  ])('%s is refused', (_name, text) => {
    expect(() => reader().reader.push(Buffer.from(text))).toThrow(WireError);
  });
});

describe('reading of stamps', () => {
  const stream =
    'data: {"delta":" tok0 @T000000000000123;"}\n\ndata: {"delta":" tok1 @T000000000000456;"}\n\n' +
    'data: {"choices":[],"usage":{"total_tokens":3}}\n\ndata: [DONE]\n\n';

  test('every stamp counts once, however the bytes are cut', () => {
    for (let size = 1; size <= stream.length; size++) {
      const stamps: number[] = [];
      const answer = new AnswerReader((sentUs) => stamps.push(sentUs));
      for (let offset = 0; offset < stream.length; offset += size)
        answer.push(Buffer.from(stream.slice(offset, offset + size)));
      expect(stamps).toEqual([123, 456]);
      expect(answer).toMatchObject({ stamps: 2, hasDone: true, hasUsage: true });
    }
  });

  test('a stream that stops early has no end', () => {
    const answer = new AnswerReader(() => undefined);
    answer.push(Buffer.from(stream.slice(0, 60)));
    expect(answer).toMatchObject({ stamps: 1, hasDone: false, hasUsage: false });
  });
});
