import { randomBytes } from 'node:crypto';
import { beforeEach, expect, test } from '@jest/globals';
import { createAccount } from '../../src/billing/credit.ts';
import { newId } from '../../src/ids.ts';
import { nativeCollection } from '../../src/models/connect.ts';
import {
  PrivacyRequest,
  type PrivacyRequestDocument,
  type PrivacyRequestType,
} from '../../src/models/privacy-request.ts';
import type { RequestDocument } from '../../src/models/request.ts';
import { renderText } from '../../src/papers/plain-text.ts';
import { CACHE_TTL_MS, createContentCipher } from '../../src/privacy/content-key.ts';
import { executeErasure } from '../../src/privacy/erasure.ts';
import { createKeyStore } from '../../src/privacy/key-store.ts';
import { letterPaper } from '../../src/privacy/letters.ts';
import {
  answerRequest,
  approveErasure,
  fileRequest,
  findPrivacyRequest,
  planErasure,
  submitErasure,
  verifyIdentity,
} from '../../src/privacy/privacy-requests.ts';
import { noteNotice, noticePaper, oweNotices } from '../../src/privacy/third-party-notices.ts';
import { requests } from '../helpers/invariants.ts';
import { useStores } from '../helpers/stores.ts';
import { afterCoolingOff } from './erasures.ts';

/** Those who got a subject's data are told of a correction, a restriction and an erasure (152-FZ art. 20(3)). */

useStores();
const masterKeys = new Map([[1, randomBytes(32)]]);
const keys = createKeyStore(masterKeys);
const cipher = createContentCipher(masterKeys, keys);
const operator = { name: 'ООО «Пример»', address: 'Москва', inn: '', email: '', executor: '', processors: '' };
let accountId: string;

beforeEach(async () => {
  accountId = newId('acc');
  await createAccount(accountId);
  const at = (day: number) => new Date(Date.UTC(2026, 4, day));
  const call = (providerId: string, country: string, day: number) => ({
    providerId,
    country,
    at: at(day),
    outcome: 'ok',
    ms: 1,
  });
  const attempts = [[call('near', 'RU', 3)], [call('far', 'DE', 5), call('far', 'US', 7)], []];
  for (const tried of attempts) {
    const row = {
      accountId,
      keyId: 'k',
      model: 'm',
      state: 'done',
      settled: true,
      attempt: 1,
      holdMicros: 1n,
      costMicros: 1n,
    };
    await requests().insertOne({ _id: newId('req'), ...row, attempts: tried } as unknown as RequestDocument);
  }
});

async function verified(type: PrivacyRequestType): Promise<PrivacyRequestDocument> {
  const filing = { accountId, type, channel: 'letter', receivedAt: new Date(), by: 'anna' } as const;
  const { _id } = await fileRequest(filing, cipher);
  await verifyIdentity(_id, 'signed_letter', 'anna');
  return findPrivacyRequest(_id);
}

const statesOf = async (id: string) =>
  Object.fromEntries(((await findPrivacyRequest(id)).notices ?? []).map(({ recipient, state }) => [recipient, state]));

test.each(['rectify', 'block', 'stop_processing'] as const)(
  '%s is answered only when every recipient was told',
  async (type) => {
    const { _id, notices, dueAt } = await verified(type);
    expect(notices?.map(({ recipient, transfers }) => [recipient, transfers])).toEqual([
      ['far', 2],
      ['near', 1],
    ]);
    expect(notices?.every((notice) => notice.dueAt.getTime() === dueAt.getTime())).toBe(true);
    await noteNotice(_id, 'far', 'sent', 'anna');
    await expect(answerRequest(_id, 'anna', 'it was done')).rejects.toThrow(/told first: near/);
    await noteNotice(_id, 'near', 'sent', 'anna');
    expect((await answerRequest(_id, 'anna', 'it was done')).state).toBe('completed');
    await noteNotice(_id, 'far', 'answered', 'anna');
    expect(await statesOf(_id)).toEqual({ far: 'answered', near: 'sent' });
    const letter = letterPaper('completion', await findPrivacyRequest(_id), operator, {
      language: 'ru',
      at: new Date(),
    });
    expect(renderText(letter)).toMatch(/уведомлены те, кому передавались данные: far \(.*\), near \(/);
  },
);

test('an erasure owes them from its point of no return, and they outlive what is destroyed', async () => {
  const { _id, notices } = await verified('erase_account');
  expect(notices).toBeUndefined();
  const { manifest } = await planErasure(_id, 'anna');
  await submitErasure(_id, 'anna');
  await approveErasure(_id, manifest?.hash ?? '', 'boris');
  const at = (ms: number) => afterCoolingOff(keys, ms);
  await executeErasure(_id, at(1_000));
  await executeErasure(_id, at(2 * CACHE_TTL_MS));
  expect((await findPrivacyRequest(_id)).state).toMatch(/^completed/);
  expect(await statesOf(_id)).toEqual({ far: 'owed', near: 'owed' });
  await noteNotice(_id, 'near', 'sent', 'anna');
  const { history } = await findPrivacyRequest(_id);
  expect(history.at(-1)).toMatchObject({ event: 'notice_sent', by: 'anna', note: 'near' });
});

test('one is noted once, in its order, whoever does it, and is written down once', async () => {
  const request = await verified('rectify');
  const { _id } = request;
  await expect(noteNotice(_id, 'far', 'answered', 'anna')).rejects.toMatchObject({ code: 'state_conflict' });
  await expect(noteNotice(_id, 'nobody', 'sent', 'anna')).rejects.toMatchObject({ code: 'not_found' });
  const tries = await Promise.allSettled(['a', 'b', 'c'].map((by) => noteNotice(_id, 'far', 'sent', by)));
  expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  await oweNotices(request);
  await nativeCollection<PrivacyRequestDocument>(PrivacyRequest).updateOne({ _id }, { $set: { type: 'access' } });
  expect(await statesOf(_id)).toEqual({ far: 'sent', near: 'owed' });
});

test('names no subject to the recipient, and says in both languages what is asked', async () => {
  const request = await verified('rectify');
  const paper = (language: 'ru' | 'en') =>
    renderText(noticePaper(request, 'far', operator, { language, at: new Date() }));
  expect(paper('ru')).toMatch(/ООО «Пример»[\s\S]*ч\. 3 ст\. 20[\s\S]*С 5 мая 2026[\s\S]*уточнены/);
  expect(paper('en')).toMatch(/corrected/);
  expect(paper('ru') + paper('en')).not.toContain(accountId);
  expect((await verified('access')).notices).toBeUndefined();
});
