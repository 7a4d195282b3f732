import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { eventually } from '../helpers/eventually.ts';
import { expectInvariants, requests, waitForQuiet } from '../helpers/invariants.ts';
import {
  expectNoOpenStreams,
  type MeasuredApi,
  metricAt,
  PATIENT_TIMERS,
  startMeasuredApi,
} from '../helpers/measured.ts';
import { closingError, isDone, openSse, streamBody } from '../helpers/sse-client.ts';
import { useStores } from '../helpers/stores.ts';
import { type Customer, type System, type SystemProcess, startSystem } from '../helpers/system.ts';
import { startTcpProxy, type TcpProxy } from '../helpers/tcp-proxy.ts';

/** Readers that do not read, and a Redis that does not take: memory has a bound in both directions. */
const stores = useStores();
const MEGABYTE = 1024 * 1024;
const ANSWER_BYTES_MAX = 6 * MEGABYTE;
const READERS = 3;
/** With the logarithms of twenty tokens beside each one: five megabytes, more than a socket's two ends buffer. */
const TOKENS = 3_000;
const HEAVY = { logprobs: true, top_logprobs: 20, max_tokens: TOKENS };

let proxy: TcpProxy;
let system: System;
let api: MeasuredApi;
let worker: SystemProcess;
let customer: Customer;
beforeAll(async () => {
  const { hostname, port } = new URL(stores.redisUrl);
  proxy = await startTcpProxy({ host: hostname, port: Number(port) });
  system = await startSystem(stores, {
    apis: 0,
    workers: 0,
    env: {
      ...PATIENT_TIMERS,
      API_READER_BUFFER_BYTES_MAX: '65536',
      PROVIDER_BYTES_MAX: String(ANSWER_BYTES_MAX),
    },
  });
  api = await startMeasuredApi(system);
  worker = await system.startWorker({ REDIS_URL: `redis://127.0.0.1:${proxy.port}` });
  customer = await system.customer({ rub: 100_000 });
});
afterAll(async () => {
  await system.stop();
  await proxy.close();
});

const heavyBody = (script = '') => streamBody(`[[sandbox n=${TOKENS},text=lorem${script}]]`, 'test/lorem', HEAVY);

/** Asks and then never reads: the socket stays paused from its first byte on. */
async function stubborn(): Promise<{ socket: Socket; requestId: string; closed: Promise<unknown> }> {
  const { hostname, port } = new URL(api.url);
  const socket = connect({ host: hostname, port: Number(port) });
  const key = `slow-${Math.random().toString(36).slice(2)}`;
  const body = JSON.stringify(heavyBody());
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.on('error', () => undefined);
  socket.pause();
  socket.write(
    [
      'POST /v1/chat/completions HTTP/1.1',
      `host: ${hostname}`,
      `authorization: Bearer ${customer.key}`,
      'content-type: application/json',
      'connection: close',
      'x-on-disconnect: finish',
      `idempotency-key: ${key}`,
      `content-length: ${Buffer.byteLength(body)}`,
      '',
      body,
    ].join('\r\n'),
  );
  const requestId = await eventually(async () => {
    const found = await requests().findOne({ accountId: customer.accountId, idemKey: key });
    if (!found) throw new Error('not accepted yet');
    return found._id;
  });
  return { socket, requestId, closed };
}

const WORKER_CALLS = 8;

async function callsRunning(): Promise<number> {
  const totals = (await (await fetch(`${system.sandboxUrl}/sandbox/calls`)).json()) as { running: number };
  return totals.running;
}

/** Waits until a number has stopped growing: the same, give or take, in five looks one after the other. */
async function steady(look: () => Promise<number>): Promise<number> {
  const seen: number[] = [];
  return eventually(
    async () => {
      seen.push(await look());
      const last = seen.slice(-5);
      expect(last).toHaveLength(5);
      expect(Math.max(...last) - Math.min(...last)).toBeLessThan(MEGABYTE);
      return Math.max(...last);
    },
    { timeoutMs: 30_000, intervalMs: 200 },
  );
}

test('a reader that stops reading is dropped, its answer is finished, and it can be had whole afterwards', async () => {
  const before = await api.metric('process_resident_memory_bytes');
  const readers = await Promise.all(Array.from({ length: READERS }, stubborn));
  await expectNoOpenStreams([api], 60_000);
  await waitForQuiet(90_000);
  const after = await api.metric('process_resident_memory_bytes');
  expect(after - before).toBeLessThan(150 * MEGABYTE);

  for (const { socket, requestId, closed } of readers) {
    let received = 0;
    socket.on('data', (piece) => {
      received += piece.length;
    });
    socket.resume();
    await closed;
    const whole = openSse({ url: api.url, key: customer.key, path: `/v1/requests/${requestId}/stream` });
    expect(await whole.closed).toBe('ended');
    expect(isDone(whole.events())).toBe(true);
    expect(whole.events()).toHaveLength(TOKENS + 3);
    expect(received).toBeLessThan(whole.text().length);
  }
  await expectNoOpenStreams([api]);
  await expectInvariants(system.sandboxUrl);
}, 180_000);

test('a provider that never stops is not read while Redis takes nothing, and the streams go on afterwards', async () => {
  // Read to their bound, these would wait for Redis with almost 100 megabytes (live and for the log), and their calls would be over.
  const clients = Array.from({ length: WORKER_CALLS }, () =>
    openSse({
      url: api.url,
      key: customer.key,
      body: streamBody('[[sandbox n=2000,text=lorem,fault=endless]]', 'test/lorem', HEAVY),
    }),
  );
  await Promise.all(clients.map((client) => client.until(1)));
  const before = await metricAt(worker.url, 'process_resident_memory_bytes');
  proxy.freeze();
  const after = await steady(() => metricAt(worker.url, 'process_resident_memory_bytes'));
  expect(await callsRunning()).toBeGreaterThan(WORKER_CALLS / 2);
  proxy.mend();
  expect(after - before).toBeLessThan(160 * MEGABYTE);
  for (const client of clients) {
    await client.closed;
    expect(closingError(client.events())).toMatchObject({ code: 'interrupted' });
  }
  await waitForQuiet(90_000);
  await expectNoOpenStreams([api]);
  await expectInvariants(system.sandboxUrl);
}, 180_000);
