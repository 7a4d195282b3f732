import { randomBytes } from 'node:crypto';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { createAccount } from '../../src/billing/credit.ts';
import { newId } from '../../src/ids.ts';
import { nativeCollection } from '../../src/models/connect.ts';
import { DestructionAct, type DestructionActDocument } from '../../src/models/destruction.ts';
import {
  PRIVACY_REQUEST_TYPES,
  type PrivacyRequestType,
  type UnlawfulGround,
} from '../../src/models/privacy-request.ts';
import { renderText } from '../../src/papers/plain-text.ts';
import { CACHE_TTL_MS, createContentCipher } from '../../src/privacy/content-key.ts';
import { NO_JOURNAL } from '../../src/privacy/deletion-journal.ts';
import { executeErasure } from '../../src/privacy/erasure.ts';
import { createKeyStore } from '../../src/privacy/key-store.ts';
import { letterPaper, lettersOf } from '../../src/privacy/letters.ts';
import {
  answerRequest,
  approveErasure,
  COOLING_OFF_MS,
  closeRequest,
  extendRequest,
  fileRequest,
  findPrivacyRequest,
  planErasure,
  submitErasure,
  verifyIdentity,
} from '../../src/privacy/privacy-requests.ts';
import { openUnlawful } from '../../src/privacy/unlawful.ts';
import { accounts } from '../helpers/invariants.ts';
import { useStores } from '../helpers/stores.ts';

/** Each of the seven types from the letter to its end: terms over holidays, extension, refusal, withdrawal, act and letter. */

useStores();
const masterKeys = new Map([[1, randomBytes(32)]]);
const keys = createKeyStore(masterKeys);
const cipher = createContentCipher(masterKeys, keys);
const operator = { name: '', address: '', inn: '', email: '', executor: '', processors: '' };
const ANNA = 'anna';
/** A Thursday before the May holidays of 2026: 1 and 11 May are off. */
const RECEIVED = new Date('2026-04-30T12:00:00+03:00');
let accountId: string;

beforeEach(async () => {
  accountId = newId('acc');
  await createAccount(accountId);
});

const statusOf = async () => (await accounts().findOne({ _id: accountId }))?.status;
const endOf = (date: string) => new Date(`${date}T23:59:59.999+03:00`);

async function filed(type: PrivacyRequestType, receivedAt = RECEIVED): Promise<string> {
  return (await fileRequest({ accountId, type, channel: 'letter', receivedAt, by: ANNA }, cipher))._id;
}

async function verified(type: PrivacyRequestType): Promise<string> {
  const id = await filed(type);
  await verifyIdentity(id, 'signed_letter', ANNA);
  return id;
}

async function letter(id: string, language: 'ru' | 'en' = 'ru'): Promise<string> {
  const request = await findPrivacyRequest(id);
  const [kind] = lettersOf(request).slice(-1);
  if (!kind) throw new Error('there is nothing to write');
  return renderText(letterPaper(kind, request, operator, { language, at: RECEIVED }));
}

/** From the plan to the act, with the clock where the workers would be. */
async function erased(id: string, coolingOffMs: number): Promise<DestructionActDocument | null> {
  const { manifest } = await planErasure(id, ANNA);
  await submitErasure(id, ANNA);
  const approvedMs = Date.now();
  await approveErasure(id, manifest?.hash ?? '', 'boris', approvedMs);
  const { signal } = new AbortController();
  const at = (ms: number) => executeErasure(id, { keys, journal: NO_JOURNAL, signal, now: () => approvedMs + ms });
  if (coolingOffMs > 0) await expect(at(coolingOffMs - 1)).rejects.toThrow('cooling-off');
  await at(coolingOffMs);
  // No process can have the key in its memory any more.
  await at(Date.now() - approvedMs + coolingOffMs + 2 * CACHE_TTL_MS);
  return nativeCollection<DestructionActDocument>(DestructionAct).findOne({ causeId: id });
}

type Row = {
  due: string;
  /** After the reasoned notice; where there is none, the law has no extension. */
  extended?: string;
  blocks: boolean;
  /** Of what is destroyed: how long the subject may think better of it. */
  coolingOffMs?: number;
  norm: string;
};

const TYPES: Readonly<Record<PrivacyRequestType, Row>> = {
  access: { due: '2026-05-18', extended: '2026-05-25', blocks: false, norm: 'ч. 1 ст. 20' },
  rectify: { due: '2026-05-13', blocks: false, norm: 'ч. 3 ст. 20' },
  block: { due: '2026-04-30', blocks: true, norm: 'ч. 1 ст. 21' },
  stop_processing: { due: '2026-05-18', extended: '2026-05-25', blocks: true, norm: 'ч. 5.1 ст. 21' },
  withdraw_consent: { due: '2026-05-30', blocks: false, norm: 'ч. 5 ст. 21' },
  erase_account: { due: '2026-05-30', blocks: true, coolingOffMs: COOLING_OFF_MS, norm: 'ч. 4 ст. 21' },
  erase_unlawful: { due: '2026-05-13', blocks: true, coolingOffMs: 0, norm: 'ч. 3 ст. 20' },
};

describe.each(PRIVACY_REQUEST_TYPES)('a request of type %s', (type) => {
  const { due, extended, blocks, coolingOffMs, norm } = TYPES[type];

  test('has its term from the day of the letter, over holidays, and blocks at once if its norm wants that', async () => {
    const id = await filed(type);
    expect(await findPrivacyRequest(id)).toMatchObject({ dueAt: endOf(due), isProvisional: false, state: 'received' });
    expect(await statusOf()).toBe('active');
    await verifyIdentity(id, 'signed_letter', ANNA);
    expect(await statusOf()).toBe(blocks ? 'suspended' : 'active');
  });

  test('is longer by five working days with a notice in time, or not at all', async () => {
    const id = await filed(type);
    const extend = (at: Date) => extendRequest(id, ANNA, 'архив на другой площадке', at.getTime());
    if (extended === undefined) {
      await expect(extend(RECEIVED)).rejects.toThrow('No extension exists');
      return;
    }
    await expect(extend(new Date(endOf(due).getTime() + 1))).rejects.toThrow('Too late');
    // The last moment of the term is still in time.
    await expect(extendRequest(id, ANNA, 'нет', endOf(due).getTime())).rejects.toMatchObject({
      code: 'invalid_request',
    });
    expect(await extend(endOf(due))).toEqual(endOf(extended));
    await expect(extend(endOf(due))).rejects.toMatchObject({ code: 'state_conflict' });
    expect(await letter(id)).toContain('архив на другой площадке');
  });

  test('is refused with its reason in the letter, or taken back, and the account works again', async () => {
    const refused = await verified(type);
    await expect(closeRequest(refused, 'refuse', ANNA, ' ')).rejects.toMatchObject({ code: 'invalid_request' });
    await closeRequest(refused, 'refuse', ANNA, 'ч. 8 ст. 14: нарушает права других');
    expect(await statusOf()).toBe('active');
    const text = await letter(refused);
    expect(text).toContain('ч. 8 ст. 14: нарушает права других');
    expect(text).toContain(norm);
    const taken = await verified(type);
    await closeRequest(taken, 'cancel', ANNA, 'передумал');
    expect(await findPrivacyRequest(taken)).toMatchObject({ state: 'cancelled', closedAt: expect.any(Date) });
    expect(await statusOf()).toBe('active');
  });

  test('ends with its answer, or with an act and a letter that names it', async () => {
    const id = await verified(type);
    if (coolingOffMs === undefined) {
      await expect(planErasure(id, ANNA)).rejects.toMatchObject({ code: 'invalid_request' });
      await answerRequest(id, ANNA, 'исправлено и сообщено');
      expect(await letter(id)).toContain('исправлено и сообщено');
      return;
    }
    await expect(answerRequest(id, ANNA, 'готово')).rejects.toMatchObject({ code: 'state_conflict' });
    const act = await erased(id, coolingOffMs);
    expect(act).toMatchObject({ subjects: 1, accountId });
    expect(await findPrivacyRequest(id)).toMatchObject({ state: 'completed_with_retained', actNumber: act?._id });
    const text = await letter(id);
    expect(text).toContain(`№ ${act?._id}`);
    expect(text).toContain(norm);
    expect(await statusOf()).toBe('closed');
  });
});

describe('data that is processed unlawfully', () => {
  const open = (ground: UnlawfulGround, identity: 'representative' | 'own_finding' | 'signed_letter') =>
    openUnlawful(
      {
        accountId,
        ground,
        identity,
        contact: 'parent@example.org',
        foundAt: RECEIVED,
        by: ANNA,
        reason: 'запись о возрасте',
      },
      cipher,
    );

  test.each([
    ['minor', 'representative', '2026-05-18'],
    ['minor', 'own_finding', '2026-05-18'],
    ['found_by_operator', 'own_finding', '2026-05-18'],
    ['proven_by_subject', 'signed_letter', '2026-05-13'],
  ] as const)('%s, known by %s, is blocked at once and due by %s', async (ground, identity, due) => {
    const request = await open(ground, identity);
    expect(request).toMatchObject({ state: 'verified', ground, dueAt: endOf(due), identity: { kind: identity } });
    expect(request.history.at(-1)).toMatchObject({ event: 'verify', note: 'запись о возрасте' });
    expect(await statusOf()).toBe('suspended');
  });

  test.each([
    ['found_by_operator', 'representative'],
    ['proven_by_subject', 'own_finding'],
  ] as const)('%s is not opened by a proof that contradicts it: %s', async (ground, identity) => {
    await expect(open(ground, identity)).rejects.toMatchObject({ code: 'invalid_request' });
    expect(await statusOf()).toBe('active');
  });

  test('of a minor is erased without a cooling-off, and the representative is told by a letter with the ground', async () => {
    const { _id } = await open('minor', 'representative');
    const act = await erased(_id, 0);
    expect(act?.reason).toBe('152-FZ art. 21(3)');
    const text = await letter(_id);
    for (const part of ['законному представителю', 'несовершеннолетнего', `№ ${act?._id}`, 'ч. 3 ст. 21'])
      expect(text).toContain(part);
    expect(await letter(_id, 'en')).toContain('the legal representative');
    expect(text).not.toContain('parent@example.org');
  });

  test('of a minor whose balance is not given back yet stays blocked and is not erased', async () => {
    const { _id } = await open('minor', 'representative');
    await accounts().updateOne({ _id: accountId }, { $set: { availableMicros: 1_000_000n } });
    await planErasure(_id, ANNA);
    await expect(submitErasure(_id, ANNA)).rejects.toThrow('balance');
    expect(await statusOf()).toBe('suspended');
  });
});
