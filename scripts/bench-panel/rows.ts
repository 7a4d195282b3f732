import { randomBytes } from 'node:crypto';
import { newId } from '../../src/ids.ts';
import type { AccountDocument } from '../../src/models/account.ts';
import type { ApiKeyDocument } from '../../src/models/api-key.ts';
import type { AuditEntryDocument } from '../../src/models/audit-entry.ts';
import type { LedgerEntryDocument } from '../../src/models/ledger-entry.ts';
import type { RequestDocument, RequestState } from '../../src/models/request.ts';

/** The rows of a service that has been busy for 40 days, made by counting: the same number gives the same picture. */

export const DAY_MS = 86_400_000;
export const DAYS = 40;
/** Content older than this has been purged. */
const CONTENT_DAYS = 30;
const INPUT_BYTES = 400;
const RESULT_BYTES = 1_200;
const KEYS_PER_ACCOUNT = 2;
const COST_MICROS_MAX = 5_000_000;
const BALANCE_MICROS = 10_000_000_000_000n;

export const MODELS = Array.from({ length: 12 }, (_, n) => `bench/model-${n + 1}`);
export const PROVIDERS = ['bench-north', 'bench-south', 'bench-west'];
const MODES = ['sync', 'sync', 'stream', 'stream', 'stream', 'async'] as const;
const ACTIONS = ['accounts.suspend', 'keys.revoke', 'requests.cancel', 'tickets.reply', 'sign-in', 'content.read'];
const OUTCOMES = ['begun', 'done', 'begun', 'done', 'begun', 'failed', 'denied'] as const;

/** None of the others is a fraction of it. */
const GOLDEN = (1 + Math.sqrt(5)) / 2;

/** A number below 1 for each count, spread evenly; another irrational number gives another order. */
const spread = (count: number, irrational: number) => (count * irrational) % 1;
const chosen = <T>(from: readonly T[], share: number): T => from[Math.floor(share * from.length)] as T;

/** Few accounts make many requests: a tenth of all come from a thousandth of the accounts. */
const busy = (share: number) => share ** 3;

function stateOf(share: number): RequestState {
  if (share < 0.93) return 'done';
  return share < 0.98 ? 'failed' : 'cancelled';
}

export function accountRow(index: number, startMs: number): AccountDocument {
  return {
    _id: newId('acc', startMs + index),
    status: index % 50 === 49 ? 'suspended' : 'active',
    currency: 'RUB',
    availableMicros: BALANCE_MICROS,
    heldMicros: 0n,
    open: 0,
    holds: {},
    spend: {},
    seq: 0n,
    outbox: [],
    credited: [],
    createdAt: new Date(startMs + index),
  };
}

/** An account's identifier and where its ledger stands. */
export type Book = { accountId: string; keyIds: string[]; seq: bigint; availableMicros: bigint };

export function bookOf({ _id, availableMicros }: AccountDocument, startMs: number): Book {
  const keyIds = Array.from({ length: KEYS_PER_ACCOUNT }, () => newId('key', startMs));
  return { accountId: _id, keyIds, seq: 0n, availableMicros };
}

/** A key that nobody has: its digest is none. */
export function keyRow(_id: string, accountId: string, startMs: number): ApiKeyDocument {
  return {
    _id,
    accountId,
    digest: randomBytes(32).toString('hex'),
    pepperVersion: 1,
    prefix: 'ocq_test_0000',
    last4: '0000',
    label: 'bench',
    scopes: { models: [], endpoints: [] },
    limits: {},
    onDisconnect: 'cancel',
    zeroRetention: false,
    webhook: { secrets: [] },
    createdAt: new Date(startMs),
  };
}

/** Request number `n`, ended long ago. */
export function requestRow(n: number, at: Date, books: readonly Book[]): RequestDocument {
  const book = chosen(books, busy(spread(n, Math.SQRT2)));
  const state = stateOf(spread(n, Math.E));
  const model = chosen(MODELS, busy(spread(n, Math.PI)));
  const providerId = chosen(PROVIDERS, busy(spread(n, Math.LN2)));
  const ms = 200 + Math.floor(4_000 * busy(spread(n, Math.LN10)));
  const finishedAt = new Date(at.getTime() + ms);
  const isDone = state === 'done';
  const hasContent = Date.now() - at.getTime() < CONTENT_DAYS * DAY_MS;
  const rates = { cachedInputMicrosPerMillion: 0n, cacheWriteMicrosPerMillion: 0n, reasoningMicrosPerMillion: 0n };
  const price = {
    ...rates,
    inputMicrosPerMillion: 20_000_000n,
    outputMicrosPerMillion: 80_000_000n,
    requestMicros: 0n,
  };
  return {
    _id: newId('req', at.getTime()),
    accountId: book.accountId,
    keyId: chosen(book.keyIds, busy(spread(n, GOLDEN))),
    endpoint: 'chat.completions',
    model,
    mode: chosen(MODES, spread(n, Math.LOG2E)),
    stream: false,
    state,
    attempt: 1,
    attemptsMax: 2,
    call: 'sent',
    ...(hasContent ? { input: randomBytes(INPUT_BYTES), result: randomBytes(RESULT_BYTES), resultKind: 'json' } : {}),
    includeUsage: true,
    price: { ...price, priceId: `${model}:1`, version: 1 },
    holdMicros: BigInt(COST_MICROS_MAX),
    inputTokensBound: 1_000,
    outputTokensMax: 1_000,
    choices: 1,
    usage: {
      promptTokens: 100 + (n % 900),
      cachedTokens: 0,
      cacheWriteTokens: 0,
      completionTokens: 10 + (n % 700),
      reasoningTokens: 0,
    },
    usageSource: 'provider',
    costMicros: isDone ? BigInt(1 + Math.floor(COST_MICROS_MAX * spread(n, Math.LOG10E))) : 0n,
    ...(isDone
      ? {}
      : { error: { code: state === 'failed' ? 'provider_error' : 'cancelled', message: '', status: 502 } }),
    settled: true,
    provider: { routeId: `${providerId}/${model}`, providerId, upstreamModel: model },
    attempts: [{ routeId: `${providerId}/${model}`, providerId, outcome: isDone ? 'ok' : 'http', status: 200, ms, at }],
    watchers: 0,
    onDisconnect: 'cancel',
    zeroRetention: false,
    ...(hasContent ? {} : { contentPurgedAt: new Date(at.getTime() + CONTENT_DAYS * DAY_MS) }),
    createdAt: at,
    deadlineAt: new Date(at.getTime() + 60_000),
    heldAt: at,
    claimedAt: at,
    firstByteAt: finishedAt,
    finishedAt,
    settledAt: finishedAt,
  };
}

/** The charge of a request, next in its account's ledger; none for one that cost nothing. */
export function chargeOf(request: RequestDocument, books: ReadonlyMap<string, Book>): LedgerEntryDocument[] {
  const { _id, accountId, costMicros = 0n, finishedAt = request.createdAt } = request;
  const book = books.get(accountId);
  if (!book || costMicros === 0n) return [];
  book.seq += 1n;
  book.availableMicros -= costMicros;
  const { seq, availableMicros: afterMicros } = book;
  const moved = { amountMicros: -costMicros, afterMicros, kind: 'charge', requestId: _id, at: finishedAt } as const;
  return [{ _id: `${_id}:settle`, accountId, seq, ...moved }];
}

/** Entry number `n` of a log of so many; the hashes are none, for lists do not look at them. */
export function auditRow(n: number, at: Date, staffIds: readonly string[], books: readonly Book[]): AuditEntryDocument {
  return {
    _id: n,
    at,
    actorKind: 'staff',
    actorId: chosen(staffIds, busy(spread(n, Math.SQRT2))),
    actorRole: 'support',
    address: '192.0.2.1',
    action: chosen(ACTIONS, spread(n, Math.E)),
    targetId: chosen(books, spread(n, Math.PI)).accountId,
    outcome: chosen(OUTCOMES, spread(n, Math.LN2)),
    reason: 'because of a benchmark',
    previousHash: '0'.repeat(64),
    hash: randomBytes(32).toString('hex'),
  };
}
