import { createServer, get, type IncomingMessage, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import type { Response } from 'express';
import { answerStream } from '../../src/api/answer.ts';
import { EventStream } from '../../src/api/event-stream.ts';
import { loadConfig } from '../../src/config.ts';
import { createLogger } from '../../src/log.ts';
import { createMetrics } from '../../src/metrics.ts';
import type { RequestDocument } from '../../src/models/request.ts';
import type { Follower } from '../../src/requests/follow.ts';
import { eventually } from '../helpers/eventually.ts';

/** What happens at the socket's side of an answer, with a follower that does as the test says. */
const HEARTBEAT_MS = 100;
const config = loadConfig({
  OCELOTIQ_MODE: 'evaluation',
  MONGODB_URI: 'mongodb://127.0.0.1:1',
  REDIS_URL: 'redis://127.0.0.1:1',
  KEY_PEPPER: Buffer.alloc(32, 1).toString('base64'),
  MASTER_KEYS: `1:${Buffer.alloc(32, 2).toString('base64')}`,
  API_HEARTBEAT_MS: String(HEARTBEAT_MS),
});
const request = {
  _id: 'req_00000000000000000000000000',
  mode: 'stream',
  onDisconnect: 'finish',
  deadlineAt: new Date(Date.now() + 60_000),
} as RequestDocument;

let server: Server;
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

/** Serves one answer with `serve` and asks for it. */
async function ask(serve: (response: Response) => void): Promise<ReturnType<typeof get>> {
  server = createServer((_request, response) => serve(response as unknown as Response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const asking = get({ host: '127.0.0.1', port: (server.address() as AddressInfo).port, agent: false });
  asking.on('error', () => undefined);
  return asking;
}

function dependencies(follow: Follower['follow']) {
  return {
    config,
    follower: { follow, open: () => 0, close: async () => undefined },
    cancel: { accounts: {}, writer: {}, sendCancel: async () => undefined } as never,
    metrics: createMetrics(),
    log: createLogger({ role: 'test', level: 'silent' }),
    openStreams: new Set<{ disconnect(): void }>(),
  };
}

const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;

test('a client that left before its answer was begun leaves no timer and no open stream behind', async () => {
  const deps = dependencies(async () => ({ close: () => undefined }));
  let answered: Promise<void> | undefined;
  let before = 0;
  const asking = await ask((response) => {
    response.once('close', () => {
      before = timers();
      answered = answerStream(request, response, { attach: false, afterSeq: 0, onClosed: () => undefined }, deps);
    });
    asking.destroy();
  });
  await eventually(() => expect(answered).toBeDefined());
  await answered;
  expect(deps.openStreams.size).toBe(0);
  expect(timers()).toBeLessThanOrEqual(before);
  expect((await deps.metrics.openStreams.get()).values[0]?.value).toBe(0);
});

test.each([
  ['nobody can come back for it', {}, false, { status: 503, code: 'outcome_unknown', repeat: 'false' }],
  ['it can be repeated under its key', { idemKey: 'one' }, false, { status: 503, code: 'unavailable', repeat: 'true' }],
  ['its answer is asked for by id', {}, true, { status: 503, code: 'unavailable', repeat: 'true' }],
] as const)(
  'a follower that cannot even begin is an error for its client: %s',
  async (_when, members, attach, expected) => {
    const deps = dependencies(async () => {
      throw new Error('the database is away');
    });
    const asking = await ask(
      (response) =>
        void answerStream(
          { ...request, ...members },
          Object.assign(response, { status: (code: number) => Object.assign(response, { statusCode: code }) }),
          { attach, afterSeq: 0, onClosed: () => undefined },
          deps,
        ),
    );
    const head = await new Promise<IncomingMessage>((resolve) => asking.once('response', resolve));
    const { error } = JSON.parse(Buffer.concat(await head.toArray()).toString()) as { error: { code: string } };
    expect({ status: head.statusCode, code: error.code, repeat: head.headers['x-should-retry'] }).toEqual(expected);
    await eventually(() => expect(deps.openStreams.size).toBe(0));
  },
);

/** All that a server says to these bytes until it closes the connection, but for the time of day. */
async function said(bytes: string, port: number): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.write(bytes);
  const answer = Buffer.concat(await socket.toArray()).toString();
  return answer.replaceAll(/^date: .*\r\n/gim, '');
}

test('two answers on one connection come in chunks that end, and one without chunks ends with its connection', async () => {
  const asking = await ask((response) => {
    const stream = new EventStream(response, { heartbeatMs: 60_000, bufferBytesMax: 1_024 });
    stream.event(1, Buffer.from('один'));
    stream.event(2, Buffer.from('two'));
    setImmediate(() => {
      stream.event(3, Buffer.from('three'));
      stream.end();
    });
  });
  await new Promise((resolve) => asking.once('response', resolve));
  const { port } = server.address() as AddressInfo;
  const head = (...lines: string[]) =>
    [
      'HTTP/1.1 200 OK',
      'content-type: text/event-stream; charset=utf-8',
      'x-accel-buffering: no',
      ...lines,
      '\r\n',
    ].join('\r\n');
  const [together, last] = ['id: 1\ndata: один\n\nid: 2\ndata: two\n\n', 'id: 3\ndata: three\n\n'];
  const chunk = (text: string) => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
  const chunks = `${chunk(together)}${chunk(last)}0\r\n\r\n`;
  const chunked = 'Transfer-Encoding: chunked';
  const kept = `${head('Connection: keep-alive', 'Keep-Alive: timeout=5', chunked)}${chunks}`;
  const closed = `${head('Connection: close', chunked)}${chunks}`;
  const call = (version: string, more = '') => `GET / ${version}\r\nHost: api\r\n${more}\r\n`;
  expect(await said(`${call('HTTP/1.1')}${call('HTTP/1.1', 'Connection: close\r\n')}`, port)).toBe(kept + closed);
  expect(await said(call('HTTP/1.0'), port)).toBe(`${head('Connection: close')}${together}${last}`);
});

const PIECE = Buffer.alloc(64 * 1024, 'x');

test('a reader that does not read is dropped as soon as more than the bound is before it when more comes', async () => {
  let written = 0;
  let dropped = false;
  const asking = await ask((response) => {
    const stream = new EventStream(response, { heartbeatMs: 60_000, bufferBytesMax: 4 * PIECE.length });
    response.once('close', () => {
      dropped = true;
      stream.abandon();
    });
    const more = () => {
      if (dropped || written > 1_000) return;
      stream.event(++written, PIECE);
      expect(response.writableLength).toBeLessThanOrEqual(6 * PIECE.length);
      setImmediate(more);
    };
    more();
  });
  asking.once('response', (head) => head.on('error', () => undefined).pause());
  await eventually(() => expect(dropped).toBe(true));
  expect(written).toBeLessThan(1_000);
});

test('kept events go at the pace of the reader, however many there are, and one that stalls is dropped', async () => {
  let dropped = false;
  let written = 0;
  let longest = 0;
  const serve = async (response: Response, heartbeatMs: number) => {
    const stream = new EventStream(response, { heartbeatMs, bufferBytesMax: PIECE.length });
    response.once('close', () => {
      dropped = !response.writableFinished;
      stream.abandon();
    });
    for (written = 0; written < 300 && !response.destroyed; written++) {
      stream.event(written + 1, PIECE);
      await stream.room();
      longest = Math.max(longest, response.writableLength);
    }
    stream.end();
  };
  // A busy machine may stop this process for longer than a short patience lasts, and its reader with it.
  const reading = await ask((response) => void serve(response, 60_000));
  const head = await new Promise<IncomingMessage>((resolve) => reading.once('response', resolve));
  const bytes = Buffer.concat(await head.toArray()).length;
  expect(bytes).toBeGreaterThan(300 * PIECE.length);
  expect({ dropped, written }).toEqual({ dropped: false, written: 300 });
  expect(longest).toBeLessThan(3 * PIECE.length);
  server.close();

  const stubborn = await ask((response) => void serve(response, HEARTBEAT_MS));
  stubborn.once('response', (one) => one.on('error', () => undefined).pause());
  await eventually(() => expect(dropped).toBe(true));
  expect(written).toBeLessThan(300);
});
