import type { Document } from 'mongodb';
import type { ProviderAttempt, RequestDocument, RequestError, Usage, UsageSource } from '../models/request.ts';

/**
 * The filters and updates of a request's life, as pure functions. Every transition is a compare-and-set; the attempt
 * number is the fence that keeps a worker which lost its lease from writing.
 */

export type Transition = { filter: Document; update: Document | Document[] };

export type Claim = { requestId: string; worker: string; token: string; leaseMs: number };

/** What a claim sets. It is also the write-ahead of the provider call: `call` is `sent` from here on. */
function claimFields({ worker, token, leaseMs }: Claim): Record<string, unknown> {
  return {
    attempt: { $add: ['$attempt', 1] },
    previousCall: '$call',
    call: 'sent',
    worker: { $literal: worker },
    claimToken: { $literal: token },
    claimedAt: '$$NOW',
    leaseUntil: { $add: ['$$NOW', leaseMs] },
  };
}

/** accepted -> running. */
export function claimUpdate(claim: Claim): Transition {
  return {
    filter: { _id: claim.requestId, state: 'accepted' },
    update: [{ $set: { state: 'running', ...claimFields(claim) } }],
  };
}

/**
 * Takes a running request over when its lease is past by the database's clock, and leaves it as it is otherwise; the
 * token on the row tells which. The condition stands in the update because not every engine allows `$$NOW` in a filter.
 */
export function takeOverUpdate(claim: Claim): Transition {
  const isOver = { $lt: ['$leaseUntil', '$$NOW'] };
  const conditional = Object.entries(claimFields(claim)).map(([field, value]) => [
    field,
    { $cond: [isOver, value, `$${field}`] },
  ]);
  return { filter: { _id: claim.requestId, state: 'running' }, update: [{ $set: Object.fromEntries(conditional) }] };
}

export type Fence = { requestId: string; attempt: number };

const fenced = ({ requestId, attempt }: Fence) => ({ _id: requestId, state: 'running', attempt });

/** Extends the lease and notes how far the output is. No match: the lease is lost, stop at once. */
export function heartbeatUpdate(
  fence: Fence,
  leaseMs: number,
  progress: { outputTokens: number; seq: number },
): Transition {
  return {
    filter: fenced(fence),
    update: [{ $set: { leaseUntil: { $add: ['$$NOW', leaseMs] }, progress: { $literal: progress } } }],
  };
}

export type Finish = Fence & {
  state: 'done' | 'failed' | 'cancelled';
  costMicros: bigint;
  usage?: Usage;
  usageSource: UsageSource;
  review?: string;
  error?: RequestError;
  result?: Buffer;
  resultKind?: 'json' | 'sse';
  provider?: RequestDocument['provider'];
  attempts: ProviderAttempt[];
  firstByteAt?: Date;
  finishedAt: Date;
  /** Zero retention: the input goes now and no result is kept. */
  forgetContent: boolean;
  webhook: boolean;
};

/** running -> terminal with usage, cost and result in one write. */
export function finishUpdate(finish: Finish): Transition {
  const { requestId, attempt, state, forgetContent, webhook, attempts, ...rest } = finish;
  const { result, resultKind, ...plain } = rest;
  return {
    filter: fenced({ requestId, attempt }),
    update: {
      $set: {
        state,
        ...withoutUndefined(plain),
        ...(forgetContent ? { contentPurgedAt: finish.finishedAt } : withoutUndefined({ result, resultKind })),
        ...(webhook ? { webhook: 'pending' } : {}),
      },
      ...(attempts.length > 0 ? { $push: { attempts: { $each: attempts } } } : {}),
      $unset: { leaseUntil: '', replyTo: '', progress: '', streamKey: '', ...(forgetContent ? { input: '' } : {}) },
    },
  };
}

/**
 * The hold is there: from here on the request cannot be aborted. Needed only where the hold came so late that a sweeper may
 * have looked for it before; no match means that it has ended the request already.
 */
export function confirmHeldUpdate(requestId: string, at: Date): Transition {
  return { filter: { _id: requestId, state: 'accepted' }, update: { $set: { heldAt: at } } };
}

export type EndBeforeRunning = {
  requestId: string;
  state: 'aborted' | 'cancelled' | 'failed';
  error: RequestError;
  at: Date;
  webhook: boolean;
  forgetContent: boolean;
};

/**
 * accepted -> terminal without a provider call. An aborted request was never held: it gives its idempotency key back,
 * so that the client may try again after topping up, and needs no settlement.
 */
export function endAcceptedUpdate(end: EndBeforeRunning): Transition {
  const aborted = end.state === 'aborted';
  return {
    // A hold that was confirmed is never called missing by somebody who looked for it earlier.
    filter: { _id: end.requestId, state: 'accepted', ...(aborted ? { heldAt: { $exists: false } } : {}) },
    update: {
      $set: {
        state: end.state,
        error: end.error,
        costMicros: 0n,
        usageSource: 'none',
        finishedAt: end.at,
        ...(aborted ? { settled: true } : {}),
        ...(end.webhook && !aborted ? { webhook: 'pending' } : {}),
        ...(end.forgetContent || aborted ? { contentPurgedAt: end.at } : {}),
      },
      $unset: {
        replyTo: '',
        streamKey: '',
        ...(aborted ? { idemKey: '', fingerprint: '', webhook: '', callbackUrl: '' } : {}),
        ...(end.forgetContent || aborted ? { input: '' } : {}),
      },
    },
  };
}

/** The holds are closed. A hint that keeps the sweeper's index small; the hold itself is the fence. */
export function settledUpdate(requestIds: readonly string[], at: Date): Transition {
  return {
    filter: { _id: { $in: [...requestIds] }, settled: false },
    update: { $set: { settled: true, settledAt: at } },
  };
}

/** Their deliveries are there. A hint as well: creating one again is the same. */
export function deliveryCreatedUpdate(requestIds: readonly string[]): Transition {
  return { filter: { _id: { $in: [...requestIds] }, webhook: 'pending' }, update: { $set: { webhook: 'created' } } };
}

export function cancelRequestedUpdate(requestId: string, reason: string, at: Date): Transition {
  return {
    filter: { _id: requestId, state: { $in: ['accepted', 'running'] }, cancelRequestedAt: { $exists: false } },
    update: { $set: { cancelRequestedAt: at, cancelReason: reason } },
  };
}

/** A client came (+1) or went (-1). */
export function watchersUpdate(requestId: string, delta: 1 | -1): Transition {
  return { filter: { _id: requestId }, update: { $inc: { watchers: delta } } };
}

function withoutUndefined(members: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}
