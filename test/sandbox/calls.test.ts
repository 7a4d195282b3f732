import type { IncomingMessage } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import OpenAI from 'openai';
import { createCalls } from '../../src/sandbox/calls.ts';
import type { Listening, Sandbox } from '../../src/sandbox/server.ts';
import { createSandbox } from '../../src/sandbox/server.ts';
import { askRaw, until } from './wire.ts';

let sandbox: Sandbox;
let listening: Listening;
let root: string;

beforeAll(async () => {
  sandbox = createSandbox({});
  listening = await sandbox.listen(0);
  root = `http://127.0.0.1:${listening.port}`;
});

afterAll(() => listening.close());

beforeEach(async () => {
  expect((await fetch(`${root}/sandbox/calls`, { method: 'DELETE' })).status).toBe(204);
});

async function read(path: string): Promise<unknown> {
  return (await fetch(`${root}${path}`)).json();
}

function call(requestId: string, script = 'n=1', stream = false) {
  return askRaw(listening.port, { stream, script, headers: { 'x-request-id': requestId } });
}

describe('the book of calls', () => {
  test('counts calls per request id and in total', async () => {
    await Promise.all([call('one'), call('two'), call('two', 'n=1', true), call('two', 'fault=cut', true)]);
    await askRaw(listening.port, { extra: { model: 'other@n=1' } });
    await until(() => sandbox.calls.totals().running === 0);
    expect(await read('/sandbox/calls?request_id=one')).toEqual({ count: 1, aborted: 0, completed: 1 });
    expect(await read('/sandbox/calls?request_id=two')).toEqual({ count: 3, aborted: 0, completed: 2 });
    expect(await read('/sandbox/calls?request_id=none')).toEqual({ count: 0, aborted: 0, completed: 0 });
    expect(await read('/sandbox/calls')).toEqual({
      calls: 5,
      uniqueRequests: 2,
      maxCallsPerRequest: 3,
      aborted: 0,
      completed: 4,
      running: 0,
      byModel: { sandbox: 4, other: 1 },
    });
  });

  test('notices a client that leaves in the middle of a stream', async () => {
    const openai = new OpenAI({ baseURL: `${root}/v1`, apiKey: 'any', maxRetries: 0 });
    const stream = await openai.chat.completions.create(
      { model: 'sandbox@n=1000,d=20', stream: true, messages: [{ role: 'user', content: 'x' }] },
      { headers: { 'x-request-id': 'left' } },
    );
    for await (const _ of stream) break;
    await until(() => sandbox.calls.countsOf('left').aborted === 1);
    expect(sandbox.calls.totals()).toMatchObject({ aborted: 1, completed: 0, running: 0 });
  });

  test('notices a client that leaves before the answer begins', async () => {
    const abort = new AbortController();
    const body = JSON.stringify({ model: 'sandbox@w=60000', messages: [{ role: 'user', content: 'x' }] });
    const asked = fetch(`${root}/v1/chat/completions`, { method: 'POST', body, signal: abort.signal });
    await until(() => sandbox.calls.totals().running === 1);
    abort.abort();
    await expect(asked).rejects.toThrow();
    await until(() => sandbox.calls.totals().aborted === 1);
  });

  test('lets a fault hit only the first calls of a request id', async () => {
    const statuses = [];
    for (let index = 0; index < 3; index += 1) statuses.push((await call('again', 'fault=503,times=2')).status);
    expect(statuses).toEqual([503, 503, 200]);
    expect((await call('other', 'fault=503,times=2')).status).toBe(503);
  });

  test('keeps what was received, without keys, and cut at 64 kB', async () => {
    const headers = {
      'x-request-id': 'id/with slash',
      authorization: 'Bearer secret',
      'x-api-key': 'secret',
      'x-mine': 'yes',
    };
    await askRaw(listening.port, { message: 'привет', headers });
    const received = await read(`/sandbox/requests/${encodeURIComponent('id/with slash')}`);
    expect(received).toMatchObject({
      method: 'POST',
      path: '/v1/chat/completions',
      headers: { 'x-mine': 'yes', authorization: '[redacted]', 'x-api-key': '[redacted]' },
      body: expect.stringContaining('привет'),
      truncated: false,
    });
    expect(JSON.stringify(received)).not.toContain('secret');
    await askRaw(listening.port, { message: 'x'.repeat(100_000), headers: { 'x-request-id': 'big' } });
    const big = sandbox.calls.received('big');
    expect([big?.truncated, big?.body.length]).toEqual([true, 65_536]);
    expect(big?.bodyBytes).toBeGreaterThan(100_000);
    expect((await fetch(`${root}/sandbox/requests/unknown`)).status).toBe(404);
  });

  test('keeps a request without an id under the id of the response', async () => {
    const { headers } = await askRaw(listening.port, {});
    expect(sandbox.calls.received(headers['x-request-id'] ?? '')).toMatchObject({ method: 'POST' });
  });

  test('drops the oldest ids and bodies at its bounds', () => {
    const calls = createCalls();
    const incoming = { method: 'POST', url: '/', headers: {} } as IncomingMessage;
    for (let index = 0; index <= 200_000; index += 1)
      calls.begin(`id${index}`, `model${index % 2000}`).end('completed');
    for (let index = 0; index <= 1000; index += 1) calls.keep(`id${index}`, incoming, Buffer.from('{}'));
    expect(calls.countsOf('id0').count).toBe(0);
    expect(calls.countsOf('id1').count).toBe(1);
    expect(calls.received('id0')).toBeUndefined();
    expect(calls.received('id1')).toBeDefined();
    expect(Object.keys(calls.totals().byModel).length).toBeLessThanOrEqual(1001);
  });

  test('does not count calls that were running when it was reset', () => {
    const calls = createCalls();
    const running = calls.begin('one', 'sandbox');
    calls.reset();
    running.end('completed');
    expect(calls.totals()).toMatchObject({ calls: 0, completed: 0, running: 0 });
    expect(calls.countsOf('one').count).toBe(0);
  });
});
