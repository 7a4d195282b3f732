import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Agent } from 'undici';
import { ProviderFailure, type Taken } from '../../src/providers/provider.ts';
import { readBody } from '../../src/providers/read-body.ts';
import { UpstreamAnswer } from '../../src/providers/upstream-answer.ts';

const PIECE = Buffer.alloc(64 * 1024, 'x');
const BYTES_MAX = 1024 * PIECE.length;

let serve: (response: http.ServerResponse) => void;
let sockets: number;
let server: http.Server;
let agent: Agent;

beforeEach(async () => {
  sockets = 0;
  server = http.createServer((_, response) => serve(response));
  server.on('connection', () => sockets++);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  agent = new Agent({ connections: 1 });
});
afterEach(async () => {
  await agent.destroy();
  server.closeAllConnections();
  server.close();
});

const translate = (error: unknown) =>
  new ProviderFailure('provider_error', 'connection_lost', { definite: false, cause: error });

async function call(signal = new AbortController().signal): Promise<UpstreamAnswer> {
  const { port } = server.address() as AddressInfo;
  const answer = new UpstreamAnswer(signal);
  agent.dispatch({ origin: `http://127.0.0.1:${port}`, path: '/', method: 'GET' }, answer);
  await answer.head;
  return answer;
}

async function read(take: (chunk: Buffer) => Taken, bytesMax = BYTES_MAX): Promise<void> {
  await readBody(await call(), bytesMax, take, translate);
}

const nothing = () => undefined;

test('gives every byte in order and resolves at the end', async () => {
  serve = (response) => {
    for (const word of ['one ', 'two ', 'three']) response.write(word);
    response.end();
  };
  const chunks: Buffer[] = [];
  await read((chunk) => {
    chunks.push(chunk);
    return undefined;
  });
  expect(Buffer.concat(chunks).toString()).toBe('one two three');
});

test('gives nothing more until a promise has resolved, and does not read on for it', async () => {
  let taken = 0;
  let handed = 0;
  serve = (response) => {
    const more = () => {
      while (handed < 1_000) {
        handed++;
        if (!response.write(PIECE)) return void response.once('drain', more);
      }
      response.end();
    };
    more();
  };
  let goOn = (): void => undefined;
  const paused = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  const reading = read((chunk) => {
    const isFirst = taken === 0;
    taken += chunk.length;
    return isFirst ? paused : undefined;
  });
  const afterFirst = await new Promise<number>((resolve) => {
    // The sender has been stopped once it hands over nothing between two looks.
    let before = -1;
    const timer = setInterval(() => {
      if (handed > 0 && handed === before) {
        clearInterval(timer);
        resolve(taken);
      }
      before = handed;
    }, 100);
  });
  expect(afterFirst).toBeLessThanOrEqual(PIECE.length);
  expect(handed).toBeLessThan(1_000);
  goOn();
  await reading;
  expect(taken).toBe(1_000 * PIECE.length);
});

test('what the reader throws ends the reading, and the connection serves the next call', async () => {
  serve = (response) => {
    response.write('event');
    setImmediate(() => response.end(' and a tail'));
  };
  const wrong = new Error('not the protocol');
  const refuse = () => {
    throw wrong;
  };
  await expect(read(refuse)).rejects.toBe(wrong);
  await read(nothing);
  expect(sockets).toBe(1);
});

test('a reader that has enough resolves, a short tail is thrown away, and the connection serves the next call', async () => {
  serve = (response) => {
    response.write('event');
    setImmediate(() => response.end(' and a tail'));
  };
  await read(() => 'enough');
  await read(() => 'enough');
  expect(sockets).toBe(1);
});

test('a promise of the reader that rejects ends the reading', async () => {
  serve = (response) => void response.write('event');
  await expect(read(() => Promise.reject(new Error('gone')))).rejects.toThrow('gone');
});

test('a body that is cut off rejects with what the transport error means', async () => {
  serve = (response) => {
    response.write('event');
    setImmediate(() => response.destroy());
  };
  await expect(read(nothing)).rejects.toMatchObject({ outcome: 'connection_lost' });
});

test('what has come before there is a reader is kept for it, and no more of it than the socket held', async () => {
  serve = (response) => response.end('all of it');
  const answer = await call();
  await new Promise((resolve) => setImmediate(resolve));
  const chunks: Buffer[] = [];
  await readBody(
    answer,
    BYTES_MAX,
    (chunk) => {
      chunks.push(chunk);
      return undefined;
    },
    translate,
  );
  expect(Buffer.concat(chunks).toString()).toBe('all of it');
});

test('an abort ends the waiting for the head, and the reading', async () => {
  const before = new AbortController();
  serve = () => before.abort(new Error('too late'));
  await expect(call(before.signal)).rejects.toThrow('too late');
  const amid = new AbortController();
  serve = (response) => void response.write('event');
  const reading = readBody(
    await call(amid.signal),
    BYTES_MAX,
    () => {
      amid.abort(new Error('cancelled'));
      return undefined;
    },
    translate,
  );
  await expect(reading).rejects.toMatchObject({ outcome: 'connection_lost', cause: new Error('cancelled') });
  await expect(call(amid.signal)).rejects.toThrow('cancelled');
});

test('an answer that nobody wants is read away, and the connection serves the next call; a long one is cut', async () => {
  serve = (response) => response.end('not what was asked for');
  (await call()).discard();
  await read(nothing);
  expect(sockets).toBe(1);
  let handed = 0;
  const closed = new Promise((resolve) => {
    serve = (response) => {
      const more = () => {
        while (handed++ < 1_000) if (!response.write(PIECE)) return void response.once('drain', more);
        response.end();
      };
      response.once('close', resolve);
      more();
    };
  });
  (await call()).discard();
  await closed;
  expect(handed).toBeLessThan(1_000);
});

test('more bytes than the bound are refused', async () => {
  serve = (response) => response.end(PIECE);
  await expect(read(nothing, PIECE.length - 1)).rejects.toMatchObject({ code: 'result_too_large' });
});
