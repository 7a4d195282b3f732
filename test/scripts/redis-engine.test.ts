import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { freePort } from '../../scripts/engines/free-port.ts';
import { type RedisEngine, startRedis, startThrowawayRedis } from '../../scripts/engines/redis.ts';
import { which } from '../../scripts/engines/which.ts';

const engines: { stop(): Promise<void> }[] = [];
let folder: string;
let lines: string[];

beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'ocelotiq-engines-'));
  lines = [];
});

afterEach(async () => {
  await Promise.all(engines.splice(0).map((engine) => engine.stop()));
  rmSync(folder, { recursive: true, force: true });
});

function log(line: string): void {
  lines.push(line);
}

async function redis(url?: string): Promise<RedisEngine> {
  const engine = await startRedis({ url, dataDir: path.join(folder, 'redis'), log, allowInstall: false });
  engines.push(engine);
  return engine;
}

async function withRedis<Result>(url: string, work: (client: Redis) => Promise<Result>): Promise<Result> {
  const client = new Redis(url, { maxRetriesPerRequest: 200, retryStrategy: () => 50 });
  client.on('error', () => undefined);
  try {
    return await work(client);
  } finally {
    await client.quit();
  }
}

async function until(what: string, condition: () => boolean): Promise<void> {
  for (let waits = 0; !condition(); waits++) {
    if (waits > 600) throw new Error(`not within 30 s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function script(name: string, text: string): string {
  const bin = path.join(folder, 'bin');
  mkdirSync(bin, { recursive: true });
  writeFileSync(path.join(bin, name), `#!/bin/sh\n${text}\n`);
  chmodSync(path.join(bin, name), 0o755);
  return bin;
}

describe('Redis', () => {
  test('a local server keeps data and address over a restart and loses nothing by eviction', async () => {
    const first = await redis();
    expect(first).toMatchObject({
      engine: expect.stringMatching(/redis|valkey/),
      version: expect.stringMatching(/^\w+ \d+\.\d+/),
    });
    await withRedis(first.url, (client) => client.set('key', 'value'));
    await first.stop();
    const second = await redis();
    expect(second.url).toBe(first.url);
    await withRedis(second.url, async (client) => {
      expect(await client.get('key')).toBe('value');
      expect(await client.config('GET', 'maxmemory-policy')).toEqual(['maxmemory-policy', 'noeviction']);
      expect(await client.config('GET', 'appendonly')).toEqual(['appendonly', 'yes']);
    });
  });

  test('a local server is reached over its socket too, by its own user only', async () => {
    const { url, socketPath = '' } = await redis();
    expect((statSync(socketPath).mode & 0o777).toString(8)).toBe('700');
    await withRedis(url, (client) => client.set('over', 'TCP'));
    expect(await withRedis(socketPath, (client) => client.get('over'))).toBe('TCP');
  });

  test('killed, it comes back at the same address with its data', async () => {
    const engine = await redis();
    await withRedis(engine.url, async (client) => {
      await client.set('key', 'value');
      await client.call('WAITAOF', '1', '0', '2000').catch(() => new Promise((resolve) => setTimeout(resolve, 1100)));
      const before = engine.pid ?? 0;
      process.kill(before, 'SIGKILL');
      await until('another process runs', () => engine.pid !== undefined && engine.pid !== before);
      expect(await client.get('key')).toBe('value');
    });
  });

  test('a given one is checked, used and left running', async () => {
    const url = process.env.TEST_REDIS_URL ?? '';
    const engine = await redis(url);
    expect(engine).toMatchObject({ url, engine: 'external' });
    await engine.stop();
    expect(await withRedis(url, (client) => client.ping())).toBe('PONG');
    await expect(redis(`redis://127.0.0.1:${await freePort()}`)).rejects.toThrow(/REDIS_URL does not answer/);
  });

  test('one older than 6.2 is refused', async () => {
    const info = 'redis_version:5.0.7\r\nprocess_id:1\r\nloading:0\r\n';
    const old = net.createServer((socket) =>
      socket.on('data', (bytes) => {
        for (const _ of bytes.toString().matchAll(/^\*\d+/gm)) socket.write(`$${info.length}\r\n${info}\r\n`);
      }),
    );
    const port = await freePort();
    await new Promise<void>((resolve) => old.listen(port, '127.0.0.1', resolve));
    try {
      await expect(redis(`redis://127.0.0.1:${port}`)).rejects.toThrow(
        'REDIS_URL is Redis 5.0.7; 6.2 or newer is needed',
      );
    } finally {
      old.close();
    }
  });

  test('without a server, and without leave to install one, the error says what to do', async () => {
    const attempt = startRedis({ dataDir: folder, log, allowInstall: false, searchPath: '' });
    await expect(attempt).rejects.toThrow(
      /no redis-server or valkey-server on the PATH; set REDIS_URL .* apt-get install redis-server/,
    );
  });

  test('root gets it installed, after the package lists are brought up to date where that is needed', async () => {
    const real = which('redis-server', process.env.PATH ?? '') ?? '';
    const bin = script(
      'apt-get',
      `case "$1" in
        update) touch "${folder}/updated" ;;
        install) [ -e "${folder}/updated" ] && ln -s "${real}" "${folder}/bin/redis-server" ;;
      esac`,
    );
    const attempt = startRedis({ dataDir: path.join(folder, 'redis'), log, allowInstall: true, searchPath: bin });
    if (process.getuid?.() !== 0) {
      await expect(attempt).rejects.toThrow(/apt-get install redis-server/);
      return;
    }
    engines.push(await attempt);
    expect(lines).toEqual(['installing redis-server with apt-get', 'the package lists may be old: apt-get update']);
  });

  test('a server that an earlier run left on the same folder is ended first', async () => {
    const dataDir = path.join(folder, 'redis');
    mkdirSync(dataDir);
    const args = [
      '--port',
      String(await freePort()),
      '--dir',
      dataDir,
      '--pidfile',
      path.join(dataDir, 'redis.pid'),
      '--save',
      '',
    ];
    const left = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'inherit'] });
    await new Promise<void>((resolve) =>
      left.stdout.on('data', (text: Buffer) => /ready to accept connections/i.test(text.toString()) && resolve()),
    );
    const ended = new Promise((resolve) => left.once('exit', resolve));
    await redis();
    await ended;
  });

  test('throw-away servers for tests do not disturb each other', async () => {
    const pair = await Promise.all(['a', 'b'].map((name) => startThrowawayRedis(path.join(folder, name), log)));
    engines.push(...pair);
    expect(new Set(pair.map((engine) => engine.url)).size).toBe(2);
  });
});
