import { z } from 'zod';
import { can, type Permission } from '../auth/roles.ts';
import { activateAccount, suspendAccount } from '../billing/account-status.ts';
import {
  approveAdjustment,
  findAdjustment,
  proposeAdjustment,
  proposeCorrection,
  rejectAdjustment,
} from '../billing/adjustments.ts';
import { acknowledgeAlert } from '../billing/reconciliation-alerts.ts';
import { releaseAccount } from '../billing/release.ts';
import { declineSuspension, grantSuspension, requestSuspension } from '../billing/suspension-requests.ts';
import { AppError } from '../errors.ts';
import type { AdjustmentDocument } from '../models/adjustment.ts';
import { MICROS_PER_RUB, parseRub } from '../money.ts';
import { findRequest } from '../requests/stored-answer.ts';
import { type Actor, type Given, operation, personOf, reason, withReason } from './define.ts';

/** Commands about accounts and their money. Whatever moves money is proposed by one person and approved by another. */

/** What support may propose; more is for finance to propose. */
export const SUPPORT_PROPOSAL_MICROS_MAX = 10_000n * MICROS_PER_RUB;
/** What finance may approve; more, and every correction of books, is for an admin. */
export const FINANCE_APPROVAL_MICROS_MAX = 100_000n * MICROS_PER_RUB;

/** Rubles with a sign, as people write them: `-12,50`. */
export const signedRubles = z
  .string()
  .trim()
  .max(30)
  .transform((text, context) => {
    const micros = parseRub(
      text
        .replace(/^[-−]/, '')
        .replaceAll(/[ \u00a0]/g, '')
        .replace(',', '.'),
    );
    if (micros === undefined || micros === 0n) {
      context.addIssue({ code: 'custom', message: 'rubles other than 0 are needed, such as 100 or -99.50' });
      return z.NEVER;
    }
    return /^[-−]/.test(text) ? -micros : micros;
  });

const PROPOSE: Permission = 'money.propose';
export const PROPOSE_PERMISSIONS = ['money.propose', 'money.propose-large'] as const;

function absolute(micros: bigint): bigint {
  return micros < 0n ? -micros : micros;
}

function demand(actor: Actor, ...permissions: Permission[]): void {
  if (actor.kind === 'staff' && !permissions.some((permission) => can(actor.role, permission)))
    throw new AppError('staff_forbidden');
}

async function propose({ actor, targetId }: Given, amountMicros: bigint, text: string, requestId?: string) {
  demand(actor, 'money.propose-large', ...(absolute(amountMicros) > SUPPORT_PROPOSAL_MICROS_MAX ? [] : [PROPOSE]));
  const proposal = { accountId: targetId, reason: text, by: personOf(actor), amountMicros };
  const refunded = requestId === undefined ? {} : { requestId };
  return { madeId: (await proposeAdjustment({ ...proposal, ...refunded }, Date.now()))._id };
}

/** A refund is an adjustment that names its request; all of one request give back no more than was paid for it. */
export async function proposeRefund(given: Given, amountMicros: bigint, text: string) {
  const request = await findRequest(given.targetId);
  if (!request) throw new AppError('not_found');
  if (amountMicros < 0n || amountMicros > (request.costMicros ?? 0n))
    throw new AppError('invalid_request', { param: 'rubles', message: 'A refund is no more than the request cost.' });
  return propose({ ...given, targetId: request.accountId }, amountMicros, `${given.targetId}: ${text}`, given.targetId);
}

function approvalFor({ type, amountMicros }: AdjustmentDocument): Permission {
  const isLarge = type === 'correction' || absolute(amountMicros) > FINANCE_APPROVAL_MICROS_MAX;
  return isLarge ? 'money.approve-large' : 'money.approve';
}

/** Those who may approve it may reject it; the proposer may take it back. */
async function reject({ actor, targetId }: Given): Promise<void> {
  const adjustment = await findAdjustment(targetId);
  if (adjustment.proposedBy !== personOf(actor)) demand(actor, approvalFor(adjustment));
  await rejectAdjustment(targetId, personOf(actor), Date.now());
}

const withRubles = z.strictObject({ rubles: signedRubles, reason });

export const MONEY_OPERATIONS = {
  'accounts.suspend': operation('accounts.suspend', 'acc', withReason, (input, { targetId }) =>
    suspendAccount(targetId, input.reason),
  ),
  'accounts.activate': operation('accounts.suspend', 'acc', withReason, (_input, { targetId }) =>
    activateAccount(targetId),
  ),
  'accounts.request-suspension': operation(
    'accounts.request-suspension',
    'acc',
    withReason,
    async (input, { actor, targetId }) => {
      const wish = { accountId: targetId, reason: input.reason, by: personOf(actor) };
      return { madeId: (await requestSuspension(wish, Date.now()))._id };
    },
  ),
  'suspensions.grant': operation('accounts.suspend', 'sus', withReason, (input, { actor, targetId }) =>
    grantSuspension(targetId, personOf(actor), input.reason, Date.now()),
  ),
  'suspensions.decline': operation('accounts.suspend', 'sus', withReason, (input, { actor, targetId }) =>
    declineSuspension(targetId, personOf(actor), input.reason, Date.now()),
  ),
  'accounts.release': operation('books.act', 'acc', withReason, (_input, { actor, targetId }) =>
    releaseAccount(targetId, personOf(actor)),
  ),
  'adjustments.propose': operation(PROPOSE_PERMISSIONS, 'acc', withRubles, (input, given) =>
    propose(given, input.rubles, input.reason),
  ),
  'adjustments.propose-refund': operation(PROPOSE_PERMISSIONS, 'req', withRubles, (input, given) =>
    proposeRefund(given, input.rubles, input.reason),
  ),
  'adjustments.propose-correction': operation('books.act', 'acc', withReason, async (input, { actor, targetId }) => {
    const proposal = { accountId: targetId, reason: input.reason, by: personOf(actor) };
    return { madeId: (await proposeCorrection(proposal, Date.now()))._id };
  }),
  'adjustments.approve': operation(
    ['money.approve', 'money.approve-large'],
    'adj',
    withReason,
    async (_input, { actor, targetId }) => {
      demand(actor, approvalFor(await findAdjustment(targetId)));
      await approveAdjustment(targetId, personOf(actor), Date.now());
    },
  ),
  'adjustments.reject': operation(
    ['money.approve', 'money.approve-large', 'money.propose', 'money.propose-large'],
    'adj',
    withReason,
    (_input, given) => reject(given),
  ),
  'alerts.acknowledge': operation('books.act', 'alr', withReason, (_input, { actor, targetId }) =>
    acknowledgeAlert(targetId, personOf(actor)),
  ),
};
