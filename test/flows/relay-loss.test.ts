import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { type RedisEngine, startRedis } from '../../scripts/engines/redis.ts';
import { expectInvariants, waitForQuiet } from '../helpers/invariants.ts';
import { expectNoOpenStreams, type MeasuredApi, PATIENT_TIMERS, startMeasuredApi } from '../helpers/measured.ts';
import { seeded } from '../helpers/seeded.ts';
import { isDone, openSse, type SseClient, spokenText, streamBody } from '../helpers/sse-client.ts';
import { useStores } from '../helpers/stores.ts';
import { type Customer, type System, startSystem } from '../helpers/system.ts';
import { startTcpProxy, type TcpProxy } from '../helpers/tcp-proxy.ts';

/** The line between one api process and Redis breaks while it relays; everything else stays as it is. */
const stores = useStores();
const STREAMS = 20;
const TEXT = Array.from({ length: 30 }, (_, n) => `word${n}`).join(' ');

const folder = mkdtempSync(path.join(os.tmpdir(), 'ocelotiq-relay-'));
let engine: RedisEngine;
let redis: Redis;
let proxy: TcpProxy;
let system: System;
let api: MeasuredApi;
let customer: Customer;
beforeAll(async () => {
  engine = await startRedis({ dataDir: folder, log: () => undefined, allowInstall: false });
  redis = new Redis(engine.url);
  const { hostname, port } = new URL(engine.url);
  proxy = await startTcpProxy({ host: hostname, port: Number(port) });
  system = await startSystem(stores, { apis: 0, redisUrl: engine.url, env: PATIENT_TIMERS });
  api = await startMeasuredApi(system, { REDIS_URL: `redis://127.0.0.1:${proxy.port}` });
  customer = await system.customer();
});
afterAll(async () => {
  await system.stop();
  await proxy.close();
  redis.disconnect();
  await engine.stop();
  rmSync(folder, { recursive: true, force: true });
});

const stream = (script: string) =>
  openSse({ url: api.url, key: customer.key, body: streamBody(`[[sandbox ${script}]]${TEXT}`) });

async function startStreams(script: string): Promise<SseClient[]> {
  const clients = Array.from({ length: STREAMS }, () => stream(script));
  await Promise.all(clients.map((client) => client.until(1)));
  return clients;
}

/** Each is its own text from the first number to the last, nothing twice and nothing missing, as the row keeps it. */
async function expectWhole(clients: readonly SseClient[]): Promise<void> {
  for (const client of clients) {
    expect(await client.closed).toBe('ended');
    const events = client.events();
    expect(isDone(events)).toBe(true);
    expect(events.map(({ id }) => id)).toEqual(events.map((_, index) => index + 1));
    expect(spokenText(events)).toBe(TEXT);
  }
  await waitForQuiet();
  for (const client of clients) {
    const requestId = client.header('x-request-id') ?? '';
    const kept = openSse({ url: api.url, key: customer.key, path: `/v1/requests/${requestId}/stream` });
    expect(await kept.closed).toBe('ended');
    expect(client.bytes()).toBe(kept.bytes());
  }
  await expectNoOpenStreams([api]);
  await expectInvariants(system.sandboxUrl);
}

test('streams of a process that is cut off again and again are whole', async () => {
  const random = seeded(7);
  const clients = await startStreams('d=60');
  for (let round = 0; round < 5; round++) {
    await clients[random.integer(0, STREAMS - 1)]?.until(random.integer(3 + round * 4, 6 + round * 4));
    proxy.cut();
    proxy.mend();
  }
  await expectWhole(clients);
});

test.each(['cut', 'freeze'] as const)(
  'streams of a process whose line to Redis does not come back (%s) are whole all the same',
  async (harm) => {
    const clients = await startStreams('d=60');
    await clients[0]?.until(5);
    proxy[harm]();
    await Promise.all(clients.map((client) => client.closed));
    proxy.mend();
    await expectWhole(clients);
  },
);

test('streams of which only the subscription is lost are whole', async () => {
  const clients = await startStreams('d=60');
  for (const seen of [4, 10, 16]) {
    await clients[1]?.until(seen);
    await redis.call('CLIENT', 'KILL', 'TYPE', 'PUBSUB');
  }
  await expectWhole(clients);
});

test('streams whose Redis forgets everything in the middle are whole, and paid once', async () => {
  const clients = await startStreams('d=60');
  await clients[2]?.until(6);
  await redis.flushall();
  await expectWhole(clients);
});

test('streams whose Redis forgets everything while they are cut off are whole, and paid once', async () => {
  const clients = await startStreams('d=60');
  await clients[3]?.until(6);
  proxy.cut();
  await redis.flushall();
  proxy.mend();
  await expectWhole(clients);
});
