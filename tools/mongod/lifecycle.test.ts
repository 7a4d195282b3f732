import { execFile, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, symlinkSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterEach, expect, test } from '@jest/globals';
import { type Collection, MongoClient } from 'mongodb';
import { makeDbPath, processesOf, removeDbPath, SYSTEM_BINARY, startServer, type TestServer } from './test-server.ts';

type Row = { _id: number | string; n: number };

const run = promisify(execFile);
const servers: TestServer[] = [];
const folders: string[] = [];

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()));
  for (const folder of folders.splice(0)) removeDbPath(folder);
});

function newDbPath(): string {
  const folder = makeDbPath();
  folders.push(folder);
  return folder;
}

async function start(dbPath: string): Promise<TestServer> {
  const server = await startServer(dbPath);
  servers.push(server);
  return server;
}

function rowsOf(client: MongoClient): Collection<Row> {
  return client.db('lifecycle').collection<Row>('rows');
}

test('--version answers fast, in the form that mongodb-memory-server reads', async () => {
  const begin = performance.now();
  const { stdout } = await run(SYSTEM_BINARY, ['--version']);
  expect(stdout).toMatch(/^db version v\d+\.\d+\.\d+$/m);
  expect(performance.now() - begin).toBeLessThan(1000);
});

test('a restart keeps the data and the replica set, on another port too', async () => {
  const dbPath = newDbPath();
  const first = await start(dbPath);
  await rowsOf(first.client).insertOne({ _id: 1, n: 1 });
  await first.stop();
  expect(processesOf(dbPath)).toEqual([]);
  const second = await start(dbPath);
  expect(await rowsOf(second.client).findOne({ _id: 1 })).toEqual({ _id: 1, n: 1 });
  await second.stop();
  expect(processesOf(dbPath)).toEqual([]);
});

test('the shutdown command and SIGTERM both end it with code 0 and leave no process', async () => {
  for (const end of ['shutdown', 'SIGTERM'] as const) {
    const dbPath = newDbPath();
    const port = await takePort();
    const child = spawn(
      SYSTEM_BINARY,
      ['--port', String(port), '--dbpath', dbPath, '--bind_ip', '127.0.0.1', '--noauth'],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    await new Promise<void>((resolve) =>
      child.stdout.on('data', (text: Buffer) => text.includes('Waiting for connections') && resolve()),
    );
    const exit = new Promise((resolve) => child.once('exit', (code) => resolve(code)));
    if (end === 'SIGTERM') child.kill('SIGTERM');
    else {
      const client = await MongoClient.connect(`mongodb://127.0.0.1:${port}/?directConnection=true`);
      await client
        .db('admin')
        .command({ shutdown: 1, force: true })
        .catch(() => undefined);
      await client.close();
    }
    expect(await exit).toBe(0);
    expect(processesOf(dbPath)).toEqual([]);
  }
});

test('a taken port and a used data folder are told in the words that callers look for', async () => {
  const blocker = net.createServer();
  await new Promise<void>((resolve) => blocker.listen(0, '127.0.0.1', resolve));
  const address = blocker.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const taken: unknown = await run(SYSTEM_BINARY, ['--port', String(port), '--dbpath', newDbPath()]).catch(
    (error: unknown) => error,
  );
  blocker.close();
  expect(taken).toMatchObject({ code: 48, stdout: expect.stringMatching(/address already in use/i) });
  const dbPath = newDbPath();
  await start(dbPath);
  const used: unknown = await run(SYSTEM_BINARY, ['--port', String(await takePort()), '--dbpath', dbPath]).catch(
    (error: unknown) => error,
  );
  expect(used).toMatchObject({
    code: 100,
    stdout: expect.stringContaining('exception in initAndListen: DBPathInUse: '),
  });
  const auth: unknown = await run(SYSTEM_BINARY, [
    '--port',
    String(await takePort()),
    '--dbpath',
    newDbPath(),
    '--auth',
  ]).catch((error: unknown) => error);
  expect(auth).toMatchObject({
    code: 100,
    stdout: expect.stringContaining('exception in initAndListen: Unsupported: '),
  });
});

test('bytes that are no message end that connection and nothing else', async () => {
  const server = await start(newDbPath());
  const lengths = [0, 7, 2_000_000_000, -5];
  for (const length of lengths) {
    const bytes = Buffer.alloc(64, 0xee);
    bytes.writeInt32LE(length, 0);
    await expectClosed(server.port, bytes);
  }
  const noSection = Buffer.alloc(40);
  noSection.writeInt32LE(40, 0);
  noSection.writeInt32LE(2013, 12);
  noSection.writeInt32LE(1_000_000, 21);
  await expectClosed(server.port, noSection);
  expect(await server.client.db('admin').command({ ping: 1 })).toMatchObject({ ok: 1 });
});

test('it starts from a checkout whose path has spaces, from any folder', async () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'ocelotiq mongod '));
  folders.push(folder);
  const repository = path.resolve(path.dirname(SYSTEM_BINARY), '../..');
  mkdirSync(path.join(folder, 'a checkout/tools'), { recursive: true });
  const checkout = path.join(folder, 'a checkout');
  for (const name of ['node_modules', 'package.json', '.cache'])
    symlinkSync(path.join(repository, name), path.join(checkout, name));
  await run('cp', ['-r', path.join(repository, 'tools/mongod'), path.join(checkout, 'tools/mongod')]);
  const child = spawn(
    path.join(checkout, 'tools/mongod/mongod'),
    ['--port', String(await takePort()), '--dbpath', path.join(folder, 'data folder')],
    { cwd: '/', stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const exit = new Promise((resolve) => child.once('exit', resolve));
  await new Promise<void>((resolve) =>
    child.stdout.on('data', (text: Buffer) => text.includes('Waiting for connections') && resolve()),
  );
  child.kill('SIGINT');
  expect(await exit).toBe(0);
});

function expectClosed(port: number, bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, '127.0.0.1', () => socket.write(bytes));
    socket.setTimeout(5000, () => reject(new Error('the connection stayed open')));
    socket.on('error', () => undefined);
    socket.on('close', () => resolve());
  });
}

async function takePort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}
