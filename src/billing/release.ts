import { AppError } from '../errors.ts';
import { Account, type AccountDocument } from '../models/account.ts';
import { nativeCollection } from '../models/connect.ts';
import { resolveAlerts } from './reconciliation-alerts.ts';
import { inspectAccount } from './survey.ts';

/**
 * Lets an account spend again after somebody has looked at it: its alerts are closed and a freeze by reconciliation ends.
 * @throws `not_found`, or `state_conflict` when its books, read from the first row to the last, are not in order.
 */
export async function releaseAccount(accountId: string, by: string): Promise<void> {
  const account = await nativeCollection<AccountDocument>(Account).findOne(
    { _id: accountId },
    { projection: { _id: 1 } },
  );
  if (!account) throw new AppError('not_found', { message: 'There is no such account.' });
  const [finding] = await inspectAccount(accountId);
  if (finding)
    throw new AppError('state_conflict', {
      message: `The books are not in order: ${finding.kind}, row ${finding.seq}.`,
    });
  await resolveAlerts(accountId, by);
}
