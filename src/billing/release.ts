import { AppError } from '../errors.ts';
import { resolveAlerts } from './reconciliation-alerts.ts';
import { inspectAccount } from './survey.ts';

/**
 * Lets an account spend again after somebody has looked at it: its alerts are closed and a freeze by reconciliation ends.
 * @throws `state_conflict` when its books, read from the first row to the last, are not in order.
 */
export async function releaseAccount(accountId: string, by: string): Promise<void> {
  const [finding] = await inspectAccount(accountId);
  if (finding)
    throw new AppError('state_conflict', {
      message: `The books are not in order: ${finding.kind}, row ${finding.seq}.`,
    });
  await resolveAlerts(accountId, by);
}
