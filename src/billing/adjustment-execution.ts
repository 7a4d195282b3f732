import { crashPoint } from '../crash-point.ts';
import { AppError, type ErrorCode } from '../errors.ts';
import { Account, type AccountDocument } from '../models/account.ts';
import { Adjustment, type AdjustmentDocument } from '../models/adjustment.ts';
import { nativeCollection } from '../models/connect.ts';
import { LedgerEntry, type LedgerEntryDocument } from '../models/ledger-entry.ts';
import { adjustmentEntryId, adjustUpdate, type Guarded, voidUpdate } from './account-updates.ts';
import { correctUpdate } from './correction-update.ts';
import { type EntryAccount, type EntryOutcome, makeEntryOnce } from './credit.ts';
import { textOfCharge } from './cross-checks.ts';
import { explainAlerts } from './reconciliation-alerts.ts';
import { BEYOND_COST, isWithinCost } from './refunds.ts';
import { acknowledgeBreaks } from './segments.ts';
import { heldAfter, surveyBooks, surveyRows } from './survey.ts';

/** Carries out what two persons decided. Every part may be repeated, by anybody, at any time. */

const ACKNOWLEDGE_TRIES_MAX = 20;

const adjustments = () => nativeCollection<AdjustmentDocument>(Adjustment);

async function moneyUpdate(adjustment: AdjustmentDocument, account: EntryAccount): Promise<Guarded | undefined> {
  const { _id, accountId, amountMicros, requestId } = adjustment;
  if (account.availableMicros + amountMicros < 0n) return undefined;
  if (requestId !== undefined && !(await isWithinCost({ ...adjustment, requestId }, account))) return undefined;
  return adjustUpdate({ accountId, entryId: adjustmentEntryId(_id), amountMicros });
}

/** What a correction accepts and restores, as text: two that differ in anything differ here. */
function textOf({ breaks = [], charges = [], holds = [] }: Pick<AdjustmentDocument, 'breaks' | 'charges' | 'holds'>) {
  const broken = breaks.map(({ seq, offsetMicros, missing }) => `${seq} ${offsetMicros} ${missing}`);
  const restored = holds.map(({ requestId, fromMicros, toMicros }) => `${requestId} ${fromMicros} ${toMicros}`).sort();
  return [broken, charges.map(textOfCharge).sort(), restored].map((part) => part.join()).join(';');
}

/** Only what was approved: when the account differs by something else now, the correction is refused. */
async function correctionUpdate(adjustment: AdjustmentDocument, account: EntryAccount): Promise<Guarded | undefined> {
  const { _id, accountId, amountMicros } = adjustment;
  const survey = await surveyBooks(account);
  const held = heldAfter(account, survey);
  const { seq, availableMicros, open } = account;
  if (survey.differenceMicros !== amountMicros || textOf(survey) !== textOf(adjustment)) return undefined;
  if (held > availableMicros + account.heldMicros) return undefined;
  return correctUpdate({
    accountId,
    entryId: adjustmentEntryId(_id),
    amountMicros,
    seen: { seq, availableMicros, heldMicros: account.heldMicros, open },
    heldMicros: held,
    holds: Object.keys(account.holds).length,
    restored: survey.holds,
  });
}

async function entrySeq(account: AccountDocument, entryId: string): Promise<bigint | undefined> {
  const pending = account.outbox.find((entry) => entry._id === entryId);
  if (pending) return pending.seq;
  return (await nativeCollection<LedgerEntryDocument>(LedgerEntry).findOne({ _id: entryId }))?.seq;
}

/**
 * Records the approved breaks, and the one that the correction's own entry is when the balance had moved before it, in
 * the reconciler's chain.
 */
async function acknowledge(adjustment: AdjustmentDocument): Promise<void> {
  const { _id: adjustmentId, accountId } = adjustment;
  const approved = new Set((adjustment.breaks ?? []).map(({ seq }) => seq));
  for (let attempt = 0; attempt < ACKNOWLEDGE_TRIES_MAX; attempt++) {
    const account = await nativeCollection<AccountDocument>(Account).findOne({ _id: accountId });
    if (!account) return;
    const own = await entrySeq(account, adjustmentEntryId(adjustmentId));
    const { breaks } = await surveyRows(account);
    const accepted = breaks.filter(({ seq }) => approved.has(seq) || seq === own);
    if (
      await acknowledgeBreaks(
        accountId,
        accepted.map((one) => ({ ...one, adjustmentId })),
      )
    )
      return;
  }
  throw new AppError('unavailable', { internal: `adjustment ${adjustmentId}: records keep changing` });
}

async function finish(
  { _id }: AdjustmentDocument,
  set: Pick<AdjustmentDocument, 'state'> & { failure?: string },
): Promise<AdjustmentDocument> {
  await adjustments().updateOne({ _id, state: 'approved' }, { $set: { ...set, finishedAt: new Date() } });
  const found = await adjustments().findOne({ _id });
  if (!found) throw new AppError('internal', { internal: `adjustment ${_id} vanished` });
  return found;
}

/** The refusal is final: the entry is made impossible before it is written down. */
async function refuse(adjustment: AdjustmentDocument): Promise<AdjustmentDocument> {
  const { _id, accountId } = adjustment;
  const entryId = adjustmentEntryId(_id);
  const voided = await makeEntryOnce(accountId, entryId, () => voidUpdate(accountId, entryId));
  if (voided === 'earlier') return complete(adjustment);
  const { code, message } = refusalOf(adjustment);
  await finish(adjustment, { state: 'refused', failure: code });
  throw new AppError(code, { message });
}

function refusalOf({ type, requestId }: AdjustmentDocument): { code: ErrorCode; message: string } {
  if (type === 'correction')
    return {
      code: 'state_conflict',
      message: 'The account is not as it was when the correction was proposed. Propose it anew.',
    };
  if (requestId !== undefined) return { code: 'state_conflict', message: BEYOND_COST };
  return { code: 'insufficient_balance', message: 'The available balance does not cover this adjustment.' };
}

async function complete(adjustment: AdjustmentDocument): Promise<AdjustmentDocument> {
  crashPoint('adjust.after_entry');
  if (adjustment.type === 'correction') await acknowledge(adjustment);
  crashPoint('adjust.after_acknowledge');
  await explainAlerts(adjustment.accountId, adjustment._id);
  return finish(adjustment, { state: 'executed' });
}

/**
 * Makes the entry of an approved adjustment exactly once and writes down that it is done.
 * @throws `insufficient_balance` or `state_conflict` when it cannot be made; it is refused for good then.
 */
export async function executeAdjustment(adjustment: AdjustmentDocument): Promise<AdjustmentDocument> {
  const build = (account: EntryAccount) =>
    adjustment.type === 'money' ? moneyUpdate(adjustment, account) : correctionUpdate(adjustment, account);
  const outcome: EntryOutcome = await makeEntryOnce(adjustment.accountId, adjustmentEntryId(adjustment._id), build);
  return outcome === 'refused' ? refuse(adjustment) : complete(adjustment);
}
