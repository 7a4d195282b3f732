import { setImmediate as turn } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { eventually } from '../helpers/eventually.ts';
import { accounts, expectInvariants, requests, waitForQuiet } from '../helpers/invariants.ts';
import { useStores } from '../helpers/stores.ts';
import { type Customer, type System, startSystem } from '../helpers/system.ts';
import { sandboxTotals } from '../helpers/upstream.ts';

const stores = useStores();
let system: System;
let customer: Customer;
let pid: number | undefined;
beforeAll(async () => {
  system = await startSystem(stores);
  customer = await system.customer();
  pid = system.apis[0]?.process.child.pid;
});
afterAll(() => system.stop());

const BASE = '"model":"test/echo","messages":[{"role":"user","content":"x"}]';
const body = (more: string) => `{${BASE}${more === '' ? '' : `,${more}`}}`;
const JSON_TYPE = { 'content-type': 'application/json' };

function send(bytes: string | Buffer, headers: Record<string, string> = JSON_TYPE): Promise<Response> {
  return customer.fetch('/v1/chat/completions', { method: 'POST', headers, body: bytes });
}

/** A 4xx in OpenAI's shape: all four members, JSON, our request id. Gives its code. */
async function refusedWith(response: Response): Promise<string> {
  const text = await response.text();
  if (response.status < 400 || response.status > 499)
    throw new Error(`status ${response.status}: ${text.slice(0, 300)}`);
  expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
  expect(response.headers.get('x-request-id')).toMatch(/^req_[0-9a-z]{26}$/);
  expect(response.headers.get('x-should-retry')).toBe('false');
  const { error } = JSON.parse(text) as { error: Record<string, unknown> };
  expect(error).toMatchObject({ message: expect.any(String), type: 'invalid_request_error', code: expect.any(String) });
  expect(error.param === null || typeof error.param === 'string').toBe(true);
  return String(error.code);
}

let refused = 0;
async function expectRefused(response: Response, code: string): Promise<void> {
  refused++;
  expect(await refusedWith(response)).toBe(code);
}

// Nothing that was refused may leave a trace: no row, no hold, no call, and the process is the same.
afterEach(async () => {
  await eventually(async () => {
    const account = await accounts().findOne({ _id: customer.accountId });
    expect(account).toMatchObject({ open: 0, heldMicros: 0n, holds: {} });
  });
  expect(system.apis[0]?.process.child.exitCode).toBeNull();
  expect(system.apis[0]?.process.child.pid).toBe(pid);
});

const nested = (depth: number, open: string, close: string) => body(`"x":${open.repeat(depth)}1${close.repeat(depth)}`);

describe('JSON that parsers disagree about', () => {
  test('nesting: accepted to the limit, refused beyond it, from 32 to 50,000 levels of lists and objects', async () => {
    for (const [open, close] of [
      ['[', ']'],
      ['{"a":', '}'],
    ] as const) {
      for (const depth of [1, 2, 30, 31]) expect((await send(nested(depth, open, close))).status).toBe(200);
      for (const depth of [32, 33, 100, 1_000, 10_000, 40_000, 50_000])
        await expectRefused(await send(nested(depth, open, close)), 'invalid_json');
    }
    for (const depth of [1, 1_000, 50_000]) await expectRefused(await send('['.repeat(depth)), 'invalid_json');
  });

  test.each<[string, string]>([
    ['a hundred thousand members', body(Array.from({ length: 100_000 }, (_, i) => `"k${i}":0`).join(','))],
    ['a hundred thousand elements', body(`"x":[${'0,'.repeat(100_000)}0]`)],
    ['a member twice', body('"model":"test/one-ruble"')],
    ['a member twice, once in escapes', body('"\\u006dodel":"test/one-ruble"')],
    ['a nested member twice', body('"x":{"a":1,"b":{"c":1,"c":2}}')],
    ['__proto__', body('"__proto__":{"stream":true}')],
    ['__proto__ in escapes, nested', body('"x":[{"\\u005f_proto__":{"isAdmin":true}}]')],
    ['constructor.prototype', body('"constructor":{"prototype":{"isAdmin":true}}')],
    ['1e400', body('"seed":1e400')],
    ['-1e400, nested', body('"x":[{"y":-1e400}]')],
    ['NaN', body('"seed":NaN')],
    ['Infinity', body('"seed":-Infinity')],
    ['a comment', body('"x":1/**/')],
    ['a trailing comma', '{"model":"test/echo",}'],
    ['two objects', `${body('')}${body('')}`],
    ['a raw line end in a string', body('"x":"\n"')],
    ['a raw NUL in a string', body('"x":"\u0000"')],
    ['a NUL behind the object', `${body('')}\u0000`],
    ['nothing', ''],
    ['white space', ' \r\n\t'],
    ['half of it', body('').slice(0, 30)],
    ['a list', `[${body('')}]`],
    ['a string', '"text"'],
    ['a number', '5'],
    ['null', 'null'],
    ['a form', 'model=test%2Fecho&messages=x'],
    ['a page', '<!DOCTYPE html><html></html>'],
  ])('%s is refused', async (_name, text) => {
    await expectRefused(await send(text), 'invalid_json');
  });

  test.each<[string, Buffer]>([
    ['a byte order mark', Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from(body(''))])],
    ['UTF-16 little endian', Buffer.from(body(''), 'utf16le')],
    ['UTF-16 with a byte order mark', Buffer.from(`\uFEFF${body('')}`, 'utf16le')],
    ['UTF-16 big endian', Buffer.from(body(''), 'utf16le').swap16()],
    ['Latin-1', Buffer.from(body('"x":"é"'), 'latin1')],
    [
      'a lone surrogate as bytes',
      Buffer.concat([Buffer.from('{"x":"'), Buffer.from([0xed, 0xa0, 0x80]), Buffer.from(`",${BASE}}`)]),
    ],
    ['an overlong slash', Buffer.concat([Buffer.from('{"x":"'), Buffer.from([0xc0, 0xaf]), Buffer.from(`",${BASE}}`)])],
    ['half a character at the end', Buffer.concat([Buffer.from(body('')), Buffer.from([0xf0, 0x9f])])],
  ])('bytes that are no plain UTF-8 are refused: %s', async (_name, bytes) => {
    await expectRefused(await send(bytes), 'invalid_json');
  });

  test.each<[string, string]>([
    ['a lone surrogate in escapes', body('"x":"\\ud800"').replace('"x"', '"user"')],
    ['a NUL in escapes', body('"user":"\\u0000"')],
    ['-0', body('"temperature":-0,"seed":-0')],
    ['2^53 + 1', body('"seed":9007199254740993')],
    ['a number of a hundred digits', body(`"seed":${'9'.repeat(100)}`)],
    ['white space around', ` \r\n\t${body('')} \n`],
    ['escaped slashes', body('').replace('test/echo', 'test\\/echo')],
  ])('what only looks odd is accepted: %s', async (_name, text) => {
    expect((await send(text)).status).toBe(200);
  });
});

describe('values of the wrong kind are refused with the parameter that is wrong', () => {
  const many = (count: number, text: string) => new Array(count).fill(text).join(',');
  test.each<[string, string]>([
    ['model', '{"messages":[{"role":"user","content":"x"}]}'],
    ['model', '{"model":5,"messages":[{"role":"user"}]}'],
    ['model', '{"model":"","messages":[{"role":"user"}]}'],
    ['model', `{"model":"${'m'.repeat(257)}","messages":[{"role":"user"}]}`],
    ['messages', '{"model":"test/echo"}'],
    ['messages', '{"model":"test/echo","messages":{"0":{}}}'],
    ['messages', '{"model":"test/echo","messages":"x"}'],
    ['messages', '{"model":"test/echo","messages":[]}'],
    ['messages', `{"model":"test/echo","messages":[${many(2_001, '{"role":"user"}')}]}`],
    ['messages.0', '{"model":"test/echo","messages":["x"]}'],
    ['messages.1', '{"model":"test/echo","messages":[{"role":"user"},null]}'],
    ['messages.0.role', '{"model":"test/echo","messages":[{"role":7}]}'],
    ['stream', body('"stream":"true"')],
    ['stream', body('"stream":1')],
    ['stream_options', body('"stream_options":[]')],
    ['stream_options.include_usage', body('"stream_options":{"include_usage":"yes"}')],
    ['max_tokens', body('"max_tokens":0')],
    ['max_tokens', body('"max_tokens":-1')],
    ['max_tokens', body('"max_tokens":1.5')],
    ['max_tokens', body('"max_tokens":"5"')],
    ['max_tokens', body('"max_tokens":1e9')],
    ['max_tokens', body('"max_tokens":9007199254740993')],
    ['max_completion_tokens', body('"max_completion_tokens":-0')],
    ['n', body('"n":0')],
    ['n', body('"n":17')],
    ['n', body('"n":1.0000001')],
    ['n', body('"n":[1]')],
    ['temperature', body('"temperature":2.1')],
    ['temperature', body('"temperature":"hot"')],
    ['top_p', body('"top_p":-0.1')],
    ['tools', body('"tools":{}')],
    ['tools', body(`"tools":[${many(129, '{}')}]`)],
    ['tools.0', body('"tools":[[]]')],
  ])('%s (case %#)', async (param, text) => {
    const response = await send(text);
    expect(await response.clone().json()).toMatchObject({ error: { param } });
    await expectRefused(response, 'invalid_request');
  });
});

describe('what is not plain UTF-8 JSON by its own words is refused unread', () => {
  test.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/jsonp',
    'application/json, text/plain',
    'application/vnd.api+json',
    'application/json; charset=utf-16',
    'application/json; charset=latin1',
    'application/json; charset="utf-8"; charset=utf-16',
    'text/json',
  ])('content-type %s', async (type) => {
    await expectRefused(await send(body(''), { 'content-type': type }), 'unsupported_media_type');
  });

  test.each(['gzip', 'deflate', 'br', 'x-gzip', 'gzip, identity', 'compress', 'aes128gcm'])(
    'content-encoding %s',
    async (encoding) => {
      await expectRefused(
        await send(gzipSync(body('')), { ...JSON_TYPE, 'content-encoding': encoding }),
        'unsupported_media_type',
      );
    },
  );

  test('a gzip bomb costs nothing: it is never unpacked', async () => {
    const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024));
    await expectRefused(await send(bomb, { ...JSON_TYPE, 'content-encoding': 'gzip' }), 'unsupported_media_type');
    await expectRefused(await send(bomb), 'invalid_json');
  });

  test.each([
    'application/json',
    'Application/JSON',
    'application/json; charset=utf-8',
    'application/json;charset="UTF-8"',
  ])('%s is accepted', async (type) => {
    expect((await send(body(''), { 'content-type': type })).status).toBe(200);
  });
});

test('a body is refused from the first byte above the limit, declared or not', async () => {
  const limit = 8 * 1024 * 1024;
  const filled = (bytes: number) => `${body('').slice(0, -1)}${' '.repeat(bytes - Buffer.byteLength(body('')))}}`;
  expect((await send(filled(limit))).status).toBe(200);
  await expectRefused(await send(filled(limit + 1)), 'body_too_large');
  const endless = new ReadableStream<Uint8Array>({
    pull: async (controller) => {
      await turn();
      controller.enqueue(new Uint8Array(256 * 1024).fill(0x20));
    },
  });
  const init = { method: 'POST', headers: JSON_TYPE, body: endless, duplex: 'half' as const };
  // A client that goes on sending may find its connection closed before it reads the answer; what counts is that it ends.
  const ended = await customer.fetch('/v1/chat/completions', init).catch((error: unknown) => error);
  if (ended instanceof Response) await expectRefused(ended, 'body_too_large');
  else expect(ended).toMatchObject({ cause: { code: expect.stringMatching(/^(EPIPE|ECONNRESET|UND_ERR_SOCKET)$/) } });
});

test('after all of this nothing is left behind, nobody was called for it, and a normal call works', async () => {
  const answer = await customer
    .client()
    .chat.completions.create({ model: 'test/echo', messages: [{ role: 'user', content: 'жив' }] });
  expect(answer.choices[0]?.message.content).toBe('жив');
  await waitForQuiet();
  await expectInvariants(system.sandboxUrl);
  const rows = await requests().countDocuments({});
  expect(await requests().countDocuments({ state: 'done' })).toBe(rows);
  expect((await sandboxTotals(system.sandboxUrl)).calls).toBe(rows);
  expect(refused).toBeGreaterThan(100);
});
