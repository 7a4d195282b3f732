import { type AccountWriter, settlementOf } from '../billing/account.ts';
import type { HoldRequest, SpendCaps } from '../billing/account-updates.ts';
import { crashPoint } from '../crash-point.ts';
import { AppError, ERROR_CATALOGUE } from '../errors.ts';
import { timeOfId } from '../ids.ts';
import { Account, type AccountDocument } from '../models/account.ts';
import type { DisconnectPolicy, Endpoint } from '../models/api-key.ts';
import { nativeCollection } from '../models/connect.ts';
import {
  type PriceSnapshot,
  Request,
  type RequestDocument,
  type RequestMode,
  type RequestState,
} from '../models/request.ts';
import type { ContentCipher } from '../privacy/content-key.ts';
import type { Producer } from '../queue/enqueue.ts';
import { refusalError } from './hold-refusal.ts';
import { confirmHeldUpdate, endAcceptedUpdate } from './updates.ts';
import type { RequestWriter } from './writer.ts';

/** Everything decided about a request before money is touched. */
export type Acceptance = {
  requestId: string;
  accountId: string;
  keyId: string;
  endpoint: Endpoint;
  model: string;
  mode: RequestMode;
  stream: boolean;
  bodyText: string;
  includeUsage: boolean;
  price: PriceSnapshot;
  holdMicros: bigint;
  inputTokensBound: number;
  outputTokensMax: number;
  choices: number;
  caps: SpendCaps;
  onDisconnect: DisconnectPolicy;
  zeroRetention: boolean;
  domesticOnly?: true;
  /** Set when the client may repeat the request: the key, and the digest of what was asked. */
  idempotency?: { key: string; fingerprint: string };
  /** Relay channel of this process when its client waits. */
  replyTo?: string;
  callbackUrl?: string;
  /** An event is owed when the request ends. */
  webhook: boolean;
};

export type Accepted =
  | { kind: 'new'; request: RequestDocument; availableMicros: bigint; open: number }
  | { kind: 'existing'; request: RequestDocument };

export type AcceptDependencies = {
  writer: Pick<RequestWriter, 'insert'>;
  accounts: Pick<AccountWriter, 'hold' | 'settle'>;
  producer: Pick<Producer, 'enqueue'>;
  cipher: ContentCipher;
  /** Ends a request that its client is to be refused. False: not known in time whether it can still run; never rejects. */
  withdraw: (request: RequestDocument) => Promise<boolean>;
  settings: {
    deadlineMs: Record<RequestMode, number>;
    holdGraceMs: number;
    openMax: number;
    /** Age of a request from which a sweeper may have looked for its hold: half of what the sweeper waits, for clocks differ. */
    confirmAfterMs: number;
  };
};

const INSERT_TRIES_MAX = 3;
const ADMISSION_WAIT_MS = 5_000;
const ADMISSION_CHECK_MS = 50;

/**
 * Insert, hold, enqueue: in this order, so that nothing is queued without money and nothing is held without a row.
 * @returns the new request, or the one this Idempotency-Key already made.
 * @throws AppError 402 without money, 422 for a key used with another request, 429 with too many open requests,
 *   403 for an account that may not spend, 503 when a store does not answer: `unavailable` when nothing runs (or a repeat
 *   under the same key finds it), `outcome_unknown` when it may run and its client cannot come back with a key.
 */
export async function acceptRequest(acceptance: Acceptance, deps: AcceptDependencies): Promise<Accepted> {
  for (let attempt = 0; attempt < INSERT_TRIES_MAX; attempt++) {
    const request = await newRequest(acceptance, deps);
    crashPoint('accept.before_insert');
    // The server alone remembers an asynchronous request; a waiting client repeats what was lost.
    const inserted = await deps.writer.insert(request, acceptance.mode === 'async').catch((cause: unknown) => {
      throw new AppError('unavailable', { internal: 'request not stored', cause });
    });
    if (!inserted) {
      const existing = await findRepeated(acceptance);
      if (existing && (await isAdmitted(existing))) return { kind: 'existing', request: existing };
      continue;
    }
    crashPoint('accept.after_insert');
    const admitted = await admit(request, acceptance, deps);
    if ('refusal' in admitted) throw admitted.refusal;
    await enqueue(request, admitted.open, deps.producer);
    crashPoint('accept.after_enqueue');
    return { kind: 'new', request, ...admitted };
  }
  throw new AppError('unavailable', { internal: 'idempotency key keeps changing hands' });
}

async function newRequest(acceptance: Acceptance, deps: AcceptDependencies): Promise<RequestDocument> {
  const { bodyText, caps: _caps, idempotency, webhook, callbackUrl, replyTo, requestId, ...plain } = acceptance;
  const { accountId } = acceptance;
  const createdAt = new Date();
  const sealText = (field: string, text: string) =>
    deps.cipher.seal(accountId, `requests|${requestId}|${field}`, Buffer.from(text));
  return {
    _id: requestId,
    ...plain,
    ...(idempotency ? { idemKey: idempotency.key, fingerprint: idempotency.fingerprint } : {}),
    ...(replyTo === undefined ? {} : { replyTo }),
    ...(webhook ? { webhook: 'wanted' as const } : {}),
    ...(callbackUrl === undefined ? {} : { callbackUrl: await sealText('callbackUrl', callbackUrl) }),
    state: 'accepted',
    attempt: 0,
    attemptsMax: 1,
    call: 'none',
    input: await sealText('input', bodyText),
    ...(acceptance.stream ? { streamKey: await deps.cipher.streamKey(accountId, requestId) } : {}),
    settled: false,
    attempts: [],
    watchers: acceptance.mode === 'async' ? 0 : 1,
    createdAt,
    deadlineAt: new Date(createdAt.getTime() + deps.settings.deadlineMs[acceptance.mode]),
  };
}

/**
 * The request that was made under this Idempotency-Key; undefined when there is none (any more).
 * @throws AppError 422 when it was made with another body.
 */
export async function findRepeated({
  accountId,
  idempotency,
}: Pick<Acceptance, 'accountId' | 'idempotency'>): Promise<RequestDocument | undefined> {
  if (!idempotency) throw new AppError('internal', { internal: 'duplicate request id' });
  const existing = await nativeCollection<RequestDocument>(Request).findOne({ accountId, idemKey: idempotency.key });
  if (!existing) return undefined;
  if (existing.fingerprint !== idempotency.fingerprint) throw new AppError('idempotency_mismatch');
  return existing;
}

/**
 * Whether a repeat may be told that its request is accepted. A waiting client hears of a refusal as of any other end; an
 * asynchronous one would never, so it is kept until the money is held. False when the request was refused meanwhile and
 * has given its key back.
 * @throws AppError unavailable when that is not decided in time: its api process has died, and the sweeper will say.
 */
async function isAdmitted({ _id, accountId, mode, state }: RequestDocument): Promise<boolean> {
  if (mode !== 'async') return true;
  const giveUpAtMs = performance.now() + ADMISSION_WAIT_MS;
  for (let now: RequestState | undefined = state; ; now = await stateOf(_id)) {
    if (now === undefined || now === 'aborted') return false;
    if (now !== 'accepted') return true;
    // Whoever looked before the hold came must not call it missing any more, now that a client is told of it.
    if ((await isHeld(accountId, _id)) && (await confirmHeld(_id))) return true;
    if (performance.now() > giveUpAtMs) throw new AppError('unavailable', { internal: 'request not decided' });
    await new Promise((resolve) => setTimeout(resolve, ADMISSION_CHECK_MS));
  }
}

/** By the time in its id, as the sweeper sees it: that is older than the row where a body took long to arrive. */
function isLate({ _id }: RequestDocument, { settings }: Pick<AcceptDependencies, 'settings'>): boolean {
  return Date.now() - timeOfId(_id) > settings.confirmAfterMs;
}

/** False when the request is no longer waiting: running, ended, or aborted by a sweeper that found no hold. */
async function confirmHeld(requestId: string): Promise<boolean> {
  const { filter, update } = confirmHeldUpdate(requestId, new Date());
  return (await nativeCollection<RequestDocument>(Request).updateOne(filter, update)).matchedCount === 1;
}

type Admitted = { open: number; availableMicros: bigint } | { refusal: AppError };

/** Money first; then, where it came late, the row must still be there for it. */
async function admit(request: RequestDocument, acceptance: Acceptance, deps: AcceptDependencies): Promise<Admitted> {
  try {
    const admitted = await holdOrAbort(request, acceptance, deps);
    crashPoint('accept.after_hold');
    if (!('refusal' in admitted) && isLate(request, deps)) await confirmOrGiveBack(request, deps);
    return admitted;
  } catch (cause) {
    throw await undecided(request, acceptance, deps, cause);
  }
}

/**
 * The hold may be there or may still come, and the sweeper runs what is held. Who repeats the request under its key finds
 * out. Without a key a repeat is another request, so it is invited only once this one can no longer run.
 */
async function undecided(
  request: RequestDocument,
  { idempotency }: Acceptance,
  deps: AcceptDependencies,
  cause: unknown,
): Promise<AppError> {
  const isSafeToRepeat = idempotency !== undefined || (await deps.withdraw(request));
  return new AppError(isSafeToRepeat ? 'unavailable' : 'outcome_unknown', { internal: 'hold not decided', cause });
}

/**
 * This process stood still between the row and the hold for so long that a sweeper may have found the row without one.
 * @throws when the request was aborted meanwhile, its hold given back, or when that is not known.
 */
async function confirmOrGiveBack(request: RequestDocument, deps: AcceptDependencies): Promise<void> {
  if ((await confirmHeld(request._id)) || (await stateOf(request._id)) !== 'aborted') return;
  await deps.accounts.settle(settlementOf(request));
  throw new AppError('unavailable', { internal: 'request aborted before its hold' });
}

async function stateOf(requestId: string): Promise<RequestState | undefined> {
  const row = await nativeCollection<RequestDocument>(Request).findOne(
    { _id: requestId },
    { projection: { state: 1 } },
  );
  return row?.state;
}

async function isHeld(accountId: string, requestId: string): Promise<boolean> {
  const account = await nativeCollection<AccountDocument>(Account).findOne(
    { _id: accountId },
    { projection: { [`holds.${requestId}`]: 1 } },
  );
  return account?.holds?.[requestId] !== undefined;
}

async function holdOrAbort(
  request: RequestDocument,
  acceptance: Acceptance,
  deps: AcceptDependencies,
): Promise<Admitted> {
  const hold: HoldRequest = {
    accountId: request.accountId,
    requestId: request._id,
    keyId: request.keyId,
    amountMicros: request.holdMicros,
    expiresAt: new Date(request.deadlineAt.getTime() + deps.settings.holdGraceMs),
    at: request.createdAt,
    openMax: deps.settings.openMax,
    caps: acceptance.caps,
  };
  const outcome = await deps.accounts.hold(hold);
  if (outcome.held) return outcome;
  const refusal = refusalError(outcome.refusal, request.holdMicros);
  crashPoint('accept.before_abort');
  const { filter, update } = endAcceptedUpdate({
    requestId: request._id,
    state: 'aborted',
    error: { code: refusal.code, message: ERROR_CATALOGUE[refusal.code].message, status: refusal.status },
    at: new Date(),
    webhook: false,
    forgetContent: true,
  });
  const aborted = await nativeCollection<RequestDocument>(Request).updateOne(filter, update, {
    writeConcern: { w: 1 },
  });
  // A repeat has seen the hold, which had come late, and was told so; this one may come back and follow it.
  if (aborted.matchedCount === 0) throw new AppError('unavailable', { internal: 'refused and yet held' });
  return { refusal };
}

/** An account with more open requests than this queues behind those with fewer. */
const PRIORITY_FREE_REQUESTS = 4;

async function enqueue(request: RequestDocument, open: number, producer: Pick<Producer, 'enqueue'>): Promise<void> {
  const job = request.mode === 'async' ? 'runBackgroundRequest' : 'runRequest';
  try {
    await producer.enqueue(job, { requestId: request._id }, { jobId: request._id, priority: fairPriority(open) });
  } catch {
    // Held and stored: the sweeper queues it again as soon as Redis is back, so the client may as well wait.
  }
}

/** Queue priority from the number of requests the account has open: 0 (first) while it is modest. */
export function fairPriority(open: number): number {
  return Math.max(0, open - PRIORITY_FREE_REQUESTS);
}
