import { AppError } from '../errors.ts';
import { newId } from '../ids.ts';
import type { Logger } from '../log.ts';
import { Account, type AccountDocument } from '../models/account.ts';
import { Adjustment, type AdjustmentDocument, type AdjustmentState } from '../models/adjustment.ts';
import { nativeCollection } from '../models/connect.ts';
import { MICROS_PER_RUB } from '../money.ts';
import { holdSumFindings } from './account-books.ts';
import { executeAdjustment } from './adjustment-execution.ts';
import { BEYOND_COST, isWithinCost } from './refunds.ts';
import { heldAfter, surveyBooks } from './survey.ts';

/**
 * The only way to correct a balance or the books: one person proposes, another one approves. Every step is a
 * compare-and-set, and what is approved is carried out exactly once.
 */

/** One decision moves no more than this; larger sums need more of them. */
export const ADJUSTMENT_MICROS_MAX = 1_000_000n * MICROS_PER_RUB;
export const PROPOSAL_TTL_MS = 72 * 3_600_000;
const REASON_CHARACTERS_MIN = 5;
const REASON_CHARACTERS_MAX = 500;
const ACTOR_CHARACTERS_MAX = 100;
const LIST_MAX = 100;
/** An approved adjustment this old was left by a process that died. */
const LEFT_BEHIND_MS = 10_000;
const BATCH_MAX = 100;
/** More than this is no correction, and would not fit its record. */
const ACCEPTED_MAX = 10_000;

const adjustments = () => nativeCollection<AdjustmentDocument>(Adjustment);

export type Proposal = { accountId: string; reason: string; by: string };

function checkPerson(by: string): void {
  if (by.trim() === '' || by.length > ACTOR_CHARACTERS_MAX)
    throw new AppError('invalid_request', { message: 'It must be said who acts.' });
}

async function accountOf({ accountId, reason, by }: Proposal): Promise<AccountDocument> {
  checkPerson(by);
  if (reason.trim().length < REASON_CHARACTERS_MIN || reason.length > REASON_CHARACTERS_MAX)
    throw new AppError('invalid_request', {
      message: `A reason of ${REASON_CHARACTERS_MIN} to ${REASON_CHARACTERS_MAX} characters is needed.`,
    });
  const account = await nativeCollection<AccountDocument>(Account).findOne({ _id: accountId });
  if (!account) throw new AppError('not_found', { message: 'There is no such account.' });
  return account;
}

async function store(
  { accountId, reason, by }: Proposal,
  rest: Pick<AdjustmentDocument, 'type' | 'amountMicros' | 'requestId' | 'breaks' | 'charges' | 'holds'>,
  nowMs: number,
): Promise<AdjustmentDocument> {
  const adjustment: AdjustmentDocument = {
    _id: newId('adj', nowMs),
    accountId,
    reason,
    state: 'proposed',
    proposedBy: by,
    proposedAt: new Date(nowMs),
    expiresAt: new Date(nowMs + PROPOSAL_TTL_MS),
    ...rest,
  };
  await adjustments().insertOne(adjustment);
  return adjustment;
}

/**
 * Proposes to add money to an account, or to take it (a negative amount).
 * @param proposal.requestId makes it a refund: with the others of that request it gives back no more than it cost.
 * @throws `invalid_request` for an amount of 0 or beyond the bound or a missing reason, `not_found` for the account,
 *   `state_conflict` for a refund beyond what is left.
 */
export async function proposeAdjustment(
  proposal: Proposal & { amountMicros: bigint; requestId?: string },
  nowMs: number,
): Promise<AdjustmentDocument> {
  const { amountMicros, requestId } = proposal;
  if (amountMicros === 0n || amountMicros > ADJUSTMENT_MICROS_MAX || amountMicros < -ADJUSTMENT_MICROS_MAX)
    throw new AppError('invalid_request', { message: 'The amount must be within the bounds and not 0.' });
  const account = await accountOf(proposal);
  if (requestId === undefined) return store(proposal, { type: 'money', amountMicros }, nowMs);
  if (!(await isWithinCost({ _id: '', accountId: account._id, requestId, amountMicros }, account)))
    throw new AppError('state_conflict', { message: BEYOND_COST });
  return store(proposal, { type: 'money', amountMicros, requestId }, nowMs);
}

/**
 * Proposes to accept the books of an account as they are now: the broken rows by number, an entry for what they do not
 * explain, charges that are not what their requests cost, changed holds restored, held and open counted anew. The balance
 * itself is not changed.
 * @throws `state_conflict` when there is nothing to correct, `insufficient_balance` when holds exceed the balance.
 */
export async function proposeCorrection(proposal: Proposal, nowMs: number): Promise<AdjustmentDocument> {
  const account = await accountOf(proposal);
  const survey = await surveyBooks(account);
  const { breaks, charges, holds, differenceMicros } = survey;
  const isExplained = breaks.length + charges.length + holds.length === 0 && differenceMicros === 0n;
  if (isExplained && holdSumFindings(account).length === 0)
    throw new AppError('state_conflict', { message: 'The books of this account are in order.' });
  if (breaks.length + charges.length + holds.length > ACCEPTED_MAX)
    throw new AppError('state_conflict', {
      message: `More than ${ACCEPTED_MAX} rows, charges and holds differ: this account comes back from a backup.`,
    });
  if (heldAfter(account, survey) > account.availableMicros + account.heldMicros)
    throw new AppError('insufficient_balance', { message: 'The holds of this account are more than its balance.' });
  return store(proposal, { type: 'correction', amountMicros: differenceMicros, breaks, charges, holds }, nowMs);
}

/** An adjustment by id. @throws `not_found`. */
export async function findAdjustment(adjustmentId: string): Promise<AdjustmentDocument> {
  const found = await adjustments().findOne({ _id: adjustmentId });
  if (!found) throw new AppError('not_found', { message: 'There is no such adjustment.' });
  return found;
}

/** A refusal that can be seen beforehand leaves the proposal as it is. */
async function expectCovered(adjustment: AdjustmentDocument): Promise<void> {
  const { accountId, type, amountMicros, requestId } = adjustment;
  if (type !== 'money' || (amountMicros >= 0n && requestId === undefined)) return;
  const account = await nativeCollection<AccountDocument>(Account).findOne(
    { _id: accountId },
    { projection: { availableMicros: 1, outbox: 1 } },
  );
  if (requestId !== undefined && account && !(await isWithinCost({ ...adjustment, requestId }, account)))
    throw new AppError('state_conflict', { message: BEYOND_COST });
  if ((account?.availableMicros ?? 0n) < -amountMicros)
    throw new AppError('insufficient_balance', { message: 'The available balance does not cover this adjustment.' });
}

async function decide(adjustmentId: string, state: AdjustmentState, by: string, nowMs: number): Promise<void> {
  const others = state === 'approved' ? { proposedBy: { $ne: by } } : {};
  await adjustments().updateOne(
    { _id: adjustmentId, state: 'proposed', expiresAt: { $gt: new Date(nowMs) }, ...others },
    { $set: { state, decidedBy: by, decidedAt: new Date(nowMs) } },
  );
}

/**
 * Approves an adjustment and carries it out. Repeating it as the same person is harmless and finishes what was begun.
 * @throws `second_person_needed` for the proposer, `insufficient_balance` when more would be taken than is available,
 * `state_conflict` when it is decided, expired, or (a correction) the account changed since the proposal.
 */
export async function approveAdjustment(adjustmentId: string, by: string, nowMs: number): Promise<AdjustmentDocument> {
  checkPerson(by);
  const proposed = await findAdjustment(adjustmentId);
  if (proposed.proposedBy === by) throw new AppError('second_person_needed');
  if (proposed.state === 'proposed') {
    await expireProposals(nowMs);
    await expectCovered(proposed);
    await decide(adjustmentId, 'approved', by, nowMs);
  }
  const decided = await findAdjustment(adjustmentId);
  if (decided.decidedBy !== by || (decided.state !== 'approved' && decided.state !== 'executed'))
    throw new AppError('state_conflict', { message: `This adjustment is ${decided.state}.` });
  return decided.state === 'executed' ? decided : executeAdjustment(decided);
}

/** Rejects a proposal; its proposer may do so too. @throws `state_conflict` when it is decided already. */
export async function rejectAdjustment(adjustmentId: string, by: string, nowMs: number): Promise<AdjustmentDocument> {
  checkPerson(by);
  await findAdjustment(adjustmentId);
  await decide(adjustmentId, 'rejected', by, nowMs);
  const decided = await findAdjustment(adjustmentId);
  if (decided.state !== 'rejected' || decided.decidedBy !== by)
    throw new AppError('state_conflict', { message: `This adjustment is ${decided.state}.` });
  return decided;
}

/** The latest adjustments, newest first. @param accountId of one account only. */
export function listAdjustments(accountId?: string): Promise<AdjustmentDocument[]> {
  return adjustments()
    .find(accountId === undefined ? {} : { accountId })
    .sort({ _id: -1 })
    .limit(LIST_MAX)
    .toArray();
}

async function expireProposals(nowMs: number): Promise<void> {
  await adjustments().updateMany(
    { state: 'proposed', expiresAt: { $lte: new Date(nowMs) } },
    { $set: { state: 'expired', finishedAt: new Date(nowMs) } },
  );
}

/** Carries out what a process approved before it died, and ends proposals past their time. For a timer. */
export async function sweepAdjustments(nowMs: number, log: Logger): Promise<void> {
  await expireProposals(nowMs);
  const left = await adjustments()
    .find({ state: 'approved', decidedAt: { $lt: new Date(nowMs - LEFT_BEHIND_MS) } })
    .limit(BATCH_MAX)
    .toArray();
  for (const adjustment of left) {
    try {
      await executeAdjustment(adjustment);
    } catch (error) {
      log.warn({ accountId: adjustment.accountId, err: error }, 'approved adjustment not carried out');
    }
  }
}
