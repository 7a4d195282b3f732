import { createHash } from 'node:crypto';
import { expect } from '@jest/globals';
import { approveAdjustment, proposeAdjustment } from '../../src/billing/adjustments.ts';
import { inspectAccount } from '../../src/billing/survey.ts';
import { nativeCollection } from '../../src/models/connect.ts';
import {
  DestructionAct,
  type DestructionActDocument,
  DestructionEvent,
  type DestructionEventDocument,
} from '../../src/models/destruction.ts';
import type { Manifest } from '../../src/models/privacy-request.ts';
import { PrivacyRequest, type PrivacyRequestDocument } from '../../src/models/privacy-request.ts';
import { extractLines } from '../../src/privacy/act-papers.ts';
import { verifyErased } from '../../src/privacy/class-rows.ts';
import { CACHE_TTL_MS, type ContentCipher } from '../../src/privacy/content-key.ts';
import { type DeletionJournal, NO_JOURNAL } from '../../src/privacy/deletion-journal.ts';
import { brokenActs } from '../../src/privacy/destruction-acts.ts';
import type { ErasureDependencies } from '../../src/privacy/erasure.ts';
import type { KeyStore } from '../../src/privacy/key-store.ts';
import {
  approveErasure,
  COOLING_OFF_MS,
  fileRequest,
  findPrivacyRequest,
  planErasure,
  submitErasure,
  verifyIdentity,
} from '../../src/privacy/privacy-requests.ts';
import { ROW_CLASSES } from '../../src/privacy/row-classes.ts';
import { accounts, ledger } from '../helpers/invariants.ts';
import { openAll, type Sealed } from './dumps.ts';

/** Erasures as staff bring them about, and what must be true after one, whoever died in the middle. */

const ERASED = ROW_CLASSES.filter(({ erasure }) => erasure.action !== 'keep');

/** Gives the rest of the balance back, as two persons do. */
export async function payOut(accountId: string): Promise<void> {
  const { availableMicros = 0n } = (await accounts().findOne({ _id: accountId })) ?? {};
  const proposal = { accountId, amountMicros: -availableMicros, reason: 'paid out', by: 'anna' };
  const { _id } = await proposeAdjustment(proposal, Date.now());
  await approveAdjustment(_id, 'boris', Date.now());
}

/** From the letter to the approval, whose cooling-off is over now. Gives the request. */
export async function approveNow(accountId: string, cipher: Pick<ContentCipher, 'seal'>): Promise<string> {
  const filing = { accountId, type: 'erase_account', channel: 'letter', receivedAt: new Date(), by: 'anna' } as const;
  const { _id } = await fileRequest(filing, cipher);
  await verifyIdentity(_id, 'signed_letter', 'anna');
  const { manifest } = await planErasure(_id, 'anna');
  expect(manifest?.blockers).toEqual([]);
  await submitErasure(_id, 'anna');
  await approveErasure(_id, manifest?.hash ?? '', 'boris', Date.now() - COOLING_OFF_MS - 1_000);
  return _id;
}

/** What carries an erasure out so many milliseconds after its cooling-off is over. */
export function afterCoolingOff(keys: KeyStore, ms: number): ErasureDependencies {
  const now = () => Date.now() + COOLING_OFF_MS + ms;
  return { keys, journal: NO_JOURNAL, now, signal: new AbortController().signal };
}

/** As if the key had been destroyed so long ago that no process can have it in its memory. */
export async function passDarkness(requestId: string): Promise<void> {
  const { checkpoints } = await findPrivacyRequest(requestId);
  const earlier = checkpoints.map((one) => ({ ...one, at: new Date(one.at.getTime() - 2 * CACHE_TTL_MS) }));
  await nativeCollection<PrivacyRequestDocument>(PrivacyRequest).updateOne(
    { _id: requestId },
    { $set: { checkpoints: earlier } },
  );
}

export type Erasure = { requestId: string; accountId: string; sealed: readonly Sealed[] };
type Evidence = { masterKey: Uint8Array; journal: DeletionJournal };

/**
 * One execution with one act that tells what was destroyed, nothing left that opens, and the books as they were. Gives how
 * many events have no confirmation.
 */
export async function expectErasedOnce(erasure: Erasure, { masterKey, journal }: Evidence): Promise<number> {
  const { requestId, accountId, sealed } = erasure;
  const request = await findPrivacyRequest(requestId);
  expect(request.history.map(({ event }) => event).slice(-3)).toEqual(['begin', 'destroyed', 'complete_with_retained']);
  expect(request.checkpoints.map(({ classId }) => classId)).toEqual(ERASED.map(({ id }) => id));
  for (const row of ROW_CLASSES) expect([row.id, await verifyErased(row, accountId)]).toEqual([row.id, 0]);
  expect(sealed.length).toBeGreaterThan(0);
  expect((await openAll(masterKey, accountId, sealed)).filter((text) => text !== undefined)).toEqual([]);

  const acts = await nativeCollection<DestructionActDocument>(DestructionAct).find({ causeId: requestId }).toArray();
  expect(acts.map(({ _id }) => _id)).toEqual([request.actNumber]);
  expect(await brokenActs()).toEqual([]);
  for (const act of acts) await expectTold(act, request.manifest, journal);

  expect(await inspectAccount(accountId)).toEqual([]);
  const entries = await ledger().find({ accountId }).toArray();
  expect(entries.reduce((sum, { amountMicros }) => sum + amountMicros, 0n)).toBe(0n);
  expect(await accounts().findOne({ _id: accountId })).toMatchObject({ availableMicros: 0n, heldMicros: 0n, open: 0 });
  return acts[0]?.unconfirmed ?? 0;
}

/** The act is about these events for ever, also in the journal, and they are about every row that was approved. */
async function expectTold(
  act: DestructionActDocument,
  manifest: Manifest | undefined,
  journal: DeletionJournal,
): Promise<void> {
  const hash = createHash('sha256');
  for await (const line of extractLines(act)) hash.update(line);
  expect(hash.digest('hex')).toBe(act.extractHash);
  const told = (await journal.entries()).filter(({ causeId }) => causeId === act.causeId);
  expect(told.map(({ kind }) => kind).sort()).toEqual(['act', 'erasure']);
  expect(told.flatMap((entry) => (entry.kind === 'act' ? [entry.act.hash] : []))).toEqual([act.hash]);
  const events = await nativeCollection<DestructionEventDocument>(DestructionEvent)
    .find({ causeId: act.causeId })
    .toArray();
  for (const { classId, action, rows } of manifest?.classes ?? []) {
    // The secrets of keys go with their rows, which are the other class.
    if (action === 'keep' || classId === 'api_key') continue;
    const own = events.filter((event) => event.classId === classId);
    const counted = own.reduce((sum, { count }) => sum + count, 0);
    const unsure = own.filter(({ isConfirmed }) => !isConfirmed).flatMap(({ subjects }) => subjects);
    const atMost = counted + unsure.reduce((sum, subject) => sum + subject.rows, 0);
    expect([classId, counted <= rows, rows <= atMost]).toEqual([classId, true, true]);
  }
}
