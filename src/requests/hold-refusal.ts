import type { HoldRefusal } from '../billing/account-updates.ts';
import { AppError } from '../errors.ts';
import { formatRub } from '../money.ts';

/** What a client is told when no money was held. @param neededMicros what the hold would have been. */
export function refusalError(refusal: HoldRefusal, neededMicros: bigint): AppError {
  switch (refusal.reason) {
    case 'no_account':
    case 'not_active':
      return new AppError('account_suspended');
    case 'too_many_open':
      return new AppError('too_many_open_requests', { retryAfterMs: 1_000 });
    case 'spend_limit':
      return new AppError('spend_limit_reached', { details: { limit: refusal.window } });
    case 'balance':
      return new AppError('insufficient_balance', {
        message: `The balance does not cover this request: ${formatRub(neededMicros)} RUB needed, ${formatRub(refusal.availableMicros)} RUB available, ${formatRub(refusal.heldMicros)} RUB held by ${refusal.open} running requests.`,
        details: {
          currency: 'RUB',
          available: formatRub(refusal.availableMicros),
          held_by_running: formatRub(refusal.heldMicros),
          running_requests: refusal.open,
          needed: formatRub(neededMicros),
        },
      });
  }
}
