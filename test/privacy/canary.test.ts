import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { Redis } from 'ioredis';
import mongoose from 'mongoose';
import { createLogger } from '../../src/log.ts';
import { createKeyStore } from '../../src/privacy/key-store.ts';
import { REGISTRY, TECHNICAL_REDIS_FAMILIES } from '../../src/privacy/registry.ts';
import { createRedis, redisReady } from '../../src/redis.ts';
import { type PrivateRedis, startPrivateRedis } from '../chaos/private-redis.ts';
import { eventually } from '../helpers/eventually.ts';
import { requests, waitForQuiet } from '../helpers/invariants.ts';
import { useStores } from '../helpers/stores.ts';
import { type Customer, type System, startSystem } from '../helpers/system.ts';
import { PATIENT_TIMERS, send } from '../helpers/traffic.ts';
import { closeReceivers, startReceiver } from '../webhooks/receiver.ts';
import { dumpFolder, dumpMongo, filesSince, openAll, sealedOf, snapshotRedis } from './dumps.ts';
import { found, planted } from './needles.ts';

/** Prompts, answers and callback addresses leave no trace at rest, whatever way a request went; and none opens without its key. */

jest.setTimeout(180_000);
const stores = useStores();
const CANARY = `canary${randomBytes(9).toString('hex')}`;
const masterKey = randomBytes(32);
const folder = mkdtempSync(path.join(os.tmpdir(), 'ocelotiq-canary-'));
const [redisFolder, temporary] = [path.join(folder, 'redis'), path.join(folder, 'tmp')];
/** Of the evaluation engine; those of MongoDB are compressed, and show nothing. */
const ENGINE_FILES = process.env.TEST_MONGODB_FILES;
/** File systems may round. */
const startedMs = Date.now() - 2_000;
let server: PrivateRedis;
let redis: Redis;
let system: System;
let customer: Customer;

beforeAll(async () => {
  mkdirSync(temporary);
  server = await startPrivateRedis(redisFolder);
  const url = `redis://127.0.0.1:${server.port}`;
  redis = createRedis(url, 'commands', createLogger({ role: 'test', level: 'silent' }));
  await redisReady(redis);
  system = await startSystem(stores, {
    redisUrl: url,
    masterKey,
    // It sends what it was sent back in its error, as some providers do.
    providers: { second: (await startReceiver(echoRefusal)).url },
    env: {
      ...PATIENT_TIMERS,
      LEASE_MS: '2000',
      LEASE_HEARTBEAT_MS: '500',
      QUEUE_LOCK_MS: '1500',
      QUEUE_STALLED_MS: '500',
      LOG_LEVEL: 'trace',
      TMPDIR: temporary,
    },
  });
  customer = await system.customer();
});
afterAll(async () => {
  await system.stop();
  redis.disconnect();
  await server.kill();
  await closeReceivers();
  rmSync(folder, { recursive: true, force: true });
});

type Refusal = Parameters<typeof startReceiver>[0];
const echoRefusal: Exclude<Refusal, number | undefined> = (response, { body }) => {
  response.writeHead(400, { 'content-type': 'application/json' });
  response.end(
    JSON.stringify({ error: { message: `I do not like ${body}`, type: 'invalid_request_error', code: null } }),
  );
};

const text = `${CANARY} ${CANARY} tell me`;
const ask = (mode: 'sync' | 'stream' | 'async', script = 'text=echo', extra = {}) =>
  send(customer, { mode, script, text, ...extra });

/** Every mode and every failure that a test can have quickly; each of them carries the canary. */
async function everyWay(): Promise<void> {
  let failures = 0;
  const hooks = await startReceiver((response) => response.writeHead(++failures <= 2 ? 500 : 200).end(`no ${CANARY}`));
  const callbackUrl = `${hooks.url}?token=${CANARY}`;
  const faults = ['500', '400', 'cut', 'cut-first', 'html', 'error-body', 'context', 'gzip'];
  // What succeeds comes first: failures make the route rest for a while.
  await Promise.all([
    ask('sync'),
    ask('stream'),
    ask('async', 'text=echo', { callbackUrl }),
    leaves(),
    zeroRetention(),
  ]);
  await waitForQuiet();
  await killedWorker();
  await Promise.all([
    ask('async', 'text=echo fault=500', { callbackUrl }),
    ...faults.flatMap((fault) => [ask('sync', `text=echo fault=${fault}`), ask('stream', `text=echo fault=${fault}`)]),
    ask('sync', 'text=echo', { model: 'test/two-routes' }),
    ask('sync', 'text=echo', { model: `no/${CANARY}` }),
    ask('sync', 'text=echo', { outputTokens: 900_000_000 }),
    customer.fetch('/v1/chat/completions', { method: 'POST', body: `{"model": "${CANARY}` }),
  ]);
  await eventually(() =>
    expect(hooks.received.filter(({ body }) => body.includes('request.')).length).toBeGreaterThan(2),
  );
}

/** A client that goes away in the middle of a stream. */
async function leaves(): Promise<void> {
  const stop = new AbortController();
  const body = JSON.stringify({
    model: 'test/echo',
    stream: true,
    messages: [{ role: 'user', content: `[[sandbox text=echo d=50]] ${text}` }],
  });
  const answer = await customer.fetch('/v1/chat/completions', { method: 'POST', body, signal: stop.signal });
  await answer.body?.getReader().read();
  stop.abort();
}

async function zeroRetention(): Promise<void> {
  const shy = await system.customer({ key: { zeroRetention: true } });
  await send(shy, { mode: 'stream', script: 'text=echo', text });
  const { body } = await send(shy, { mode: 'sync', script: 'text=echo', text });
  expect(body).toContain(CANARY);
  await eventually(async () => {
    const rows = await requests().find({ accountId: shy.accountId, state: 'done' }).toArray();
    expect(rows.map((row) => [row.input, row.result, row.streamKey])).toEqual([
      [undefined, undefined, undefined],
      [undefined, undefined, undefined],
    ]);
  });
}

/** A worker dies with a stream in its hands, and another one ends the request. */
async function killedWorker(): Promise<void> {
  const answer = ask('stream', 'text=echo d=200');
  await eventually(async () => expect(await requests().countDocuments({ state: 'running' })).toBeGreaterThan(0));
  await system.workers[0]?.kill();
  await system.startWorker();
  await answer;
}

/** What can be found at rest, by where it lies. */
async function remains(): Promise<Map<string, Buffer>> {
  const dumps = await dumpMongo([stores.database, `${stores.database}_keys`]);
  await snapshotRedis(redis);
  dumps.set('redis files', dumpFolder(redisFolder));
  dumps.set('temporary files', dumpFolder(temporary));
  const processes = [...system.apis, ...system.workers];
  dumps.set('logs', Buffer.from(processes.map(({ process }) => process.output()).join('\n')));
  return dumps;
}

const traces = (dumps: Map<string, Buffer>): string[] =>
  [...dumps].flatMap(([place, dump]) => found(dump, CANARY).map((way) => `${place}: ${way}`));

function inEngineFiles(folder: string, secret: string, sinceMs: number): string[] {
  const ways = new Set<string>();
  for (const file of filesSince(folder, sinceMs)) for (const way of found(file, secret)) ways.add(way);
  return [...ways];
}

describe('content at rest', () => {
  test('leaves no trace: not in MongoDB, Redis, its files, logs or temporary files, in any common encoding', async () => {
    await everyWay();
    await waitForQuiet();
    const dumps = await remains();
    expect(traces(dumps)).toEqual([]);
    // They are the right dumps: what is not secret is in them.
    expect(dumps.get(`${stores.database}.requests`)?.includes(customer.accountId)).toBe(true);
    expect(dumps.get('redis files')?.includes('run-request')).toBe(true);
    expect(dumps.get('logs')?.length).toBeGreaterThan(1_000);
    expect([...dumps.keys()]).toContain(`${stores.database}_keys.data_keys`);
  });

  if (ENGINE_FILES !== undefined) {
    test('leaves none in the files of the engine: tables, indexes, write-ahead log, records of retried writes', () => {
      expect(inEngineFiles(ENGINE_FILES, CANARY, startedMs)).toEqual([]);
    });

    test('would be found in these files, also in a row that the engine has compressed', async () => {
      // Another one, because the write-ahead log does not forget.
      const control = `control${randomBytes(9).toString('hex')}`;
      const plantedMs = Date.now() - 2_000;
      const ways = planted(control);
      const collection = mongoose.connection.collection<{ bytes?: Buffer; text?: string }>('planted_files');
      const big = `big${randomBytes(12).toString('hex')}`;
      const all = ways.map(({ name }) => name).sort();
      // Again when it was not found: a page of the log may begin in the middle of a text.
      await eventually(async () => {
        await collection.insertMany(ways.map(({ bytes }) => ({ bytes })));
        await collection.insertOne({ text: `${'a long story '.repeat(400)} ${big}` });
        expect(inEngineFiles(ENGINE_FILES, control, plantedMs)).toEqual(expect.arrayContaining(all));
        expect(inEngineFiles(ENGINE_FILES, big, plantedMs)).toContain('pglz of utf-8');
      });
      await collection.drop();
    });
  }

  test('leaves only such keys in Redis as the registry knows', async () => {
    const known = REGISTRY.flatMap(({ store }) => (store.kind === 'redis' ? store.families : []));
    const families = (await redis.keys('*')).map((key) => key.slice(stores.prefix.length).split(':')[1] ?? key);
    expect(
      [...new Set(families)].filter((family) => ![...known, ...TECHNICAL_REDIS_FAMILIES].includes(family)),
    ).toEqual([]);
    expect(families).toContain('log');
  });

  test('would be found if it were there, in each of these places and encodings', async () => {
    const ways = planted(CANARY);
    const seen = (dumps: Map<string, Buffer>, place: string) =>
      new Set(found(dumps.get(place) ?? Buffer.alloc(0), CANARY));
    const collection = mongoose.connection.collection<{ bytes: Buffer }>('planted');
    await collection.insertMany(ways.map(({ bytes }) => ({ bytes })));
    for (const { name, bytes } of ways) await redis.set(`planted:${name}`, bytes);
    writeFileSync(path.join(temporary, 'planted'), Buffer.concat(ways.map(({ bytes }) => bytes)));
    const dumps = await remains();
    await collection.drop();
    const all = ways.map(({ name }) => name);
    for (const place of [`${stores.database}.planted`, 'redis files', 'temporary files']) {
      expect(all.filter((name) => !seen(dumps, place).has(name))).toEqual([]);
    }
  });

  test('opens with the data key, and none of it opens once that is destroyed', async () => {
    const { accountId } = customer;
    const sealed = await sealedOf(accountId);
    expect(sealed.length).toBeGreaterThan(20);
    const before = await openAll(masterKey, accountId, sealed);
    expect(before.filter((text) => text?.includes(CANARY)).length).toBeGreaterThan(10);
    await createKeyStore(new Map([[1, masterKey]])).destroy(accountId);
    expect((await openAll(masterKey, accountId, sealed)).filter((text) => text !== undefined)).toEqual([]);
  });
});
