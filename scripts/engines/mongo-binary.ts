/** Where a local MongoDB can come from, best first: the PATH, the download that mongodb-memory-server makes, the DocumentDB engine. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { MongoBinary as Downloader, DryMongoBinary } from 'mongodb-memory-server';
import { prepare } from '../../tools/mongod/prepare.ts';
import type { Log } from './supervise.ts';
import { which } from './which.ts';

export type MongoKind = 'mongod' | 'downloaded mongod' | 'documentdb';

export type MongoBinary = { kind: MongoKind; file: string; version: string | undefined };

export type BinaryOptions = {
  searchPath: string;
  allowDownload: boolean;
  /** Where MongoDB is downloaded from; mongodb-memory-server's own site unless told. */
  downloadSite?: string | undefined;
  cacheDir: string | undefined;
  onProgress: Log;
};

const REACH_WAIT_MS = 1000;
const DOWNLOAD_WAIT_MS = 10 * 60_000;
const DOWNLOAD_SITE = 'https://fastdl.mongodb.org';
const DOCUMENTDB = fileURLToPath(new URL('../../tools/mongod/mongod', import.meta.url));
const DOCUMENTDB_VERSION = fileURLToPath(new URL('../../tools/mongod/VERSION', import.meta.url));
const run = promisify(execFile);

/** Gives one candidate after the other, each only when it is asked for; tells in `reasons` why others were passed over. */
export async function* findBinary(options: BinaryOptions, reasons: string[]): AsyncGenerator<MongoBinary> {
  for (const find of [findOnPath, findDownload, findDocumentdb]) {
    try {
      yield await find(options);
    } catch (error) {
      reasons.push(error instanceof Error ? error.message : String(error));
    }
  }
}

async function findOnPath(options: BinaryOptions): Promise<MongoBinary> {
  const file = process.env.MONGOMS_SYSTEM_BINARY ?? which('mongod', options.searchPath);
  if (file === undefined) throw new Error('no mongod on the PATH');
  const { stdout } = await run(file, ['--version'], { timeout: 10_000 });
  const version = /db version v(\d+\.\d+\.\d+)/.exec(stdout)?.[1];
  if (version === undefined) throw new Error(`${file} tells no version`);
  return { kind: 'mongod', file, version };
}

async function findDownload(options: BinaryOptions): Promise<MongoBinary> {
  const kept = await DryMongoBinary.locateBinary(DryMongoBinary.getEnsuredOptions());
  if (kept !== undefined) return { kind: 'downloaded mongod', file: kept, version: undefined };
  if (!options.allowDownload) throw new Error('a download is not allowed');
  const site = options.downloadSite ?? process.env.MONGOMS_DOWNLOAD_MIRROR ?? DOWNLOAD_SITE;
  await requireReachable(site);
  options.onProgress(`downloading MongoDB from ${new URL(site).host}`);
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('the download of MongoDB takes too long')), DOWNLOAD_WAIT_MS);
  });
  try {
    const file = await Promise.race([Downloader.getPath(), timeout]);
    return { kind: 'downloaded mongod', file, version: undefined };
  } finally {
    clearTimeout(timer);
  }
}

/** One short attempt, because the downloader itself tries for many seconds. Behind a proxy the proxy is what must be reachable. */
async function requireReachable(site: string): Promise<void> {
  const proxy = process.env.HTTPS_PROXY ?? process.env.https_proxy;
  const { hostname, port, protocol } = new URL(proxy !== undefined && proxy !== '' ? proxy : site);
  const socket = net.connect({ host: hostname, port: Number(port) || (protocol === 'http:' ? 80 : 443) });
  const unreachable = new Error(`${hostname} cannot be reached`);
  const timer = setTimeout(() => socket.destroy(unreachable), REACH_WAIT_MS);
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', () => reject(unreachable));
    });
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
}

async function findDocumentdb(options: BinaryOptions): Promise<MongoBinary> {
  await prepare(options.cacheDir, options.onProgress).catch((error: unknown) => {
    throw new Error(`no DocumentDB engine: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  });
  return { kind: 'documentdb', file: DOCUMENTDB, version: readFileSync(DOCUMENTDB_VERSION, 'utf8').trim() };
}
