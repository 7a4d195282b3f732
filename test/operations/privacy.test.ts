import { createHash } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { createAccount } from '../../src/billing/credit.ts';
import { newId } from '../../src/ids.ts';
import { Account } from '../../src/models/account.ts';
import { AuditEntry } from '../../src/models/audit-entry.ts';
import { PrivacyRequest } from '../../src/models/privacy-request.ts';
import type { OperationName } from '../../src/operations/catalogue.ts';
import type { OperationResult } from '../../src/operations/define.ts';
import { renderText } from '../../src/papers/plain-text.ts';
import { lookAtLink } from '../../src/privacy/archive-links.ts';
import { buildArchive } from '../../src/privacy/archives.ts';
import { CACHE_TTL_MS } from '../../src/privacy/content-key.ts';
import { NO_JOURNAL } from '../../src/privacy/deletion-journal.ts';
import { executeErasure } from '../../src/privacy/erasure.ts';
import { EVIDENCE_FILE } from '../../src/privacy/evidence-pack.ts';
import { readTexts } from '../../src/privacy/intake.ts';
import { createKeyStore } from '../../src/privacy/key-store.ts';
import { letterPaper } from '../../src/privacy/letters.ts';
import { COOLING_OFF_MS, findPrivacyRequest } from '../../src/privacy/privacy-requests.ts';
import { requestFiles } from '../../src/privacy/request-papers.ts';
import { useStores } from '../helpers/stores.ts';
import { unzip } from '../helpers/zip-file.ts';
import { cipher, dependencies, give, type Person, perform, person } from './desk.ts';

/** Requests of data subjects, as staff handle them in the back-office: prepared by support, decided by a second person. */

useStores();
const { operator } = dependencies;
const EMAIL = 'subject@example.org';
let accountId = '';
let support: Person;

beforeEach(async () => {
  accountId = newId('acc');
  support = person('support');
  await createAccount(accountId);
});

const step = (who: Person, name: Parameters<typeof give>[1], targetId: string, input: Record<string, string> = {}) =>
  perform(who, { name, targetId, input });

async function bytesOf(file: OperationResult['file']): Promise<Buffer> {
  if (!file) throw new Error('there is no file');
  return buffer(file.content);
}

async function filed(subjectType = 'erase_account', receivedAt?: string): Promise<string> {
  const given = { accountId, subjectType, email: EMAIL, ...(receivedAt === undefined ? {} : { receivedAt }) };
  return (await perform(support, { name: 'privacy.file', input: given })).madeId ?? '';
}

async function submitted(): Promise<string> {
  const id = await filed();
  await step(support, 'privacy.verify', id, { identity: 'signed_letter' });
  await step(support, 'privacy.plan', id);
  await step(support, 'privacy.submit', id);
  return id;
}

test('support takes an erasure from the letter to the plan, and an admin approves exactly that plan', async () => {
  const id = await submitted();
  expect((await Account.findById(accountId).lean())?.status).toBe('suspended');
  const { manifest, state } = await findPrivacyRequest(id);
  expect(state).toBe('awaiting_approval');
  const admin = person('admin');
  await expect(step(admin, 'privacy.approve', id, { manifestHash: 'another' })).rejects.toMatchObject({
    code: 'state_conflict',
  });
  await step(admin, 'privacy.approve', id, { manifestHash: manifest?.hash ?? '' });
  expect(await findPrivacyRequest(id)).toMatchObject({ state: 'scheduled', approvedBy: admin.staffId });
});

test('nobody approves the own plan, and support approves none', async () => {
  const id = await submitted();
  const manifestHash = (await findPrivacyRequest(id)).manifest?.hash ?? '';
  await expect(step(person('support'), 'privacy.approve', id, { manifestHash })).rejects.toMatchObject({
    code: 'staff_forbidden',
  });
  const admin = person('admin');
  const own = await filed('erase_unlawful');
  await step(admin, 'privacy.verify', own, { identity: 'signed_letter' });
  await step(admin, 'privacy.plan', own);
  await step(admin, 'privacy.submit', own);
  const hash = (await findPrivacyRequest(own)).manifest?.hash ?? '';
  await expect(step(admin, 'privacy.approve', own, { manifestHash: hash })).rejects.toMatchObject({
    code: 'second_person_needed',
  });
});

test('every step is in the audit log; where to answer is sealed and in none of its entries', async () => {
  const id = await submitted();
  const entries = await AuditEntry.find({ actorId: support.staffId }).sort({ _id: 1 }).lean();
  const done = entries.filter(({ outcome }) => outcome === 'done').map(({ action }) => action);
  expect(done).toEqual(['privacy.file', 'privacy.verify', 'privacy.plan', 'privacy.submit']);
  expect(JSON.stringify(entries, (_, value) => (typeof value === 'bigint' ? String(value) : value))).not.toContain(
    EMAIL,
  );
  expect((await readTexts(await findPrivacyRequest(id), cipher)).contact).toBe(EMAIL);
});

test('the term runs from the day the letter came; a day to come and one of long ago are refused', async () => {
  const dayMs = 86_400_000;
  const at = new Date(Date.now() - 3 * dayMs);
  const late = await findPrivacyRequest(await filed('access', at.toISOString()));
  const now = await findPrivacyRequest(await filed('rectify'));
  expect(late.receivedAt).toEqual(at);
  expect(now.receivedAt.getTime()).toBeGreaterThan(at.getTime());
  for (const wrong of [Date.now() + dayMs, Date.now() - 400 * dayMs])
    await expect(filed('access', new Date(wrong).toISOString())).rejects.toMatchObject({ code: 'invalid_request' });
});

test('an admin refuses with a reason, and the account is unblocked', async () => {
  const id = await submitted();
  await expect(give(support, 'privacy.refuse', id)).rejects.toMatchObject({ code: 'staff_forbidden' });
  await give(person('admin'), 'privacy.refuse', id);
  expect(await findPrivacyRequest(id)).toMatchObject({ state: 'refused' });
  expect((await Account.findById(accountId).lean())?.status).toBe('active');
});

test('whoever asks is asked for more, held up, let go on, sent back; each with its reason, and the term runs on', async () => {
  const admin = person('admin');
  const id = await filed();
  const { dueAt } = await findPrivacyRequest(id);
  const states: string[] = [];
  const take = async (who: Person, name: OperationName, input: Record<string, string> = {}) => {
    await step(who, name, id, input);
    states.push((await findPrivacyRequest(id)).state);
  };
  await take(support, 'privacy.ask-identity', { reason: 'a signed letter was asked for' });
  await expect(give(admin, 'privacy.expire', id)).rejects.toMatchObject({ code: 'state_conflict' });
  await take(support, 'privacy.verify', { identity: 'signed_letter' });
  await take(support, 'privacy.ask-more', { reason: 'which of the accounts' });
  await take(support, 'privacy.inform', { reason: 'it is this one' });
  await expect(give(support, 'privacy.hold', id)).rejects.toMatchObject({ code: 'staff_forbidden' });
  await take(admin, 'privacy.hold', { reason: 'GPK art. 57, until the court has decided' });
  await take(admin, 'privacy.release', { reason: 'the court has decided' });
  await take(support, 'privacy.plan');
  await take(support, 'privacy.submit');
  await take(admin, 'privacy.reject', { reason: 'the other account is meant' });
  expect(states).toEqual([
    'awaiting_identity', 'verified', 'needs_info', 'verified', 'on_hold', 'verified', 'planned', 'awaiting_approval', 'planned',
  ]); // biome-ignore format: a list of names
  const now = await findPrivacyRequest(id);
  expect(now.dueAt).toEqual(dueAt);
  expect(now.history.map(({ note }) => note)).toContain('GPK art. 57, until the court has decided');
  expect((await Account.findById(accountId).lean())?.status).toBe('suspended');
});

test('a request whose subject was never known ends when its term is over, and not before', async () => {
  const longAgo = new Date(Date.now() - 60 * 86_400_000).toISOString();
  const id = await filed('erase_account', longAgo);
  const admin = person('admin');
  await expect(give(admin, 'privacy.expire', id)).rejects.toMatchObject({ code: 'state_conflict' });
  await give(support, 'privacy.ask-identity', id);
  await give(admin, 'privacy.expire', id);
  expect(await findPrivacyRequest(id)).toMatchObject({ state: 'unverified_expired', closedAt: expect.any(Date) });
});

/** A plan that was approved, and what came of it a day later. */
async function erased(): Promise<string> {
  const id = await submitted();
  const manifestHash = (await findPrivacyRequest(id)).manifest?.hash ?? '';
  await step(person('admin'), 'privacy.approve', id, { manifestHash });
  const { signal } = new AbortController();
  for (const ms of [COOLING_OFF_MS + 1_000, COOLING_OFF_MS + 2 * CACHE_TTL_MS]) {
    const now = () => Date.now() + ms;
    await executeErasure(id, {
      keys: createKeyStore(new Map([[1, Buffer.alloc(32, 9)]])),
      journal: NO_JOURNAL,
      now,
      signal,
    });
  }
  return id;
}

test('an auditor takes the evidence of an erasure along: every file in the index, and nothing the subject wrote', async () => {
  const id = await erased();
  await expect(step(support, 'privacy.evidence', id, { file: EVIDENCE_FILE })).rejects.toMatchObject({
    code: 'staff_forbidden',
  });
  const auditor = person('auditor');
  const { file } = await step(auditor, 'privacy.evidence', id, { file: EVIDENCE_FILE });
  const files = unzip(await bytesOf(file));
  const { actNumber } = await findPrivacyRequest(id);
  expect([...files.keys()]).toEqual([
    'README.txt', 'request.json', 'history.json', 'manifest.json', 'letters/completion.ru.pdf', 'letters/completion.en.pdf', 'notices/notices.json',
    `act/act-${actNumber}.pdf`, `act/act-${actNumber}.json`, `act/extract-${actNumber}.pdf`, `act/extract-${actNumber}.ndjson`, 'act/signed-copies.json',
    'verification.json', 'audit.json', 'index.json',
  ]); // biome-ignore format: a list of names
  const read = (name: string) => JSON.parse(String(files.get(name)));
  const { sha256 } = read('index.json') as { sha256: Record<string, string> };
  const hashes = [...files]
    .filter(([name]) => name !== 'index.json')
    .map(([name, bytes]) => [name, createHash('sha256').update(bytes).digest('hex')]);
  expect(sha256).toEqual(Object.fromEntries(hashes));
  expect(read('manifest.json')).toMatchObject({ isWhole: true, handler: support.staffId });
  expect(new Set(Object.values(read('verification.json').left))).toEqual(new Set([0]));
  expect(read('verification.json')).toMatchObject({ brokenActs: [], acts: [{ _id: actNumber }] });
  expect(
    read('audit.json').map(({ action, outcome }: { action: string; outcome: string }) => `${action} ${outcome}`),
  ).toEqual(
    expect.arrayContaining([
      'privacy.verify done',
      'privacy.approve done',
      'privacy.evidence denied',
      'privacy.evidence begun',
    ]),
  );
  const all = [...files.values()].map(String).join('');
  expect(all).not.toContain(EMAIL);
  expect(all).not.toContain(support.address);
});

test('support makes a link to an archive and notes a notice; the token and the link are in no log', async () => {
  const id = await filed('access');
  await step(support, 'privacy.verify', id, { identity: 'signed_letter' });
  await expect(step(support, 'privacy.archive-link', id)).rejects.toMatchObject({ code: 'state_conflict' });
  const { signal } = new AbortController();
  await buildArchive(id, { sources: { operator, retentionDefaults: {} }, cipher, signal, now: Date.now });
  const { archiveLink } = await step(support, 'privacy.archive-link', id);
  const token = archiveLink?.token ?? '';
  expect(token).toHaveLength(43);
  expect(await lookAtLink(token, Date.now())).toBe('usable');
  const entries = await AuditEntry.find({ targetId: id }, { _id: 0 }).sort({ _id: 1 }).lean();
  expect(JSON.stringify(entries)).not.toContain(token);
  await expect(step(support, 'privacy.notice-sent', id, { recipient: 'nobody' })).rejects.toMatchObject({
    code: 'not_found',
  });
});

describe('papers of a request', () => {
  const take = (who: Person, id: string, file: string) => step(who, 'privacy.paper', id, { file });

  test('are those that its state gives reason for, in both languages, for whoever sees the request', async () => {
    const id = await filed('access');
    const names = async () => requestFiles(await findPrivacyRequest(id));
    expect(await names()).toEqual([]);
    await give(support, 'privacy.extend', id);
    expect(await names()).toEqual(['extension.ru.pdf', 'extension.en.pdf']);
    const { file } = await take(support, id, 'extension.ru.pdf');
    expect(file).toMatchObject({ name: `${id}-extension.ru.pdf`, mediaType: 'application/pdf' });
    expect((await bytesOf(file)).subarray(0, 5).toString()).toBe('%PDF-');
    await expect(take(support, id, 'refusal.ru.pdf')).rejects.toMatchObject({ code: 'state_conflict' });
    await expect(take(support, id, 'act.pdf')).rejects.toMatchObject({ code: 'invalid_request' });
    await expect(take(person('finance'), id, 'extension.ru.pdf')).rejects.toMatchObject({ code: 'staff_forbidden' });
  });

  test('to those who got the data are one archive with a letter for each; a letter of completion says who is still to be told', async () => {
    const id = await erased();
    const at = new Date();
    const notice = { countries: ['DE'], transfers: 2, first: at, last: at, dueAt: at };
    const notices = ['near', 'far/away'].map((recipient) => ({ ...notice, recipient, state: 'owed' }));
    await PrivacyRequest.updateOne({ _id: id }, { $set: { notices } });
    const { file } = await take(person('auditor'), id, 'notices.en.zip');
    expect(file?.mediaType).toBe('application/zip');
    expect([...unzip(await bytesOf(file)).keys()]).toEqual(['near.en.pdf', 'far_away.en.pdf']);
    await step(support, 'privacy.notice-sent', id, { recipient: 'near' });
    const letter = letterPaper('completion', await findPrivacyRequest(id), operator, { language: 'en', at });
    const text = renderText(letter);
    expect(text).toMatch(/have been told: near \(/);
    expect(text).toContain('will be told: far/away.');
  });
});

test('papers of an incident are PDF files for whoever sees incidents', async () => {
  const operators = person('operator');
  const { madeId: id = '' } = await perform(operators, {
    name: 'incidents.open',
    input: { text: 'a letter went astray' },
  });
  for (const paper of ['first.ru.pdf', 'owner.en.pdf']) {
    const { file } = await step(operators, 'incidents.paper', id, { file: paper });
    expect(file).toMatchObject({ name: `${id}-${paper}`, mediaType: 'application/pdf' });
    expect((await bytesOf(file)).subarray(0, 5).toString()).toBe('%PDF-');
  }
  await expect(step(person('finance'), 'incidents.paper', id, { file: 'first.ru.pdf' })).rejects.toMatchObject({
    code: 'staff_forbidden',
  });
});
