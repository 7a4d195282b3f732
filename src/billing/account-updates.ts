import type { Document } from 'mongodb';
import type { AccountDocument, LedgerKind } from '../models/account.ts';

/**
 * The filters and updates that move money, as pure functions: each is one guarded update of one account document.
 * `account.ts` sends them; the simulator runs these same functions against a model.
 */

export type Guarded = { filter: Document; update: Document | Document[] };

/** Spend caps of a key in micro-rubles; holds count towards them. */
export type SpendCaps = {
  dailyMicros?: bigint | undefined;
  monthlyMicros?: bigint | undefined;
  lifetimeMicros?: bigint | undefined;
};

export type HoldRequest = {
  accountId: string;
  requestId: string;
  keyId: string;
  amountMicros: bigint;
  expiresAt: Date;
  /** When the request was accepted: decides which day and month the spend counts in (UTC). */
  at: Date;
  openMax: number;
  caps: SpendCaps;
  /** How many earlier tries at this hold had an unknown outcome. Each try must differ from the others in this. */
  tried?: number;
};

export type SettleRequest = {
  accountId: string;
  requestId: string;
  keyId: string;
  holdMicros: bigint;
  /** 0 releases the whole hold. */
  costMicros: bigint;
  day: string;
  month: string;
  /** `tried` of the hold that is to be closed; another one is left alone. */
  tried?: number;
};

export type CreditRequest = {
  accountId: string;
  /** Deterministic id of the ledger entry, e.g. `pay:<provider>:<id>`; the credit happens once for it. */
  entryId: string;
  amountMicros: bigint;
  kind: LedgerKind;
};

/** Field names of the spend counters: `d20261122` and `m202611`. */
export function spendBuckets(at: Date): { day: string; month: string } {
  const text = at.toISOString();
  return {
    day: `d${text.slice(0, 4)}${text.slice(5, 7)}${text.slice(8, 10)}`,
    month: `m${text.slice(0, 4)}${text.slice(5, 7)}`,
  };
}

/**
 * Reserves money for one or several requests of one account: all of them or none. Matches only when the balance, the
 * open-request bound and the keys' spend caps allow the sum, and none of them holds already.
 */
export function holdUpdate(requests: readonly [HoldRequest, ...HoldRequest[]]): Guarded {
  const [first] = requests;
  const total = requests.reduce((sum, request) => sum + request.amountMicros, 0n);
  const openMax = Math.min(...requests.map((request) => request.openMax));
  const filter: Document = {
    _id: first.accountId,
    status: 'active',
    availableMicros: { $gte: total },
    open: { $lte: openMax - requests.length },
    closed: { $nin: requests.map((request) => request.requestId) },
  };
  const increments: Record<string, bigint | number> = {
    availableMicros: -total,
    heldMicros: total,
    open: requests.length,
  };
  const sets: Record<string, unknown> = {};
  for (const request of requests) {
    const { day, month } = spendBuckets(request.at);
    const { requestId, keyId, amountMicros, expiresAt, tried = 0 } = request;
    filter[`holds.${requestId}`] = { $exists: false };
    sets[`holds.${requestId}`] = { amountMicros, expiresAt, keyId, day, month, ...(tried > 0 ? { tried } : {}) };
    for (const bucket of ['total', day, month]) {
      const field = `spend.${keyId}.${bucket}`;
      increments[field] = ((increments[field] as bigint | undefined) ?? 0n) + amountMicros;
    }
  }
  for (const request of requests) {
    const { day, month } = spendBuckets(request.at);
    const caps: [string, bigint | undefined][] = [
      ['total', request.caps.lifetimeMicros],
      [day, request.caps.dailyMicros],
      [month, request.caps.monthlyMicros],
    ];
    for (const [bucket, cap] of caps) {
      if (cap === undefined) continue;
      const field = `spend.${request.keyId}.${bucket}`;
      // A counter that does not exist yet is 0; `$not $gt` lets it pass where `$lte` would not. A cap below the sum is
      // negative here and lets nothing pass.
      const room = cap - (increments[field] as bigint);
      filter[field] = room < 0n ? { $lt: 0n } : { $not: { $gt: room } };
    }
  }
  return { filter, update: { $inc: increments, $set: sets } };
}

/** Enough to cover the tries of holds that are still on their way. */
const CLOSED_KEPT_MAX = 200;

/**
 * Closes holds of one account: charges each cost, frees the rest, and appends one ledger entry per charge with the next
 * sequence number and the balance after it. Each hold must exist with exactly its amount, and be of exactly that try, so
 * it happens once; a repeated hold leaves its request's id behind, so that no other try of it can hold any more.
 */
export function settleUpdate(requests: readonly [SettleRequest, ...SettleRequest[]]): Guarded {
  const [first] = requests;
  const filter: Document = { _id: first.accountId };
  const held = requests.reduce((sum, request) => sum + request.holdMicros, 0n);
  const cost = requests.reduce((sum, request) => sum + request.costMicros, 0n);
  const entries: Document[] = [];
  const refunds = new Map<string, bigint>();
  let charged = 0n;
  for (const request of requests) {
    filter[`holds.${request.requestId}.amountMicros`] = request.holdMicros;
    filter[`holds.${request.requestId}.tried`] = request.tried ?? { $exists: false };
    const freed = request.holdMicros - request.costMicros;
    for (const bucket of ['total', request.day, request.month]) {
      const field = `spend.${request.keyId}.${bucket}`;
      refunds.set(field, (refunds.get(field) ?? 0n) + freed);
    }
    if (request.costMicros === 0n) continue;
    charged += request.costMicros;
    entries.push({
      _id: { $literal: settleEntryId(request.requestId) },
      seq: { $add: ['$seq', BigInt(entries.length + 1)] },
      amountMicros: { $literal: -request.costMicros },
      afterMicros: { $subtract: [{ $add: ['$availableMicros', '$heldMicros'] }, charged] },
      kind: 'charge',
      requestId: { $literal: request.requestId },
      at: '$$NOW',
    });
  }
  const set: Document = {
    heldMicros: { $subtract: ['$heldMicros', held] },
    availableMicros: { $add: ['$availableMicros', held - cost] },
    open: { $subtract: ['$open', requests.length] },
    ...Object.fromEntries([...refunds].map(([field, freed]) => [field, { $subtract: [`$${field}`, freed] }])),
  };
  const repeated = requests.filter(({ tried = 0 }) => tried > 0).map(({ requestId }) => ({ $literal: requestId }));
  if (repeated.length > 0) {
    const closed = { $concatArrays: [{ $ifNull: ['$closed', []] }, repeated] };
    set.closed = { $slice: [closed, -CLOSED_KEPT_MAX] };
  }
  if (entries.length > 0) {
    set.seq = { $add: ['$seq', BigInt(entries.length)] };
    set.outbox = { $concatArrays: ['$outbox', entries] };
  }
  return { filter, update: [{ $set: set }, { $unset: requests.map((request) => `holds.${request.requestId}`) }] };
}

/** Enough to cover what can be on its way to the ledger; older credits are found there. */
export const CREDITED_KEPT_MAX = 500;

/** Adds money once per `entryId`; `credited` remembers the latest ids, the ledger all of them (see `creditAccount`). */
export function creditUpdate(request: CreditRequest): Guarded {
  const entry = {
    _id: { $literal: request.entryId },
    seq: { $add: ['$seq', 1n] },
    amountMicros: { $literal: request.amountMicros },
    afterMicros: { $add: ['$availableMicros', '$heldMicros', request.amountMicros] },
    kind: { $literal: request.kind },
    at: '$$NOW',
  };
  return {
    filter: { _id: request.accountId, credited: { $ne: request.entryId }, 'outbox._id': { $ne: request.entryId } },
    update: [
      {
        $set: {
          seq: { $add: ['$seq', 1n] },
          availableMicros: { $add: ['$availableMicros', request.amountMicros] },
          outbox: { $concatArrays: ['$outbox', [entry]] },
          credited: { $slice: [{ $concatArrays: ['$credited', [{ $literal: request.entryId }]] }, -CREDITED_KEPT_MAX] },
        },
      },
    ],
  };
}

/** Adds or takes money by decision of two persons; never takes what is not available. */
export function adjustUpdate(request: Omit<CreditRequest, 'kind'>): Guarded {
  const { filter, update } = creditUpdate({ ...request, kind: 'adjustment' });
  if (request.amountMicros >= 0n) return { filter, update };
  return { filter: { ...filter, availableMicros: { $gte: -request.amountMicros } }, update };
}

/** The mark in `credited` of an entry that must never be made. */
export function voidedId(entryId: string): string {
  return `void:${entryId}`;
}

/** Makes sure that an entry is never made: whoever is about to make it finds `credited` changed, and this mark in it. */
export function voidUpdate(accountId: string, entryId: string): Guarded {
  const mark = { $literal: voidedId(entryId) };
  return {
    filter: { _id: accountId, credited: { $ne: entryId }, 'outbox._id': { $ne: entryId } },
    update: [{ $set: { credited: { $slice: [{ $concatArrays: ['$credited', [mark]] }, -CREDITED_KEPT_MAX] } } }],
  };
}

/** Removes flushed entries. Only after they are in the ledger: insert, then pull, never the reverse. */
export function pullFlushedUpdate(accountId: string, entryIds: readonly string[]): Guarded {
  return { filter: { _id: accountId }, update: { $pull: { outbox: { _id: { $in: [...entryIds] } } } } };
}

export function adjustmentEntryId(adjustmentId: string): string {
  return `adj:${adjustmentId}`;
}

export function settleEntryId(requestId: string): string {
  return `${requestId}:settle`;
}

/** Why a hold did not match, read off the account as it is now. */
export type HoldRefusal =
  | { reason: 'no_account' | 'not_active' | 'too_many_open' }
  | { reason: 'spend_limit'; window: 'daily' | 'monthly' | 'lifetime' }
  | { reason: 'balance'; availableMicros: bigint; heldMicros: bigint; open: number };

export type HoldOutcome = { held: true; open: number; availableMicros: bigint } | { held: false; refusal: HoldRefusal };

type AccountView = Pick<AccountDocument, 'status' | 'availableMicros' | 'heldMicros' | 'open' | 'holds' | 'spend'>;

/** `undefined` when nothing stands in the way (the account changed since): try the update again. */
export function classifyHold(account: AccountView | null, request: HoldRequest): HoldOutcome | undefined {
  if (!account) return { held: false, refusal: { reason: 'no_account' } };
  if (account.holds[request.requestId])
    return { held: true, open: account.open, availableMicros: account.availableMicros };
  if (account.status !== 'active') return { held: false, refusal: { reason: 'not_active' } };
  if (account.open >= request.openMax) return { held: false, refusal: { reason: 'too_many_open' } };
  const { day, month } = spendBuckets(request.at);
  const spent = account.spend[request.keyId] ?? {};
  const windows = [
    ['daily', spent[day], request.caps.dailyMicros],
    ['monthly', spent[month], request.caps.monthlyMicros],
    ['lifetime', spent.total, request.caps.lifetimeMicros],
  ] as const;
  for (const [window, used, cap] of windows) {
    if (cap !== undefined && (used ?? 0n) + request.amountMicros > cap)
      return { held: false, refusal: { reason: 'spend_limit', window } };
  }
  if (account.availableMicros < request.amountMicros) {
    const { availableMicros, heldMicros, open } = account;
    return { held: false, refusal: { reason: 'balance', availableMicros, heldMicros, open } };
  }
  return undefined;
}
