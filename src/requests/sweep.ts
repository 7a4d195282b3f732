import type { AccountWriter } from '../billing/account.ts';
import { crashPoint } from '../crash-point.ts';
import { ERROR_CATALOGUE } from '../errors.ts';
import { lowestIdAt, timeOfId } from '../ids.ts';
import type { Logger } from '../log.ts';
import { Account, type AccountDocument, type Hold } from '../models/account.ts';
import { nativeCollection } from '../models/connect.ts';
import { Request, type RequestDocument } from '../models/request.ts';
import type { Producer } from '../queue/enqueue.ts';
import { settleRequest } from './settle.ts';
import { isTerminal } from './stored-answer.ts';
import { endAcceptedUpdate } from './updates.ts';
import type { RequestWriter } from './writer.ts';

/**
 * The only repair there is, run by every worker process on its own timer (never by the queue, which may be what was
 * lost). Every step is a compare-and-set, so any number of sweepers may run at once.
 */
export type SweepDependencies = {
  accounts: Pick<AccountWriter, 'settle'>;
  writer: Pick<RequestWriter, 'markSettled'>;
  producer: Pick<Producer, 'enqueue'>;
  /** Told of a request that ended and owes its client an event. */
  notify: (request: RequestDocument) => Promise<void>;
  log: Logger;
  /** Whether an api process still listens on this relay channel. Throws when Redis cannot say. */
  isHeard: (channel: string) => Promise<boolean>;
  settings: { acceptedMs: number; settleMs: number };
};

export type SweepCounts = { requeued: number; aborted: number; expired: number; settled: number; released: number };

const BATCH_MAX = 500;
const END_CODES = { failed: 'deadline_exceeded', aborted: 'unavailable', cancelled: 'cancelled' } as const;
const ACCOUNTS_PER_PAGE = 500;

const requests = () => nativeCollection<RequestDocument>(Request);
const accounts = () => nativeCollection<AccountDocument>(Account);

const WITHOUT_CONTENT = { input: 0, result: 0 } as const;

/** One pass over everything unsettled that is old enough to look forgotten. */
export async function sweepRequests(nowMs: number, deps: SweepDependencies): Promise<SweepCounts> {
  const counts: SweepCounts = { requeued: 0, aborted: 0, expired: 0, settled: 0, released: 0 };
  await sweepAccepted(nowMs, deps, counts);
  await sweepRunning(nowMs, deps, counts);
  await sweepUnsettled(nowMs, deps, counts);
  return counts;
}

async function requeue(
  request: Pick<RequestDocument, '_id' | 'mode'>,
  deps: SweepDependencies,
  counts: SweepCounts,
): Promise<void> {
  crashPoint('sweep.before_requeue');
  const job = request.mode === 'async' ? 'runBackgroundRequest' : 'runRequest';
  await deps.producer.enqueue(job, { requestId: request._id }, { jobId: request._id });
  counts.requeued++;
}

/** Accepted for a while: queue it again when its money is held, end it past its deadline, abort it when it never held. */
async function sweepAccepted(nowMs: number, deps: SweepDependencies, counts: SweepCounts): Promise<void> {
  const old = await requests()
    .find(
      { state: 'accepted', settled: false, _id: { $lt: lowestIdAt('req', nowMs - deps.settings.acceptedMs) } },
      { projection: WITHOUT_CONTENT },
    )
    .limit(BATCH_MAX)
    .toArray();
  for (const request of old) {
    const account = await accounts().findOne(
      { _id: request.accountId },
      { projection: { [`holds.${request._id}`]: 1 } },
    );
    const held = account?.holds?.[request._id] !== undefined;
    if (!held) await endAccepted(request, 'aborted', nowMs, deps, counts);
    else if (request.deadlineAt.getTime() <= nowMs) await endAccepted(request, 'failed', nowMs, deps, counts);
    else if (await isForsaken(request, deps)) await endAccepted(request, 'cancelled', nowMs, deps, counts);
    else await requeue(request, deps, counts);
  }
}

/**
 * The api process that waited for it is gone and nobody can come back for it: no Idempotency-Key, and a policy that does
 * not let it run alone. It has not been called yet, so ending it costs nothing.
 */
async function isForsaken(request: RequestDocument, deps: SweepDependencies): Promise<boolean> {
  if (request.replyTo === undefined || request.idemKey !== undefined || request.onDisconnect !== 'cancel') return false;
  return !(await deps.isHeard(request.replyTo).catch(() => true));
}

async function endAccepted(
  request: RequestDocument,
  state: 'failed' | 'aborted' | 'cancelled',
  nowMs: number,
  deps: SweepDependencies,
  counts: SweepCounts,
) {
  const code = END_CODES[state];
  const { filter, update } = endAcceptedUpdate({
    requestId: request._id,
    state,
    error: { code, message: ERROR_CATALOGUE[code].message, status: ERROR_CATALOGUE[code].status },
    at: new Date(nowMs),
    webhook: request.webhook === 'wanted',
    forgetContent: request.zeroRetention,
  });
  const ended = await requests().updateOne(filter, update);
  if (ended.matchedCount === 0) return;
  crashPoint('sweep.after_end');
  if (state === 'aborted') counts.aborted++;
  else {
    counts.expired++;
    await settleRequest({ ...request, costMicros: 0n }, { accounts: deps.accounts, requests: deps.writer });
    if (request.webhook === 'wanted') await deps.notify({ ...request, state, webhook: 'pending' });
  }
}

/** Running with a dead lease: queue it; whoever claims it finds out what may still be done. */
async function sweepRunning(nowMs: number, deps: SweepDependencies, counts: SweepCounts): Promise<void> {
  const dead = await requests()
    .find({ state: 'running', settled: false, leaseUntil: { $lt: new Date(nowMs) } }, { projection: { mode: 1 } })
    .limit(BATCH_MAX)
    .toArray();
  for (const request of dead) await requeue(request, deps, counts);
}

/** Terminal and not settled: the worker died between its two last writes. */
async function sweepUnsettled(nowMs: number, deps: SweepDependencies, counts: SweepCounts): Promise<void> {
  const unsettled = await requests()
    .find(
      {
        state: { $in: ['done', 'failed', 'cancelled'] },
        settled: false,
        finishedAt: { $lt: new Date(nowMs - deps.settings.settleMs) },
      },
      { projection: WITHOUT_CONTENT },
    )
    .limit(BATCH_MAX)
    .toArray();
  const settle = async (request: (typeof unsettled)[number]) => {
    crashPoint('sweep.before_settle');
    await settleRequest(request, { accounts: deps.accounts, requests: deps.writer });
    counts.settled++;
  };
  await Promise.all(unsettled.map(settle));
}

export type HoldsSeen = { open: number; oldestMs: number };

/**
 * One page of a walk over all accounts for holds past their expiry: settled or released when their request is terminal
 * or missing, left alone while it lives. This catches the hold that was placed after the abort by a process that then
 * died. Pass the returned id to go on.
 */
export async function sweepHolds(
  afterId: string | undefined,
  nowMs: number,
  deps: SweepDependencies,
): Promise<{ nextId: string | undefined; released: number; seen: HoldsSeen }> {
  const page = await accounts()
    .find(afterId === undefined ? {} : { _id: { $gt: afterId } }, { projection: { holds: 1 } })
    .sort({ _id: 1 })
    .limit(ACCOUNTS_PER_PAGE)
    .toArray();
  let released = 0;
  const seen: HoldsSeen = { open: 0, oldestMs: 0 };
  for (const account of page) {
    for (const [requestId, hold] of Object.entries(account.holds)) {
      seen.open++;
      seen.oldestMs = Math.max(seen.oldestMs, nowMs - timeOfId(requestId));
      if (hold.expiresAt.getTime() < nowMs && (await releaseForgottenHold(account._id, requestId, hold, deps)))
        released++;
    }
  }
  return { nextId: page.length < ACCOUNTS_PER_PAGE ? undefined : page.at(-1)?._id, released, seen };
}

async function releaseForgottenHold(
  accountId: string,
  requestId: string,
  hold: Hold,
  deps: SweepDependencies,
): Promise<boolean> {
  const request = await requests().findOne({ _id: requestId }, { projection: WITHOUT_CONTENT });
  if (request && !isTerminal(request)) return false;
  crashPoint('sweep.before_release');
  deps.log.warn({ requestId, accountId, reason: request ? request.state : 'no request' }, 'forgotten hold closed');
  await deps.accounts.settle({
    accountId,
    requestId,
    keyId: hold.keyId,
    holdMicros: hold.amountMicros,
    // What is settled has been charged: this hold landed late, and is given back whole.
    costMicros: request && !request.settled ? (request.costMicros ?? 0n) : 0n,
    day: hold.day,
    month: hold.month,
  });
  await deps.writer.markSettled(requestId);
  return true;
}
