import { createHash, randomBytes } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { beforeEach, expect, test } from '@jest/globals';
import type { CommandStartedEvent } from 'mongodb';
import mongoose from 'mongoose';
import { issueKey } from '../../src/auth/keys.ts';
import { createAccount } from '../../src/billing/credit.ts';
import { newId } from '../../src/ids.ts';
import { createLogger } from '../../src/log.ts';
import { ArchivePiece } from '../../src/models/access-archive.ts';
import { nativeCollection } from '../../src/models/connect.ts';
import type { RequestDocument } from '../../src/models/request.ts';
import type { AnswerSources } from '../../src/privacy/access-answer.ts';
import { GIVEN_CLASSES } from '../../src/privacy/access-archive.ts';
import { setContact } from '../../src/privacy/account-contact.ts';
import { issueLink, lookAtLink, takeArchive } from '../../src/privacy/archive-links.ts';
import { buildArchive, proposeArchives, rebuildArchive } from '../../src/privacy/archives.ts';
import { createContentCipher } from '../../src/privacy/content-key.ts';
import { NO_JOURNAL } from '../../src/privacy/deletion-journal.ts';
import { createEmailIndex } from '../../src/privacy/email-index.ts';
import { createKeyStore } from '../../src/privacy/key-store.ts';
import { fileRequest, findPrivacyRequest, verifyIdentity } from '../../src/privacy/privacy-requests.ts';
import { runRetention } from '../../src/privacy/retention.ts';
import { requests } from '../helpers/invariants.ts';
import { useStores } from '../helpers/stores.ts';
import { unzip } from '../helpers/zip-file.ts';

/** The answer to a request of access: what is in the archive, and that its link gives it once. */

useStores();
const masterKeys = new Map([[1, randomBytes(32)]]);
const cipher = createContentCipher(masterKeys, createKeyStore(masterKeys));
const log = createLogger({ role: 'test', level: 'silent' });
const running = new AbortController().signal;
const WEEK_MS = 7 * 86_400_000;
const operator = {
  name: 'ООО «Пример»', address: 'Москва, ул. Примерная, 1', inn: '7700000000', email: 'privacy@example.com', executor: '', processors: 'ООО «Хостинг»',
}; // biome-ignore format: a row of a table
const sources: AnswerSources = { operator, retentionDefaults: {} };
let accountId: string;
let keySecret: string;

/** A request of the customer, answered by a provider abroad. */
async function ask(input: string): Promise<void> {
  const _id = newId('req');
  const at = new Date('2026-05-12T09:00:00Z');
  const attempt = { routeId: 'r', providerId: 'far-away', country: 'DE', outcome: 'ok', ms: 1, at };
  const sealed = await cipher.seal(accountId, `requests|${_id}|input`, Buffer.from(input));
  const row = {
    accountId,
    keyId: 'key_1',
    model: 'm',
    state: 'done',
    settled: true,
    attempts: [attempt],
    attempt: 1,
    holdMicros: 5n,
    costMicros: 5n,
  };
  await requests().insertOne({ _id, ...row, input: sealed } as unknown as RequestDocument);
}

beforeEach(async () => {
  accountId = newId('acc');
  await createAccount(accountId);
  const issued = await issueKey({ accountId, label: 'of <b>Ivan</b>' }, { pepper: randomBytes(32), seal: cipher.seal });
  keySecret = issued.webhookSecret;
  const contact = { cipher, emailIndex: createEmailIndex(masterKeys) };
  await setContact(accountId, { email: 'ivan@example.ru', language: 'ru' }, 'anna', contact);
  await ask('my private prompt');
});

async function verified(type: 'access' | 'rectify' = 'access'): Promise<string> {
  const filing = { accountId, type, channel: 'letter', receivedAt: new Date(), by: 'anna' } as const;
  const { _id } = await fileRequest(filing, cipher);
  await verifyIdentity(_id, 'signed_letter', 'anna');
  return _id;
}

const build = (id: string, given: Partial<Parameters<typeof buildArchive>[1]> = {}) =>
  buildArchive(id, { sources, cipher, signal: running, now: Date.now, ...given });
const pieces = (requestId: string) => nativeCollection(ArchivePiece).find({ requestId }).toArray();

async function downloaded(id: string): Promise<Buffer> {
  const { content } = await takeArchive((await issueLink(id, 'anna')).token, cipher, Date.now());
  return buffer(content);
}

test('has everything of the registry that is the subject’s, and all that the law wants said, in both languages', async () => {
  const id = await verified();
  expect(await build(id)).toBe(true);
  const zip = await downloaded(id);
  const { archive } = await findPrivacyRequest(id);
  expect(createHash('sha256').update(zip).digest('hex')).toBe(archive?.sha256);
  const files = unzip(zip);
  const names = ['answer', 'data'].flatMap((name) => ['ru', 'en'].map((language) => `${name}.${language}.html`));
  const json = ['answer.ru.json', 'answer.en.json', ...GIVEN_CLASSES.map((row) => `data/${row.id}.json`)];
  expect([...files.keys()].sort()).toEqual([...names, ...json].sort());
  for (const name of json) expect(() => JSON.parse(String(files.get(name)))).not.toThrow();
  expect(String(files.get('data/request.content.json'))).toContain('my private prompt');
  expect(String(files.get('data/account_contact.json'))).toContain('ivan@example.ru');
  expect(String(files.get('data.ru.html'))).toContain('my private prompt');
  expect(String(files.get('data.en.html'))).toContain('of &lt;b&gt;Ivan&lt;/b&gt;');
  const answer = String(files.get('answer.ru.html'));
  for (const part of [
    'ООО «Пример»', 'Москва, ул. Примерная, 1', 'privacy@example.com', 'ООО «Хостинг»', 'тексты запросов и ответов', 'исполнение договора', '30 дней',
    'far-away', 'Осуществлялась в страны: Германия', 'Источник данных', 'Роскомнадзор', 'ст. 14', '18.1', id,
  ]) // biome-ignore format: a list of words
    expect(answer).toContain(part);
  expect(String(files.get('answer.en.html'))).toContain('Made to these countries: Germany');
  const all = [...files.values()].map(String).join('\n');
  expect(all).not.toContain(keySecret);
  expect(all).not.toMatch(/"digest"|undefined|\[object/);
});

test('lies in sealed pieces that no text of it shows through, however large it is, and comes out as it was', async () => {
  await ask(randomBytes(1_500_000).toString('base64'));
  const id = await verified();
  await build(id);
  const kept = await pieces(id);
  expect(kept.length).toBeGreaterThan(1);
  for (const { content } of kept as unknown as { content: { buffer: Uint8Array } }[]) {
    const bytes = Buffer.from(content.buffer);
    expect(bytes.length).toBeLessThan(1_048_576 + 100);
    expect(bytes.includes('request.content')).toBe(false);
  }
  expect(unzip(await downloaded(id)).size).toBe(GIVEN_CLASSES.length + 6);
});

test('has rows of texts read by ten, and files written by pieces, however many rows there are', async () => {
  for (let n = 0; n < 45; n++) await ask(`prompt ${n}`);
  const read: number[] = [];
  const onStarted = ({ commandName, command }: CommandStartedEvent) => {
    if (commandName === 'find' && command.find === 'requests' && command.projection?.input) read.push(command.limit);
  };
  const client = mongoose.connection.getClient();
  client.on('commandStarted', onStarted);
  try {
    await build(await verified());
  } finally {
    client.off('commandStarted', onStarted);
  }
  // Two pages for people and one file for machines, each five pages of rows and an empty one at most.
  expect(read.length).toBeGreaterThanOrEqual(15);
  expect(new Set(read)).toEqual(new Set([10]));
});

test('is kept once when two processes build it, and a link of before a new build gives nothing', async () => {
  const id = await verified();
  await Promise.all([build(id), build(id)]);
  const { archive } = await findPrivacyRequest(id);
  expect((await pieces(id)).every(({ buildId }) => buildId === archive?.buildId)).toBe(true);
  const { token } = await issueLink(id, 'anna');
  await rebuildArchive(id, 'anna');
  expect(await pieces(id)).toEqual([]);
  await expect(issueLink(id, 'anna')).rejects.toMatchObject({ code: 'state_conflict' });
  await build(id);
  expect(await lookAtLink(token, Date.now())).toBe('unknown');
});

test('is wanted for requests of access whose subject is known; what fails three times waits for a person', async () => {
  const [id, other] = [await verified(), await verified('rectify')];
  const { _id: unknown } = await fileRequest(
    { accountId, type: 'access', channel: 'letter', receivedAt: new Date(), by: 'anna' },
    cipher,
  );
  const wanted = async () => {
    const ids: string[] = [];
    await proposeArchives(async (one) => void ids.push(one), log);
    return ids.filter((one) => [id, other, unknown].includes(one));
  };
  expect(await wanted()).toEqual([id]);
  expect([await build(other), await build(unknown)]).toEqual([false, false]);
  const failing = { seal: cipher.seal, open: async () => Promise.reject(new Error('key is away')) };
  for (let time = 0; time < 3; time++) {
    expect(await wanted()).toEqual([id]);
    await expect(build(id, { cipher: failing })).rejects.toThrow('key is away');
  }
  expect([await wanted(), await pieces(id), (await findPrivacyRequest(id)).archive?.state]).toEqual([[], [], 'failed']);
  await rebuildArchive(id, 'anna');
  expect([await wanted(), await build(id), await wanted()]).toEqual([[id], true, []]);
});

test('a link gives it to one of many at once; the download answers the request, and a new link gives it again', async () => {
  const id = await verified();
  await build(id);
  const { token, expiresAt } = await issueLink(id, 'anna');
  expect(JSON.stringify(await findPrivacyRequest(id))).not.toContain(token);
  expect(await lookAtLink(token, Date.now())).toBe('usable');
  const tries = await Promise.allSettled(Array.from({ length: 5 }, () => takeArchive(token, cipher, Date.now())));
  const given = tries.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  expect(given).toHaveLength(1);
  expect(await lookAtLink(token, Date.now())).toBe('used');
  await given[0]?.finish();
  const { state, history } = await findPrivacyRequest(id);
  expect(state).toBe('completed');
  expect(history.map(({ event }) => event)).toEqual([
    'file',
    'verify',
    'archive_ready',
    'link',
    'download',
    'complete',
  ]);
  expect(unzip(await downloaded(id)).size).toBeGreaterThan(6);
  const late = await issueLink(id, 'anna');
  expect(await lookAtLink(late.token, expiresAt.getTime())).toBe('expired');
  await expect(takeArchive(late.token, cipher, expiresAt.getTime())).rejects.toMatchObject({ code: 'not_found' });
  expect(await lookAtLink('x'.repeat(43), Date.now())).toBe('unknown');
});

test('goes with the retention after a week, with an act, and no link leads to it then', async () => {
  const id = await verified();
  await build(id);
  const { token } = await issueLink(id, 'anna');
  const run = { trigger: 'manual', by: 'anna', defaults: {}, signal: running, journal: NO_JOURNAL, log } as const;
  await runRetention({ ...run, nowMs: Date.now() + WEEK_MS - 3_600_000 });
  expect(await pieces(id)).not.toEqual([]);
  const purge = await runRetention({ ...run, nowMs: Date.now() + WEEK_MS + 3_600_000 });
  expect(await pieces(id)).toEqual([]);
  expect(purge.classes.find(({ classId }) => classId === 'access_archive')?.removed).toBeGreaterThan(0);
  expect(purge.actNumber).toBeDefined();
  await expect(takeArchive(token, cipher, Date.now())).rejects.toMatchObject({ code: 'not_found' });
  await expect(issueLink(id, 'anna')).rejects.toMatchObject({ code: 'state_conflict' });
});
