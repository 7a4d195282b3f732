import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, expect, test } from '@jest/globals';
import { type Collection, type MongoClient, UUID } from 'mongodb';
import {
  makeDbPath,
  postmasterOf,
  processesOf,
  removeDbPath,
  sendRaw,
  startServer,
  type TestServer,
  until,
} from './test-server.ts';

type Row = { _id: number | string; n: number };

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

/** Durable: otherwise an acknowledged write of the last moments may go with a killed postgres. */
async function start(dbPath: string): Promise<TestServer> {
  const server = await startServer(dbPath, { isDurable: true });
  servers.push(server);
  return server;
}

function rowsOf(client: MongoClient): Collection<Row> {
  return client.db('lifecycle').collection<Row>('rows');
}

test('killed with SIGKILL it takes its postgres along, and the next start has the data', async () => {
  const dbPath = newDbPath();
  const first = await start(dbPath);
  await rowsOf(first.client).insertOne({ _id: 1, n: 1 });
  const postmaster = postmasterOf(dbPath);
  expect(processesOf(dbPath)).toContain(postmaster);
  process.kill(first.pid, 'SIGKILL');
  await until('postgres is gone', () => processesOf(dbPath).length === 0);
  await first.abandon();
  const second = await start(dbPath);
  expect(await rowsOf(second.client).countDocuments()).toBe(1);
});

test('a commit that is asked for again after a restart is answered as it ended, an unknown one is refused', async () => {
  const dbPath = newDbPath();
  const first = await start(dbPath);
  await rowsOf(first.client).insertOne({ _id: 0, n: 0 });
  const inTransaction = { lsid: { id: new UUID() }, txnNumber: 1n, autocommit: false };
  const rows = { insert: 'rows', documents: [{ _id: 1, n: 1 }], $db: 'lifecycle', startTransaction: true };
  const commit = { commitTransaction: 1, $db: 'admin', ...inTransaction };
  expect(await sendRaw(first.port, { ...rows, ...inTransaction })).toMatchObject({ ok: 1, n: 1 });
  expect(await sendRaw(first.port, commit)).toMatchObject({ ok: 1 });
  expect(await sendRaw(first.port, { ...rows, ...inTransaction, txnNumber: 2n })).toMatchObject({
    writeErrors: [{ code: 11000 }],
  });
  process.kill(first.pid, 'SIGKILL');
  await first.abandon();
  const second = await start(dbPath);
  expect(await sendRaw(second.port, commit)).toMatchObject({ ok: 1 });
  const unknown = await sendRaw(second.port, { ...commit, txnNumber: 2n });
  expect(unknown).toMatchObject({ ok: 0, code: 251, errorLabels: ['TransientTransactionError'] });
  expect(await rowsOf(second.client).countDocuments()).toBe(2);
});

test('killed together with the guard of its postgres, the next start ends what was left and has the data', async () => {
  const dbPath = newDbPath();
  const first = await start(dbPath);
  await rowsOf(first.client).insertOne({ _id: 1, n: 1 });
  const postmaster = postmasterOf(dbPath);
  const guards = guardsOf(dbPath);
  process.kill(first.pid, 'SIGSTOP'); // So that it cannot put things right in between.
  for (const pid of guards) process.kill(pid, 'SIGKILL');
  process.kill(first.pid, 'SIGKILL');
  await first.abandon();
  expect(processesOf(dbPath)).toContain(postmaster);
  const second = await start(dbPath);
  expect(postmasterOf(dbPath)).not.toBe(postmaster);
  expect(await rowsOf(second.client).countDocuments()).toBe(1);
});

test('postgres killed under load: it recovers by itself, no acknowledged write is lost or doubled', async () => {
  const dbPath = newDbPath();
  const { client } = await start(dbPath);
  const rows = rowsOf(client);
  await rows.insertMany(Array.from({ length: 8 }, (_, index) => ({ _id: `counter${index}`, n: 0 })));
  const acknowledged = { inserts: 0, increments: 0, bulks: 0, transfers: 0 };
  let isOver = false;
  const worker = async (index: number): Promise<void> => {
    for (let turn = 0; !isOver; turn++) {
      await rows.insertOne({ _id: `insert${index}-${turn}`, n: 0 });
      acknowledged.inserts++;
      await rows.updateOne({ _id: `counter${index}` }, { $inc: { n: 1 } });
      acknowledged.increments++;
      const bulk = [0, 1, 2].map((step) => ({
        updateOne: { filter: { _id: `counter${(index + step) % 8}` }, update: { $inc: { n: 1 } } },
      }));
      await rows.bulkWrite(bulk, { ordered: false });
      acknowledged.bulks++;
      await client.withSession((session) =>
        session.withTransaction(async () => {
          await rows.updateOne({ _id: `counter${index}` }, { $inc: { n: -1 } }, { session });
          await rows.updateOne({ _id: `counter${(index + 1) % 8}` }, { $inc: { n: 1 } }, { session });
        }),
      );
      acknowledged.transfers++;
    }
  };
  const workers = Promise.all(Array.from({ length: 8 }, (_, index) => worker(index)));
  for (let round = 0; round < 2; round++) {
    const before = acknowledged.transfers;
    await until('the load runs', () => acknowledged.transfers > before + 10);
    const postmaster = postmasterOf(dbPath);
    process.kill(postmaster, 'SIGKILL');
    await until('postgres runs again', () => hasPostmaster(dbPath) && postmasterOf(dbPath) !== postmaster);
  }
  const beforeLast = acknowledged.transfers;
  await until('the load runs', () => acknowledged.transfers > beforeLast + 10);
  process.kill(aBackendOf(postmasterOf(dbPath), dbPath), 'SIGKILL'); // All the others have to start anew with it.
  const after = acknowledged.transfers;
  await until('the load runs', () => acknowledged.transfers > after + 10);
  isOver = true;
  await workers;
  expect(await rows.countDocuments({ _id: /^insert/ })).toBe(acknowledged.inserts);
  const counters = await rows.find({ _id: /^counter/ }).toArray();
  const sum = counters.reduce((total, row) => total + row.n, 0);
  expect(sum).toBe(acknowledged.increments + 3 * acknowledged.bulks);
}, 60_000);

test('postgres killed while a process of its hangs: that one is ended, so that the next can start', async () => {
  const dbPath = newDbPath();
  const { client } = await start(dbPath);
  const rows = rowsOf(client);
  await rows.insertOne({ _id: 1, n: 1 });
  const postmaster = postmasterOf(dbPath);
  const hanging = aBackendOf(postmaster, dbPath);
  process.kill(hanging, 'SIGSTOP');
  process.kill(postmaster, 'SIGKILL');
  await until('postgres runs again', () => hasPostmaster(dbPath) && postmasterOf(dbPath) !== postmaster);
  expect(processesOf(dbPath)).not.toContain(hanging);
  expect(await rows.countDocuments()).toBe(1);
});

function hasPostmaster(dbPath: string): boolean {
  return existsSync(path.join(dbPath, 'postgres/postmaster.pid'));
}

/** A process of postgres that serves a connection. */
function aBackendOf(postmaster: number, dbPath: string): number {
  const backends = processesOf(dbPath).filter((pid) => isBackend(pid, postmaster));
  if (backends[0] === undefined) throw new Error('postgres serves no connection');
  return backends[0];
}

function isBackend(pid: number, postmaster: number): boolean {
  try {
    const parent = /\) \S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1];
    return Number(parent) === postmaster && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('[local]');
  } catch {
    return false; // It has ended since.
  }
}

function guardsOf(dbPath: string): number[] {
  return processesOf(dbPath).filter((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('guard.sh'));
}
