import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { MongoClient } from 'mongodb';
import { freePort } from '../../scripts/engines/free-port.ts';
import { type MongoEngine, type MongoOptions, startMongo } from '../../scripts/engines/mongo.ts';
import { findBinary } from '../../scripts/engines/mongo-binary.ts';

const MONGOD = fileURLToPath(new URL('../../tools/mongod/mongod', import.meta.url));
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

async function mongo(options: Partial<MongoOptions> = {}): Promise<MongoEngine> {
  const searchPath = process.env.PATH ?? '';
  const engine = await startMongo({
    dataDir: path.join(folder, 'mongo'),
    log,
    isDurable: false,
    allowDownload: false,
    searchPath,
    ...options,
  });
  engines.push(engine);
  return engine;
}

async function withMongo<Result>(uri: string, work: (client: MongoClient) => Promise<Result>): Promise<Result> {
  const client = await MongoClient.connect(uri);
  try {
    return await work(client);
  } finally {
    await client.close();
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

describe('MongoDB', () => {
  test('a standalone server is refused with a reason that says what to do', async () => {
    const port = await freePort();
    const dbPath = path.join(folder, 'standalone');
    const standalone = spawn(MONGOD, ['--port', String(port), '--dbpath', dbPath, '--noauth'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await new Promise<void>((resolve) =>
      standalone.stdout.on('data', (text: Buffer) => text.includes('Waiting for connections') && resolve()),
    );
    try {
      await expect(mongo({ uri: `mongodb://127.0.0.1:${port}/` })).rejects.toThrow(
        /MONGODB_URI cannot be used: .*standalone.*replSet/,
      );
    } finally {
      const ended = new Promise((resolve) => standalone.once('exit', resolve));
      standalone.kill('SIGTERM');
      await ended;
    }
  });

  test('a given replica set is used as it is and left running', async () => {
    const uri = process.env.TEST_MONGODB_URI ?? '';
    const engine = await mongo({ uri });
    expect(engine).toMatchObject({ uri, engine: 'external', pid: undefined });
    await engine.stop();
    await withMongo(uri, (client) => client.db('admin').command({ ping: 1 }));
  });

  test('an address where nobody answers is told as such', async () => {
    await expect(
      mongo({ uri: `mongodb://127.0.0.1:${await freePort()}/?serverSelectionTimeoutMS=300` }),
    ).rejects.toThrow(/MONGODB_URI cannot be used/);
  });

  test('mongod on the PATH comes before everything else', async () => {
    const bin = path.join(folder, 'bin');
    mkdirSync(bin);
    symlinkSync(MONGOD, path.join(bin, 'mongod'));
    const engine = await mongo({ searchPath: `${bin}${path.delimiter}${process.env.PATH}` });
    expect(engine.engine).toBe('mongod');
  });

  test('a mongod that does not work is passed over, and it is said why', async () => {
    const bin = script('mongod', 'echo "libssl.so.1: cannot open shared object file" >&2; exit 127');
    const reasons: string[] = [];
    const found = findBinary({ searchPath: bin, allowDownload: false, cacheDir: undefined, onProgress: log }, reasons);
    expect((await found.next()).value).toMatchObject({ kind: 'documentdb' });
    expect(reasons[0]).toMatch(/cannot open shared object/);
  });

  test('an unreachable download site costs about a second', async () => {
    const kept = {
      HTTPS_PROXY: process.env.HTTPS_PROXY,
      https_proxy: process.env.https_proxy,
      MONGOMS_VERSION: process.env.MONGOMS_VERSION,
    };
    // A version that nobody has downloaded before, and an address that is set aside for examples.
    Object.assign(process.env, { HTTPS_PROXY: '', https_proxy: '', MONGOMS_VERSION: '7.0.99' });
    try {
      const reasons: string[] = [];
      const options = {
        searchPath: '',
        allowDownload: true,
        downloadSite: 'https://192.0.2.1',
        cacheDir: undefined,
        onProgress: log,
      };
      const begin = performance.now();
      const found = await findBinary(options, reasons).next();
      expect(performance.now() - begin).toBeLessThan(2500);
      expect(found.value).toMatchObject({ kind: 'documentdb' });
      expect(reasons).toEqual(['no mongod on the PATH', '192.0.2.1 cannot be reached']);
    } finally {
      for (const [name, value] of Object.entries(kept)) {
        if (value === undefined) delete process.env[name];
        else process.env[name] = value;
      }
    }
  });

  test('when nothing can be had the error lists what was tried and says what to do', async () => {
    writeFileSync(path.join(folder, 'a-file'), '');
    const attempt = mongo({ searchPath: '', cacheDir: path.join(folder, 'a-file/cache') });
    await expect(attempt).rejects.toThrow(
      /No MongoDB: set MONGODB_URI .* no mongod on the PATH; a download is not allowed; no DocumentDB engine/,
    );
  });

  test('data and address are kept from one start to the next, and the engine is named honestly', async () => {
    const options = { searchPath: '' };
    const first = await mongo(options);
    expect(first.version).toMatch(
      /^DocumentDB engine [\d.-]+ on PostgreSQL 18.*evaluation only; production runs MongoDB/,
    );
    await withMongo(first.uri, (client) => client.db('kept').collection<{ _id: number }>('rows').insertOne({ _id: 1 }));
    await first.stop();
    const second = await mongo(options);
    expect(second.uri).toBe(first.uri);
    expect(await withMongo(second.uri, (client) => client.db('kept').collection('rows').countDocuments())).toBe(1);
  });

  test('killed, it comes back at the same address with its data', async () => {
    const engine = await mongo({ searchPath: '' });
    await withMongo(engine.uri, async (client) => {
      const rows = client.db('killed').collection<{ _id: number }>('rows');
      await rows.insertOne({ _id: 1 });
      const before = engine.pid ?? 0;
      process.kill(before, 'SIGKILL');
      await until('another process runs', () => engine.pid !== undefined && engine.pid !== before);
      await rows.insertOne({ _id: 2 });
      expect(await rows.countDocuments()).toBe(2);
    });
    expect(lines).toContain('documentdb runs again');
  });
});
