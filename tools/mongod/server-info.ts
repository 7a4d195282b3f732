/** What the server tells about itself. */
import { readFileSync } from 'node:fs';
import os from 'node:os';
import { Long, ObjectId } from 'bson';
import { encode } from './bson.ts';
import type { Engine } from './engine.ts';
import { DOCUMENT_BYTES_MAX, MESSAGE_BYTES_MAX } from './wire.ts';

/** The MongoDB version whose behaviour is imitated. */
export const VERSION = readFileSync(new URL('VERSION', import.meta.url), 'utf8').trim();
const WIRE_VERSION_MAX = 21; // MongoDB 7.0.
const startedAtMs = Date.now();

export function hello(engine: Pick<Engine, 'replicaSet'>, connectionId: number): Buffer {
  return encode({
    helloOk: true,
    ...engine.replicaSet.role(),
    maxBsonObjectSize: DOCUMENT_BYTES_MAX,
    maxMessageSizeBytes: MESSAGE_BYTES_MAX,
    maxWriteBatchSize: 25_000,
    localTime: new Date(),
    logicalSessionTimeoutMinutes: 30,
    connectionId,
    minWireVersion: 0,
    maxWireVersion: WIRE_VERSION_MAX,
    readOnly: false,
    ok: 1,
  });
}

export function buildInfo(engine: Engine): Buffer {
  return encode({
    version: VERSION,
    versionArray: [...VERSION.split('.').map(Number), 0],
    gitVersion: 'documentdb',
    modules: ['documentdb'],
    documentdb: { extension: engine.versions.documentdb, postgres: engine.versions.postgres },
    bits: 64,
    debug: false,
    maxBsonObjectSize: DOCUMENT_BYTES_MAX,
    storageEngines: ['documentdb'],
    ok: 1,
  });
}

export function hostInfo(): Buffer {
  const system = {
    hostname: os.hostname(),
    numCores: os.availableParallelism(),
    memSizeMB: Math.round(os.totalmem() / 1048576),
  };
  return encode({ system, ok: 1 });
}

export function serverStatus(engine: Engine, connections: number): Buffer {
  return encode({
    host: os.hostname(),
    version: VERSION,
    process: 'mongod',
    pid: Long.fromNumber(process.pid),
    uptime: (Date.now() - startedAtMs) / 1000,
    localTime: new Date(),
    connections: { current: connections, available: 1000 },
    storageEngine: { name: 'documentdb', persistent: true },
    ...(engine.replicaSet.name === undefined
      ? {}
      : { repl: { setName: engine.replicaSet.name, isWritablePrimary: true } }),
    ok: 1,
  });
}

export function startSession(): Buffer {
  return encode({ id: { id: new ObjectId() }, timeoutMinutes: 30, ok: 1 });
}
