import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import OpenAI from 'openai';
import { freePort } from '../scripts/engines/free-port.ts';
import { type BuiltProcess, startNode } from './helpers/built-process.ts';
import { useStores } from './helpers/stores.ts';

/** The supervisor behind `npm start`, over the engines of this test run and with a data folder of its own. */

const RUNNING = /Stop with Ctrl-C/;
const KEY = /\bocq_live_[0-9A-Za-z]{38}\b/;
const GONE_MS = 15_000;

const stores = useStores();
const dataDir = mkdtempSync(path.join(tmpdir(), 'ocelotiq-up-'));
const ports: Record<string, string> = {};
const started: BuiltProcess[] = [];

beforeAll(async () => {
  const names = ['API_PORT', 'API_METRICS_PORT', 'WORKER_METRICS_PORT', 'ADMIN_PORT', 'SANDBOX_PORT'];
  for (const name of names) ports[name] = String(await freePort());
});

afterAll(() => rmSync(dataDir, { recursive: true, force: true }));

afterEach(async () => {
  for (const up of started.splice(0)) {
    up.child.kill('SIGTERM');
    await up.ended;
  }
});

function startUp(more: Record<string, string> = {}): BuiltProcess {
  const up = startNode(['--import', 'tsx', 'scripts/up.ts'], {
    MONGODB_URI: stores.mongoUri,
    MONGODB_DATABASE: stores.database,
    REDIS_URL: stores.redisUrl,
    REDIS_PREFIX: stores.prefix,
    OCELOTIQ_DATA_DIR: dataDir,
    ...ports,
    ...more,
  });
  started.push(up);
  return up;
}

async function startAndWait(): Promise<BuiltProcess> {
  const up = startUp();
  await up.says(RUNNING);
  return up;
}

function childPids(up: BuiltProcess): number[] {
  return [...up.output().matchAll(/\w+ is ready \(process (\d+)\)/g)].map(([, pid]) => Number(pid));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function untilGone(pids: readonly number[]): Promise<void> {
  const deadlineMs = Date.now() + GONE_MS;
  while (pids.some(isAlive)) {
    if (Date.now() > deadlineMs) throw new Error(`still alive: ${pids.filter(isAlive).join(', ')}`);
    await delay(20);
  }
}

function client(apiKey: string): OpenAI {
  return new OpenAI({ baseURL: `http://127.0.0.1:${ports.API_PORT}/v1`, apiKey, maxRetries: 0 });
}

function shownBalanceRub(up: BuiltProcess): number {
  return Number(/demo account \S+ with ([\d.]+) RUB/.exec(up.output())?.[1]);
}

describe('npm start', () => {
  let apiKey = '';
  let model = '';

  it('seeds an account, prints one key with ready examples, and the OpenAI SDK works with them', async () => {
    const up = await startAndWait();
    apiKey = KEY.exec(up.output())?.[0] ?? '';
    model = /"model":"([^"]+)"/.exec(up.output())?.[1] ?? '';
    expect(new Set(up.output().match(new RegExp(KEY, 'g')))).toEqual(new Set([apiKey]));
    expect(up.output()).toMatch(/demo account acc_0{26} has 1000 RUB/);
    expect(up.output()).toContain(`curl http://127.0.0.1:${ports.API_PORT}/v1/chat/completions`);

    const messages = [{ role: 'user' as const, content: 'Hello' }];
    const answer = await client(apiKey).chat.completions.create({ model, messages });
    expect(answer.choices[0]?.message.content).toContain('Hello');
    const stream = await client(apiKey).chat.completions.create({ model, messages, stream: true });
    let streamed = '';
    for await (const chunk of stream) streamed += chunk.choices[0]?.delta.content ?? '';
    expect(streamed).toContain('Hello');

    up.child.kill('SIGINT');
    expect(await up.ended).toBe(0);
    expect(childPids(up)).toHaveLength(4);
    await untilGone(childPids(up));
  });

  it('keeps secrets to this user and leaves no lock and no runtime settings behind', () => {
    expect(statSync(path.join(dataDir, 'secrets.json')).mode & 0o777).toBe(0o600);
    expect(() => statSync(path.join(dataDir, 'lock'))).toThrow(/ENOENT/);
    expect(() => statSync(path.join(dataDir, 'runtime.env'))).toThrow(/ENOENT/);
  });

  it('keeps the balance and the key on the next start, and prints no key', async () => {
    const up = await startAndWait();
    expect(up.output()).not.toMatch(KEY);
    expect(up.output()).toMatch(/Kept from earlier starts/);
    expect(shownBalanceRub(up)).toBeGreaterThan(999);
    expect(shownBalanceRub(up)).toBeLessThan(1000);
    expect((await client(apiKey).models.list()).data.length).toBeGreaterThan(0);
    up.child.kill('SIGTERM');
    expect(await up.ended).toBe(0);
    await untilGone(childPids(up));
  });

  it('refuses a second supervisor on the same data and names the first', async () => {
    const first = await startAndWait();
    const second = startUp();
    expect(await second.ended).toBe(1);
    expect(second.output()).toContain(`process ${first.child.pid}`);
    expect(second.output()).toContain('OCELOTIQ_DATA_DIR');
    expect(readFileSync(path.join(dataDir, 'runtime.env'), 'utf8')).toMatch(/^MONGODB_URI=mongodb:/m);
    expect(statSync(path.join(dataDir, 'runtime.env')).mode & 0o777).toBe(0o600);
  });

  it('starts a process again that was killed, and says so', async () => {
    const up = await startAndWait();
    const apiPid = Number(/api is ready \(process (\d+)\)/.exec(up.output())?.[1]);
    process.kill(apiPid, 'SIGKILL');
    await up.says(/\[api\] was ended by SIGKILL.*starting it again/);
    await up.says(/\[api\] is running again/);
    const list = await client(apiKey).models.list();
    expect(list.data.length).toBeGreaterThan(0);
  });

  it('leaves no process behind when it is killed itself, and starts again after that', async () => {
    const up = await startAndWait();
    up.child.kill('SIGKILL');
    expect(await up.ended).toBe('SIGKILL');
    await untilGone(childPids(up));
    const next = await startAndWait();
    expect(next.output()).toMatch(/Kept from earlier starts/);
  });

  it('names the setting and the holder of a taken port before it starts anything', async () => {
    const holder = createServer().listen(Number(ports.API_PORT), '127.0.0.1');
    const up = startUp();
    expect(await up.ended).toBe(1);
    expect(up.output()).toContain(`Port ${ports.API_PORT} for the API is taken`);
    if (process.platform === 'linux') expect(up.output()).toContain(`by process ${process.pid}`);
    expect(up.output()).toContain('API_PORT=<port>');
    expect(up.output()).not.toMatch(/Starting|\s+at /);
    holder.close();
  });

  it.each([
    [{ LEASE_MS: '5' }, /LEASE_MS: /],
    [{ API_PORT: 'http' }, /API_PORT is "http"; it must be a port number/],
    [{ OCELOTIQ_MODE: 'production', MONGODB_URI: '' }, /OCELOTIQ_MODE=production needs MONGODB_URI/],
    [{ REDIS_URL: 'redis://127.0.0.1:1' }, /REDIS_URL/],
  ])('refuses %j with what to do and no stack trace', async (wrong: Record<string, string>, message) => {
    const up = startUp(wrong);
    expect(await up.ended).toBe(1);
    expect(up.output()).toMatch(message);
    expect(up.output()).not.toMatch(/^\s+at /m);
  });
});
