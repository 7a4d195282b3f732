import { MongoServerError } from 'mongodb';
import { AppError } from '../errors.ts';
import { newId } from '../ids.ts';
import type { Logger } from '../log.ts';
import { Account, type AccountDocument } from '../models/account.ts';
import { nativeCollection } from '../models/connect.ts';
import { ReconciliationAlert, type ReconciliationAlertDocument } from '../models/reconciliation-alert.ts';
import type { Finding } from './ledger-chain.ts';

/** What is wrong is told to people and stops the spending of that account. Nothing is ever corrected by itself. */

const DUPLICATE_KEY = 11_000;
const LIST_MAX = 1_000;

const alerts = () => nativeCollection<ReconciliationAlertDocument>(ReconciliationAlert);
const accounts = () => nativeCollection<AccountDocument>(Account);

/** Opens an alert, or notes that the one of this account and kind is still true. @returns true when it is new. */
async function note(finding: Finding, at: Date): Promise<boolean> {
  const { accountId, kind, ...rest } = finding;
  const result = await alerts().updateOne(
    { accountId, kind, unresolved: true },
    {
      $set: { lastSeenAt: at },
      $setOnInsert: { _id: newId('alr', at.getTime()), status: 'open', firstSeenAt: at, ...rest },
    },
    { upsert: true },
  );
  return result.upsertedCount === 1;
}

async function noteOnce(finding: Finding, at: Date): Promise<boolean> {
  try {
    return await note(finding, at);
  } catch (error) {
    // Two processes found it at once, and the other was first.
    if (error instanceof MongoServerError && error.code === DUPLICATE_KEY) return false;
    throw error;
  }
}

/** Records confirmed findings and freezes their accounts. Only the first that sees a difference says so in its log. */
export async function raiseAlerts(findings: readonly Finding[], log: Logger): Promise<void> {
  const at = new Date();
  for (const finding of findings) {
    const { accountId, kind, seq } = finding;
    if (await noteOnce(finding, at))
      log.error(
        { accountId, reason: kind, seq: String(seq) },
        'reconciliation difference: spending of this account is frozen',
      );
    await accounts().updateOne(
      { _id: accountId, status: 'active' },
      { $set: { status: 'frozen', statusReason: 'reconciliation' } },
    );
  }
}

/** Alerts that are not resolved, oldest first. @param accountId of one account only. */
export function unresolvedAlerts(accountId?: string): Promise<ReconciliationAlertDocument[]> {
  return alerts()
    .find({ unresolved: true, ...(accountId === undefined ? {} : { accountId }) })
    .sort({ _id: 1 })
    .limit(LIST_MAX)
    .toArray();
}

/** Somebody looks after it. @throws `state_conflict` when it is not open. */
export async function acknowledgeAlert(alertId: string, by: string): Promise<void> {
  const result = await alerts().updateOne(
    { _id: alertId, status: 'open' },
    { $set: { status: 'acknowledged', acknowledgedBy: by, acknowledgedAt: new Date() } },
  );
  if (result.matchedCount === 0) throw new AppError('state_conflict', { message: 'There is no such open alert.' });
}

/** Ties the unresolved alerts of an account to the adjustment that deals with them. */
export async function explainAlerts(accountId: string, adjustmentId: string): Promise<void> {
  await alerts().updateMany({ accountId, unresolved: true }, { $set: { adjustmentId } });
}

/** Closes the alerts of an account that was checked and found in order, and lets it spend again. */
export async function resolveAlerts(accountId: string, by: string): Promise<void> {
  await alerts().updateMany(
    { accountId, unresolved: true },
    { $set: { status: 'resolved', unresolved: false, resolvedBy: by, resolvedAt: new Date() } },
  );
  await accounts().updateOne(
    { _id: accountId, status: 'frozen', statusReason: 'reconciliation' },
    { $set: { status: 'active' }, $unset: { statusReason: '' } },
  );
}
