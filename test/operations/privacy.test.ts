import { createHash } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { beforeEach, expect, test } from '@jest/globals';
import { createAccount } from '../../src/billing/account.ts';
import { newId } from '../../src/ids.ts';
import { Account } from '../../src/models/account.ts';
import { AuditEntry } from '../../src/models/audit-entry.ts';
import { lookAtLink } from '../../src/privacy/archive-links.ts';
import { buildArchive } from '../../src/privacy/archives.ts';
import { CACHE_TTL_MS } from '../../src/privacy/content-key.ts';
import { NO_JOURNAL } from '../../src/privacy/deletion-journal.ts';
import { executeErasure } from '../../src/privacy/erasure.ts';
import { readTexts } from '../../src/privacy/intake.ts';
import { createKeyStore } from '../../src/privacy/key-store.ts';
import { COOLING_OFF_MS, findPrivacyRequest } from '../../src/privacy/privacy-requests.ts';
import { useStores } from '../helpers/stores.ts';
import { unzip } from '../helpers/zip-file.ts';
import { cipher, give, type Person, perform, person } from './desk.ts';

/** Requests of data subjects, as staff handle them in the back-office: prepared by support, decided by a second person. */

useStores();
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
  await expect(step(support, 'privacy.evidence', id)).rejects.toMatchObject({ code: 'staff_forbidden' });
  const auditor = person('auditor');
  const { file } = await step(auditor, 'privacy.evidence', id);
  if (!file) throw new Error('there is no file');
  const files = unzip(await buffer(file.content));
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
  const operator = { name: '', address: '', inn: '', email: '', executor: '', processors: '' };
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
