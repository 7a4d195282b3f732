import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { nowUs } from '../../scripts/bench/connection.ts';
import { type LoadOptions, runLoad } from '../../scripts/bench/load.ts';

type Handle = (body: { stream?: boolean; model: string }, response: ServerResponse, request: IncomingMessage) => void;

let server: Server | undefined;

/** A tiny upstream; gives its base URL. */
async function serve(handle: Handle): Promise<string> {
  const one = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => handle(JSON.parse(Buffer.concat(parts).toString()), response, request));
  });
  server = one;
  await new Promise<void>((resolve) => one.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(one.address() as AddressInfo).port}/v1`;
}

afterEach(async () => {
  const one = server;
  server = undefined;
  one?.closeAllConnections();
  await new Promise<void>((resolve) => (one ? one.close(() => resolve()) : resolve()));
});

const stamp = () => `@T${String(Math.round(nowUs())).padStart(15, '0')};`;

function options(baseUrl: string, more: Partial<LoadOptions> = {}): LoadOptions {
  return {
    baseUrl,
    headers: [{}],
    model: 'm',
    stream: false,
    chunksExpected: 1,
    plan: { kind: 'rate', perSecond: 200 },
    warmupMs: 50,
    windowMs: 300,
    drainMs: 2_000,
    ...more,
  };
}

const answerPlain: Handle = (_body, response) => {
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ text: stamp(), usage: { total_tokens: 1 } }));
};

describe('the load generator', () => {
  test('counts answers, and takes the accounts in turn', async () => {
    const seen = new Set<string>();
    const baseUrl = await serve((body, response, request) => {
      seen.add(`${request.url} ${request.headers.authorization} ${body.model}`);
      answerPlain(body, response, request);
    });
    const result = await runLoad(options(baseUrl, { headers: [{ authorization: 'a' }, { authorization: 'b' }] }));
    expect([...seen].sort()).toEqual(['/v1/chat/completions a m', '/v1/chat/completions b m']);
    expect(result.sent).toBeGreaterThan(0);
    expect(result).toMatchObject({ answered: result.sent, failed: {}, unfinished: 0, missingUsage: 0 });
    expect(result.latency.count).toBe(result.answered);
    expect(result.scheduleLag.count).toBe(result.sent);
  });

  test('goes on sending while nothing is answered', async () => {
    const baseUrl = await serve(() => undefined);
    const result = await runLoad(options(baseUrl, { drainMs: 0 }));
    expect(result.sent).toBeGreaterThan(1);
    expect(result.answered).toBe(0);
    expect(result.unfinished).toBeGreaterThanOrEqual(result.sent);
  });

  test('tells refusals, cuts and foreign answers apart', async () => {
    let calls = 0;
    const baseUrl = await serve((body, response, request) => {
      const kind = calls++ % 3;
      if (kind === 0) response.writeHead(429).end('{}');
      else if (kind === 1) response.destroy();
      else answerPlain(body, response.setHeader('x', '1'), request);
    });
    const result = await runLoad(options(baseUrl));
    expect(result.failed.http_429).toBeGreaterThan(0);
    expect((result.failed.closed ?? 0) + (result.failed.ECONNRESET ?? 0)).toBeGreaterThan(0);
    expect(result.answered).toBeGreaterThan(0);
    const foreign = await runLoad(options(baseUrl.replace('/v1', ''), { chunksExpected: 2 }));
    expect(foreign.failed.wrong_answer).toBeGreaterThan(0);
  });

  test('keeps streams open and counts chunks, lost ones and missing ends', async () => {
    let streams = 0;
    const baseUrl = await serve((_body, response) => {
      const isShort = streams++ % 2 === 1;
      response.setHeader('content-type', 'text/event-stream');
      for (let index = 0; index < (isShort ? 2 : 3); index++)
        response.write(`data: {"t":"${stamp()}","usage":{"n":1}}\n\n`);
      setTimeout(() => response.end(isShort ? '' : 'data: [DONE]\n\n'), 5);
    });
    const result = await runLoad(
      options(baseUrl, { stream: true, chunksExpected: 3, plan: { kind: 'streams', concurrent: 4, spreadMs: 20 } }),
    );
    expect(result.answered).toBeGreaterThan(4);
    expect(result.unfinished).toBe(0);
    expect(result.lostChunks).toBe(result.missingDone);
    expect(result.lostChunks).toBeGreaterThan(0);
    expect(result.oneWay.count).toBeGreaterThan(0);
    expect(result.firstChunk.count).toBe(result.answered);
  });

  test('stops when it is told to, and never leaves this machine', async () => {
    const baseUrl = await serve(answerPlain);
    const stopping = new AbortController();
    const running = runLoad(options(baseUrl, { windowMs: 60_000, signal: stopping.signal }));
    stopping.abort();
    await expect(running).rejects.toThrow();
    await expect(runLoad(options('http://192.0.2.1/v1'))).rejects.toThrow('not this machine');
  });
});
