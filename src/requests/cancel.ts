import type { AccountWriter } from '../billing/account.ts';
import { crashPoint } from '../crash-point.ts';
import { AppError, ERROR_CATALOGUE } from '../errors.ts';
import { nativeCollection } from '../models/connect.ts';
import { Request, type RequestDocument } from '../models/request.ts';
import { settleRequest } from './settle.ts';
import { findRequest, isTerminal } from './stored-answer.ts';
import { cancelRequestedUpdate, endAcceptedUpdate, watchersUpdate } from './updates.ts';
import type { RequestWriter } from './writer.ts';

export type CancelDependencies = {
  accounts: Pick<AccountWriter, 'settle'>;
  writer: Pick<RequestWriter, 'markSettled'>;
  /** Hurries the worker; the row says the same durably. */
  sendCancel: (requestId: string) => Promise<void>;
};

const requests = () => nativeCollection<RequestDocument>(Request);

/**
 * Stops a request. One that waits ends at once and costs nothing; a running one is charged for what was delivered. A
 * finished one stays as it is. Idempotent. Returns the request as it is afterwards.
 * @throws not_found for a request that is not this account's.
 */
export async function cancelRequest(
  accountId: string,
  requestId: string,
  reason: string,
  deps: CancelDependencies,
): Promise<RequestDocument> {
  const request = await findRequest(requestId);
  if (!request || request.accountId !== accountId) throw new AppError('not_found');
  if (isTerminal(request)) return request;
  await cancelOpenRequest(request, reason, deps);
  return (await findRequest(requestId)) ?? request;
}

/** @returns whether it was still waiting, and so has ended by this without being called. */
async function cancelOpenRequest(request: RequestDocument, reason: string, deps: CancelDependencies): Promise<boolean> {
  const at = new Date();
  const { status, message } = ERROR_CATALOGUE.cancelled;
  const before = endAcceptedUpdate({
    requestId: request._id,
    state: 'cancelled',
    error: { code: 'cancelled', message, status },
    at,
    webhook: request.webhook === 'wanted',
    forgetContent: request.zeroRetention,
  });
  const ended = await requests().updateOne(before.filter, before.update);
  if (ended.matchedCount === 1) {
    crashPoint('cancel.before_settle');
    await settleRequest({ ...request, costMicros: 0n }, { accounts: deps.accounts, requests: deps.writer });
    return true;
  }
  const asked = cancelRequestedUpdate(request._id, reason, at);
  await requests().updateOne(asked.filter, asked.update, { writeConcern: { w: 1 } });
  crashPoint('cancel.after_ask');
  await deps.sendCancel(request._id).catch(() => undefined);
  return false;
}

const WITHDRAW_MS_MAX = 60_000;
const WITHDRAW_RETRY_MS = 1_000;
/** How long a client waits to hear whether its request can still run. */
const WITHDRAW_ANSWER_MS = 5_000;

/**
 * Ends a request that cannot be confirmed and whose client has no key to come back with: run later, it would be paid for
 * and given to nobody. Goes on until the database answers, a minute at most.
 * @returns true when it has ended uncharged; false when that is not so, or not known within five seconds. Never rejects.
 */
export function withdrawRequest(request: RequestDocument, deps: CancelDependencies): Promise<boolean> {
  return new Promise((resolve) => {
    const waiting = setTimeout(resolve, WITHDRAW_ANSWER_MS, false);
    void endUncharged(request, deps).then((ended) => {
      clearTimeout(waiting);
      resolve(ended);
    });
  });
}

async function endUncharged(request: RequestDocument, deps: CancelDependencies): Promise<boolean> {
  const giveUpAtMs = performance.now() + WITHDRAW_MS_MAX;
  while (performance.now() < giveUpAtMs) {
    try {
      if (await cancelOpenRequest(request, 'not_confirmed', deps)) return true;
      const now = await findRequest(request._id);
      return !now || ((now.state === 'aborted' || now.state === 'cancelled') && (now.costMicros ?? 0n) === 0n);
    } catch {
      await new Promise((resolve) => setTimeout(resolve, WITHDRAW_RETRY_MS));
    }
  }
  return false;
}

/** One more client follows the request; it will not be cancelled for another's leaving. */
export async function watcherCame(requestId: string): Promise<void> {
  const { filter, update } = watchersUpdate(requestId, 1);
  await requests().updateOne(filter, update, { writeConcern: { w: 1 } });
}

/**
 * A client went away for good. When it was the last one and the request's policy says so, the request is cancelled.
 * @returns whether it was.
 */
export async function watcherLeft(requestId: string, deps: CancelDependencies): Promise<boolean> {
  const { filter, update } = watchersUpdate(requestId, -1);
  const request = await requests().findOneAndUpdate(filter, update, {
    returnDocument: 'after',
    writeConcern: { w: 1 },
  });
  if (!request || isTerminal(request) || request.watchers > 0 || request.onDisconnect !== 'cancel') return false;
  await cancelOpenRequest(request, 'client_disconnected', deps);
  return true;
}
