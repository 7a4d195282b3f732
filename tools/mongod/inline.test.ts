import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import pg from 'pg';
import { makeDbPath, removeDbPath, startServer, type TestServer } from './test-server.ts';

/** Where the engine keeps what a document says: in its row, so that a change writes one thing, or beside it. */

const SOCKETS_LINE = 4;

let server: TestServer;
let postgres: pg.Client;
const dbPath = makeDbPath();

beforeAll(async () => {
  server = await startServer(dbPath);
  const host = readFileSync(path.join(dbPath, 'postgres', 'postmaster.pid'), 'utf8').split('\n')[SOCKETS_LINE];
  postgres = new pg.Client({ host: host ?? '', user: 'postgres', database: 'postgres' });
  await postgres.connect();
});

afterAll(async () => {
  await postgres.end();
  await server.stop();
  removeDbPath(dbPath);
});

/** Bytes of the newest collection's documents that lie beside their rows. */
async function bytesBeside(): Promise<number> {
  const { rows } = await postgres.query<{ bytes: string }>(
    `SELECT pg_relation_size(reltoastrelid) AS bytes FROM pg_class
      WHERE relnamespace = 'documentdb_data'::regnamespace AND relname ~ '^documents_[0-9]+$' ORDER BY oid DESC LIMIT 1`,
  );
  return Number(rows[0]?.bytes);
}

const text = (length: number) => Array.from({ length }, () => String.fromCharCode(33 + Math.random() * 94)).join('');

test.each([
  ['made by its first document', async () => undefined],
  ['made by name', async (name: string) => void (await server.client.db('inline').createCollection(name))],
])('a document of half a page stays in its row, a larger one lies beside it, in a collection %s', async (how, make) => {
  const name = how.replaceAll(' ', '_');
  await make(name);
  const collection = server.client.db('inline').collection<{ _id: string; text: string }>(name);
  await collection.insertOne({ _id: 'half', text: text(3_500) });
  await collection.updateOne({ _id: 'half' }, { $set: { text: text(3_600) } });
  expect(await bytesBeside()).toBe(0);
  await collection.insertOne({ _id: 'more', text: text(20_000) });
  expect(await bytesBeside()).toBeGreaterThan(0);
  expect((await collection.findOne({ _id: 'more' }))?.text).toHaveLength(20_000);
});
