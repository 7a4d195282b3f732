import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { BSON, type Document } from 'mongodb';
import { freePort } from '../../scripts/engines/free-port.ts';
import { type ArchiveKind, readArchive, writeArchive } from '../../src/backup/archive.ts';
import { listBackups } from '../../src/backup/backup-files.ts';
import { beginRestore } from '../../src/backup/restore.ts';
import { withSnapshot } from '../../src/backup/snapshot.ts';
import { createAccount, creditAccount } from '../../src/billing/credit.ts';
import { flushOutboxes } from '../../src/billing/ledger.ts';
import { checkAccount } from '../../src/billing/reconcile.ts';
import { newId } from '../../src/ids.ts';
import { createLogger } from '../../src/log.ts';
import { connectMongo, databases, disconnectMongo, nativeCollection, pingMongo } from '../../src/models/connect.ts';
import { DestructionEvent } from '../../src/models/destruction.ts';
import type { RequestDocument } from '../../src/models/request.ts';
import { Restore, type RestoreDocument } from '../../src/models/restore.ts';
import { verifyErased } from '../../src/privacy/class-rows.ts';
import { CACHE_TTL_MS, createContentCipher } from '../../src/privacy/content-key.ts';
import { createDeletionJournal } from '../../src/privacy/deletion-journal.ts';
import { brokenActs } from '../../src/privacy/destruction-acts.ts';
import { executeErasure } from '../../src/privacy/erasure.ts';
import { createKeyStore } from '../../src/privacy/key-store.ts';
import {
  approveErasure,
  COOLING_OFF_MS,
  fileRequest,
  planErasure,
  submitErasure,
  verifyIdentity,
} from '../../src/privacy/privacy-requests.ts';
import { runRetention } from '../../src/privacy/retention.ts';
import { ROW_CLASSES } from '../../src/privacy/row-classes.ts';
import { toBytes } from '../../src/privacy/sealing.ts';
import { startBuilt, startNode } from '../helpers/built-process.ts';
import { accounts, ledger, requests } from '../helpers/invariants.ts';
import { useStores } from '../helpers/stores.ts';

/** The drill: backup, erase, lose the database, restore. What was erased stays erased, and the books are whole. */

jest.setTimeout(120_000);
const stores = useStores();
const folder = mkdtempSync(path.join(os.tmpdir(), 'ocelotiq-drill-'));
const journal = createDeletionJournal(path.join(folder, 'journal'));
const masterKey = randomBytes(32);
const masterKeys = new Map([[1, masterKey]]);
const keys = createKeyStore(masterKeys);
/** Nothing is remembered, as in a process that has just started. */
const cipher = () => createContentCipher(masterKeys);
const log = createLogger({ role: 'test', level: 'silent' });
const signal = new AbortController().signal;
const restoredName = () => `${stores.database}_r`;
let environment: Record<string, string>;

beforeAll(async () => {
  const identity = await generateX25519Identity();
  environment = {
    OCELOTIQ_MODE: 'evaluation',
    MONGODB_URI: stores.mongoUri,
    MONGODB_DATABASE: stores.database,
    REDIS_URL: stores.redisUrl,
    KEY_PEPPER: randomBytes(32).toString('base64'),
    MASTER_KEYS: `1:${masterKey.toString('base64')}`,
    BACKUP_DIR: path.join(folder, 'data'),
    KEY_BACKUP_DIR: path.join(folder, 'keys'),
    BACKUP_RECIPIENT: await identityToRecipient(identity),
    BACKUP_IDENTITY: identity,
    DELETION_JOURNAL_DIR: path.join(folder, 'journal'),
  };
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function run(script: string, args: string[], changes: Record<string, string> = {}): Promise<string> {
  const child = startNode(['--import', 'tsx', `scripts/${script}.ts`, ...args], { ...environment, ...changes });
  const code = await child.ended;
  return `${code} ${child.output()}`;
}

async function newest(): Promise<{ dataFile: string; keysFile: string }> {
  const last = async (place: string, kind: ArchiveKind) => (await listBackups(path.join(folder, place), kind)).at(-1);
  return { dataFile: (await last('data', 'data')) ?? '', keysFile: (await last('keys', 'keys')) ?? '' };
}

type Customer = { accountId: string; requestId: string };

/** Money in, money out, and a prompt that is kept. */
async function customer(ageDays = 0): Promise<Customer> {
  const accountId = newId('acc');
  await createAccount(accountId);
  for (const amountMicros of [5_000_000n, 2n])
    await creditAccount({ accountId, entryId: newId('pay'), amountMicros, kind: 'top_up' });
  await flushOutboxes([accountId], log);
  const requestId = newId('req', Date.now() - ageDays * 86_400_000);
  const input = await cipher().seal(accountId, `requests|${requestId}|input`, Buffer.from('my prompt'));
  const row = { keyId: 'key_1', model: 'm', state: 'done', settled: true, attempt: 1, holdMicros: 1n, costMicros: 0n };
  await requests().insertOne({ _id: requestId, accountId, input, ...row } as unknown as RequestDocument);
  return { accountId, requestId };
}

async function promptOf({ accountId, requestId }: Customer): Promise<string | undefined> {
  const input = (await requests().findOne({ _id: requestId }))?.input;
  if (!input) return undefined;
  return (await cipher().open(accountId, `requests|${requestId}|input`, toBytes(input))).toString();
}

async function erase(accountId: string): Promise<void> {
  // Given back by hand: a balance stands in the way of an erasure.
  await accounts().updateOne({ _id: accountId }, { $set: { availableMicros: 0n } });
  const filing = { accountId, type: 'erase_account', channel: 'letter', receivedAt: new Date(), by: 'anna' } as const;
  const { _id } = await fileRequest(filing, cipher());
  await verifyIdentity(_id, 'signed_letter', 'anna');
  const { manifest } = await planErasure(_id, 'anna');
  await submitErasure(_id, 'anna');
  await approveErasure(_id, manifest?.hash ?? '', 'boris');
  for (const ms of [1_000, 2 * CACHE_TTL_MS])
    await executeErasure(_id, { keys, journal, now: () => Date.now() + COOLING_OFF_MS + ms, signal });
}

const purge = () =>
  runRetention({ nowMs: Date.now(), trigger: 'manual', by: 'a test', defaults: {}, signal, journal, log });

async function inRestored(look: () => Promise<void>): Promise<void> {
  await disconnectMongo();
  await connectMongo({ uri: stores.mongoUri, database: restoredName(), poolMax: 5 });
  try {
    await look();
  } finally {
    await disconnectMongo();
    await connectMongo({ uri: stores.mongoUri, database: stores.database, poolMax: 5 });
  }
}

test('backup, erase, restore: what was deleted is deleted again, the rest is as it was, and the ledger sums', async () => {
  const [stays, goes, old] = [await customer(), await customer(), await customer(40)];
  const taken = await run('backup', ['take']);
  expect(taken).toMatch(/^0 /);
  const { dataFile, keysFile } = await newest();
  await erase(goes.accountId);
  await purge();
  const lostActs = await nativeCollection(DestructionEvent).distinct('causeId');
  expect(lostActs).toHaveLength(2);
  const late = await customer();

  const source = { dataFile, keysFile, identity: environment.BACKUP_IDENTITY ?? '' };
  await expect(beginRestore(source, Date.now)).rejects.toThrow('is not empty');
  const into = { MONGODB_DATABASE: restoredName() };
  const report = await run('restore', ['--data', dataFile, '--keys', keysFile], into);
  expect(report).toMatch(/^0 /);
  expect(report).toMatch(/erasures repeated +1\n[\s\S]*accounts that differ +none/);

  await inRestored(async () => {
    for (const row of ROW_CLASSES) expect([row.id, await verifyErased(row, goes.accountId)]).toEqual([row.id, 0]);
    await expect(cipher().seal(goes.accountId, 'late', Buffer.from('x'))).rejects.toThrow('was destroyed');
    expect(await promptOf(stays)).toBe('my prompt');
    expect(await requests().findOne({ _id: old.requestId })).toMatchObject({ _id: old.requestId });
    expect(await promptOf(old)).toBeUndefined();
    expect(await accounts().countDocuments({ _id: late.accountId })).toBe(0);
    for (const account of await accounts().find().toArray()) {
      expect((await checkAccount(account)).problems).toEqual([]);
      expect(await ledger().countDocuments({ accountId: account._id })).toBe(2);
    }
    expect(await accounts().findOne({ _id: stays.accountId })).toMatchObject({ availableMicros: 5_000_002n });
    // The acts that the backup did not have are evidence, and the replay has one of its own behind them.
    expect(await brokenActs()).toEqual([]);
    const causes = await nativeCollection(DestructionEvent).distinct('causeId');
    expect(causes).toEqual(expect.arrayContaining(lostActs));
    expect(causes).toHaveLength(3);
  });
});

test('a database whose restore has not ended serves nobody, and the restore may begin again', async () => {
  await inRestored(async () => {
    await nativeCollection<RestoreDocument>(Restore).updateMany({}, { $unset: { endedAt: '' } });
    expect(await pingMongo()).toBe(false);
  });
  const into = { MONGODB_DATABASE: restoredName(), REDIS_PREFIX: stores.prefix };
  const port = String(await freePort());
  const places = { API_PORT: port, API_METRICS_PORT: port, WORKER_METRICS_PORT: port };
  const started = ['api', 'workers'].map((role) => startBuilt(role, { ...environment, ...into, ...places }));
  expect(await Promise.all(started.map(({ ended }) => ended))).toEqual([1, 1]);
  for (const one of started) expect(one.output()).toContain('is being restored');
  const { dataFile, keysFile } = await newest();
  expect(await run('restore', ['--data', dataFile, '--keys', keysFile], into)).toMatch(
    /^0 [\s\S]*erasures repeated +1\n/,
  );
  await inRestored(async () => {
    expect(await accounts().countDocuments()).toBe(3);
    for (const { client, name } of Object.values(databases())) await client.db(name).dropDatabase();
  });
});

test('a backup shows one moment, whatever is written while it is read', async () => {
  const { accountId } = await customer();
  const { client, name } = databases().data;
  const of = (collection: string, rows: Document[]) => rows.filter((row) => row.collection === collection);
  const rows = await withSnapshot(client, name, async (session, snapshot) => {
    const header = { format: 1, kind: 'data', takenAt: new Date(), snapshot } as const;
    const pieces = writeArchive(client.db(name), session, header, ['accounts', 'ledger']);
    const found: Document[] = [];
    for await (const { collection, bytes } of (await readArchive(pieces, 'data')).documents) {
      if (found.length === 0) {
        await creditAccount({ accountId, entryId: newId('pay'), amountMicros: 7n, kind: 'top_up' });
        await flushOutboxes([accountId], log);
      }
      found.push({ collection, ...BSON.deserialize(bytes, { useBigInt64: true }) });
    }
    return found;
  });
  const [account] = of('accounts', rows).filter(({ _id }) => _id === accountId);
  const entries = of('ledger', rows).filter((row) => row.accountId === accountId);
  expect(entries.map(({ amountMicros }) => amountMicros)).toEqual([5_000_000n, 2n]);
  expect(account?.availableMicros).toBe(5_000_002n);
  expect(await ledger().countDocuments({ accountId })).toBe(3);
});

test('the journal keeps one entry of a kind for a cause, in order, and forgets what no backup can bring back', async () => {
  const place = path.join(folder, 'other');
  const other = createDeletionJournal(place);
  const entry = (n: number) =>
    ({ kind: 'erasure', causeId: newId('dsr'), accountId: `acc_${n}`, at: new Date(n) }) as const;
  const [first, second] = [entry(2), entry(1)];
  await Promise.all([other.append(first), other.append(first), other.append(second)]);
  expect(await other.entries()).toEqual([second, first]);
  expect(readdirSync(place)).toHaveLength(2);
  expect(await other.dropBefore(new Date(Date.now() - 60_000))).toBe(0);
  expect(await other.dropBefore(new Date(Date.now() + 60_000))).toBe(2);
  expect(await other.entries()).toEqual([]);
});
