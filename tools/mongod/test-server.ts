/** Starts the engine for its own tests as everybody does: through mongodb-memory-server. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { MongoClient } from 'mongodb';
import { MongoMemoryReplSet } from 'mongodb-memory-server';
import { decode, encode } from './bson.ts';
import { createFramer, parseMessage } from './wire.ts';

export const SYSTEM_BINARY = fileURLToPath(new URL('mongod', import.meta.url));
const VERSION = readFileSync(new URL('VERSION', import.meta.url), 'utf8').trim();

export type TestServer = {
  uri: string;
  port: number;
  dbPath: string;
  /** The process that poses as mongod. */
  pid: number;
  client: MongoClient;
  /** Stops it; the data stay. */
  stop(): Promise<void>;
  /** Closes the client only: the server was killed. */
  abandon(): Promise<void>;
};

export function makeDbPath(): string {
  return mkdtempSync(path.join(os.tmpdir(), 'ocelotiq-mongod-'));
}

export function removeDbPath(dbPath: string): void {
  rmSync(dbPath, { recursive: true, force: true });
}

export async function startServer(
  dbPath: string,
  settings: { isDurable?: boolean; port?: number } = {},
): Promise<TestServer> {
  const environment = { ...process.env, OCELOTIQ_MONGOD_SYNC: settings.isDurable === true ? 'on' : 'off' };
  const replSet = await MongoMemoryReplSet.create({
    binary: { systemBinary: SYSTEM_BINARY, version: VERSION },
    instanceOpts: [{ dbPath, launchTimeout: 60_000, ...(settings.port === undefined ? {} : { port: settings.port }) }],
    replSet: { name: 'tests', count: 1, spawn: { env: environment } },
  });
  const info = replSet.servers[0]?.instanceInfo;
  const pid = info?.instance.mongodProcess?.pid;
  if (info === undefined || pid === undefined) throw new Error('the server has no process');
  const uri = replSet.getUri();
  const client = await MongoClient.connect(uri, { useBigInt64: true });
  let isRunning = true;
  const abandon = async (): Promise<void> => {
    isRunning = false;
    await client.close();
  };
  const stop = async (): Promise<void> => {
    if (!isRunning) return;
    await abandon();
    await replSet.stop({ doCleanup: false });
  };
  return { uri, port: info.port, dbPath, pid, client, stop, abandon };
}

/** The processes (without zombies) whose command line or working directory names `folder`. */
export function processesOf(folder: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(folder);
      } catch {
        return false;
      }
    })
    .map(Number);
}

/** The postmaster that runs on the server's data. */
export function postmasterOf(dbPath: string): number {
  return Number.parseInt(readFileSync(path.join(dbPath, 'postgres/postmaster.pid'), 'utf8'), 10);
}

/** Waits for a condition. @throws Error when it does not come within `timeoutMs`. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  timeoutMs = 30_000,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`not within ${timeoutMs / 1000} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Sends one command as it is, without the sessions and numbers that a driver adds. */
export async function sendRaw(port: number, command: Record<string, unknown>): Promise<Record<string, unknown>> {
  const body = encode(command);
  const header = Buffer.alloc(21);
  header.writeInt32LE(header.length + body.length, 0);
  header.writeInt32LE(2013, 12);
  const socket = net.connect(port, '127.0.0.1');
  const framer = createFramer();
  try {
    return await new Promise((resolve, reject) => {
      socket.on('error', reject);
      socket.on('close', () => reject(new Error('closed without a reply')));
      socket.on('data', (chunk: Buffer) => {
        framer.add(chunk);
        const reply = framer.next();
        if (reply !== undefined) resolve(decode(parseMessage(reply).body));
      });
      socket.write(Buffer.concat([header, body]));
    });
  } finally {
    socket.destroy();
  }
}
