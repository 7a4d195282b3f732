import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { configureServer } from '../../src/api/server.ts';
import { eventually } from '../helpers/eventually.ts';
import { accounts, expectInvariants, requests, waitForQuiet } from '../helpers/invariants.ts';
import { type RawAnswer, type RawOptions, rawHttp } from '../helpers/raw-http.ts';
import { useStores } from '../helpers/stores.ts';
import { type Customer, type System, startSystem } from '../helpers/system.ts';

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

afterEach(async () => {
  await eventually(async () => {
    const account = await accounts().findOne({ _id: customer.accountId });
    expect(account).toMatchObject({ open: 0, heldMicros: 0n, holds: {} });
  });
  expect(system.apis[0]?.process.child.exitCode).toBeNull();
  expect(system.apis[0]?.process.child.pid).toBe(pid);
});

const BODY = JSON.stringify({ model: 'test/echo', messages: [{ role: 'user', content: 'по проводу' }] });
const LENGTH = Buffer.byteLength(BODY);
const raw = (bytes: string | Buffer, options?: RawOptions) => rawHttp(system.apis[0]?.url ?? '', bytes, options);

/** A POST with these header lines after the usual ones, which a line of the same name replaces. */
function post(lines: readonly string[] = [], body = BODY): string {
  const usual = ['Host: api', `Authorization: Bearer ${customer.key}`, 'Content-Type: application/json'];
  const named = (line: string) => line.slice(0, line.indexOf(':')).toLowerCase();
  const framed = lines.some((line) => /^(content-length|transfer-encoding):/i.test(line))
    ? []
    : [`Content-Length: ${Buffer.byteLength(body)}`];
  const kept = usual.filter((line) => !lines.some((other) => named(other) === named(line)));
  return `POST /v1/chat/completions HTTP/1.1\r\n${[...kept, ...framed, ...lines].join('\r\n')}\r\n\r\n${body}`;
}

function expectRefused(answer: RawAnswer, status: number, code: string): void {
  expect([answer.status, answer.body]).toEqual([status, expect.stringContaining(`"code":"${code}"`)]);
  expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
  expect(answer.headers['x-request-id']).toMatch(/^req_[0-9a-z]{26}$/);
  const { error } = JSON.parse(answer.body) as { error: Record<string, unknown> };
  expect(error).toMatchObject({ message: expect.any(String), type: 'invalid_request_error', code });
  expect(error.param === null || typeof error.param === 'string').toBe(true);
}

describe('what is no HTTP, or two things at once, is refused in the shape of all errors', () => {
  test.each<[string, () => string | Buffer]>([
    ['text', () => 'hello\r\n\r\n'],
    ['a TLS hello', () => Buffer.from('16030100f5010000f10303', 'hex')],
    ['an HTTP/2 preface', () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['an unknown version', () => post().replace('HTTP/1.1', 'HTTP/9.9')],
    ['an unknown method', () => post().replace('POST', 'BREW')],
    ['a space in the address', () => post().replace('/v1/', '/v1 /')],
    ['a NUL in a header', () => post(['X-Max-Cost: 1\u0000'])],
    ['a folded header line', () => post(['X-Max-Cost: 1\r\n 2'])],
    ['a header without a name', () => post([': value'])],
    ['a space before the colon', () => post(['X-Max-Cost : 1'])],
    ['two lengths', () => post([`Content-Length: ${LENGTH}`, 'Content-Length: 5'])],
    ['a length that is no number', () => post(['Content-Length: abc'])],
    ['a negative length', () => post(['Content-Length: -5'])],
    ['a length beyond all numbers', () => post(['Content-Length: 99999999999999999999999'])],
    [
      'a length and chunks',
      () =>
        post(
          [`Content-Length: ${LENGTH}`, 'Transfer-Encoding: chunked'],
          `${LENGTH.toString(16)}\r\n${BODY}\r\n0\r\n\r\n`,
        ),
    ],
    ['a chunk whose size is no number', () => post(['Transfer-Encoding: chunked'], `zz\r\n${BODY}\r\n0\r\n\r\n`)],
    ['a chunk longer than its size', () => post(['Transfer-Encoding: chunked'], `5\r\n${BODY}\r\n0\r\n\r\n`)],
    ['a body encoded twice', () => post(['Transfer-Encoding: chunked, gzip'], '0\r\n\r\n')],
  ])('%s', async (_name, bytes) => {
    expectRefused(await raw(bytes()), 400, 'invalid_request');
  });

  test('a body that ends before its declared length, for good', async () => {
    expectRefused(await raw(post(['Content-Length: 100000']), { finish: true }), 400, 'invalid_request');
    expectRefused(
      await raw(post(['Transfer-Encoding: chunked'], `ffff\r\n${BODY}`), { finish: true }),
      400,
      'invalid_request',
    );
  });

  test('a body longer than its declared length: the rest is not taken for part of it', async () => {
    expectRefused(await raw(post([`Content-Length: ${LENGTH - 1}`])), 400, 'invalid_json');
    const answer = await raw(
      post([`Content-Length: ${LENGTH}`], `${BODY}GET /v1/models HTTP/1.1\r\nHost: evil\r\n\r\n`),
    );
    expect(answer.status).toBe(200);
  });

  test('no length at all means no body', async () => {
    const bytes = post(['Content-Length: 0'], '').replace('Content-Length: 0\r\n', '');
    expectRefused(await raw(bytes), 400, 'invalid_json');
  });

  test('no Host, an unknown expectation, and a tunnel', async () => {
    expectRefused(await raw(post().replace('Host: api\r\n', '')), 400, 'invalid_request');
    expectRefused(await raw(post(['Expect: the-unexpected'])), 400, 'invalid_request');
    expectRefused(
      await raw('CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n'),
      405,
      'method_not_allowed',
    );
  });
});

describe('headers are bounded in number and size, and none is dropped in silence', () => {
  const many = (count: number) => Array.from({ length: count }, (_, i) => `X-H${i}: 1`);

  test.each([200, 1_000, 20_000])('%i headers are refused', async (count) => {
    // The one that matters stands last, where it would be the first to be dropped.
    expectRefused(await raw(post([...many(count), 'X-Max-Cost: 0'])), 431, 'headers_too_large');
  });

  test('a hundred are fine', async () => {
    expect((await raw(post(many(100)))).status).toBe(200);
  });

  test.each([16_384, 65_536, 1_000_000])('a header of %i bytes is refused', async (bytes) => {
    expectRefused(await raw(post([`Idempotency-Key: ${'k'.repeat(bytes)}`])), 431, 'headers_too_large');
  });

  test('an address of 20,000 bytes is refused', async () => {
    expectRefused(await raw(post().replace('/v1/', `/${'x'.repeat(20_000)}/`)), 431, 'headers_too_large');
  });

  test('a header given twice is refused where two values have no order', async () => {
    for (const line of ['Idempotency-Key: a', 'X-Max-Cost: 1', 'X-Fit-To-Balance: true'])
      expectRefused(await raw(post([line, line])), 400, 'invalid_request');
  });

  test('bytes of no character set in a key are refused, also behind the first hundred', async () => {
    const head = post([...many(100), `Content-Length: ${LENGTH}`, 'Idempotency-Key: k\u00ff\u0080'], '');
    expectRefused(await raw(Buffer.concat([Buffer.from(head, 'latin1'), Buffer.from(BODY)])), 400, 'invalid_request');
  });
});

describe('unusual but right HTTP works', () => {
  test('chunks with extensions and trailers, and trailers change nothing', async () => {
    const half = Math.floor(LENGTH / 2);
    const bytes = Buffer.from(BODY);
    const body = Buffer.concat([
      Buffer.from(`${half.toString(16)};name=value\r\n`),
      bytes.subarray(0, half),
      Buffer.from(`\r\n${(LENGTH - half).toString(16).toUpperCase()}\r\n`),
      bytes.subarray(half),
      Buffer.from('\r\n0\r\nX-Max-Cost: 0\r\nAuthorization: Bearer other\r\n\r\n'),
    ]);
    const answer = await raw(
      Buffer.concat([Buffer.from(post(['Transfer-Encoding: chunked', 'Trailer: X-Max-Cost'], '')), body]),
    );
    expect([answer.status, JSON.parse(answer.body)]).toMatchObject([
      200,
      { choices: [{ message: { content: 'по проводу' } }] },
    ]);
  });

  test('Expect: 100-continue is answered before the body, and a refusal comes with or without it', async () => {
    const head = post(['Expect: 100-continue', `Content-Length: ${LENGTH}`], '');
    const answer = await raw(head, { afterContinue: BODY });
    expect([answer.status, answer.interim]).toEqual([200, [100]]);
    const tooLarge = await raw(post(['Expect: 100-continue', 'Content-Length: 999999999'], ''));
    expectRefused(tooLarge, 413, 'body_too_large');
  });

  test('a body in single bytes, and an upgrade that is not offered', async () => {
    expect(
      (await raw(post(['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAAP__'])))
        .status,
    ).toBe(200);
    const chunks = [...Buffer.from(BODY)].map((byte) => `1\r\n${String.fromCharCode(byte)}\r\n`).join('');
    const bytes = Buffer.from(`${post(['Transfer-Encoding: chunked'], '')}${chunks}0\r\n\r\n`, 'latin1');
    expect((await raw(bytes)).status).toBe(200);
  });
});

describe('a client that is slow on purpose', () => {
  let server: Server | undefined;
  afterEach(() => {
    server?.closeAllConnections();
    server?.close();
  });

  test('meets limits: head, body, idle connection, number of headers, connections', () => {
    server = createServer();
    configureServer(server);
    const { headersTimeout, requestTimeout, keepAliveTimeout, maxHeadersCount, maxConnections, maxRequestsPerSocket } =
      server;
    for (const limit of [
      headersTimeout,
      requestTimeout,
      keepAliveTimeout,
      maxHeadersCount,
      maxConnections,
      maxRequestsPerSocket,
    ])
      expect(limit).toBeGreaterThan(0);
    expect(headersTimeout).toBeLessThanOrEqual(30_000);
    expect(requestTimeout).toBeLessThanOrEqual(120_000);
    expect(headersTimeout).toBeLessThanOrEqual(requestTimeout);
  });

  test.each([
    ['in its head', 'POST / HTTP/1.1\r\nHost: api\r\nX-Slow:'],
    ['in its body', 'POST / HTTP/1.1\r\nHost: api\r\nContent-Length: 100\r\n\r\n{'],
  ])('%s is told so and disconnected when its time is over', async (_where, bytes) => {
    server = createServer({ connectionsCheckingInterval: 50 }, (request) => request.resume());
    configureServer(server);
    server.headersTimeout = 200;
    server.requestTimeout = 300;
    await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
    const answer = await rawHttp(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, bytes);
    expectRefused(answer, 408, 'request_timeout');
  });
});

test('a crowd that sends half requests and leaves changes nothing for the others', async () => {
  const half = post().slice(0, -10);
  const crowd = Array.from({ length: 50 }, () => raw(half, { finish: true }).catch(() => undefined));
  const answer = await raw(post());
  expect(answer.status).toBe(200);
  await Promise.all(crowd);
});

test('after all of this nothing is left behind, and a normal call works', async () => {
  expect((await raw(post())).status).toBe(200);
  await waitForQuiet();
  await expectInvariants(system.sandboxUrl);
  expect(await requests().countDocuments({ state: { $ne: 'done' } })).toBe(0);
});
