import type { AnyBulkWriteOperation, Document } from 'mongodb';
import { AppError, toAppError } from '../errors.ts';
import { createGroupCommit } from '../group-commit.ts';
import { Account, type AccountDocument } from '../models/account.ts';
import { nativeCollection } from '../models/connect.ts';
import { LedgerEntry, type LedgerEntryDocument } from '../models/ledger-entry.ts';
import {
  classifyHold,
  type HoldOutcome,
  type HoldRequest,
  holdUpdate,
  type SettleRequest,
  settleEntryId,
  settleUpdate,
  spendBuckets,
} from './account-updates.ts';

const GROUP_MAX = 200;
const HOLD_ROUNDS_MAX = 4;
const OPERATION_TIMEOUT_MS = 10_000;

export type AccountWriter = {
  /**
   * Reserves money. Resolves with the outcome read back from the account; rejects with `unavailable` when neither the
   * write nor the reading back gave an answer (the hold may then exist, and the sweeper decides about it).
   */
  hold(request: HoldRequest): Promise<HoldOutcome>;
  /** Charges and frees a hold. Resolves when it is closed, by this call or an earlier one; rejects when that is not known. */
  settle(request: SettleRequest): Promise<void>;
  /** Accounts that got an outbox entry since the last call; they are the flusher's next work. */
  takeDirty(): string[];
};

const accounts = () => nativeCollection<AccountDocument>(Account);

type NonEmpty<T> = readonly [T, ...T[]];

/** A request that two callers handed in is taken once: its amount must not count twice in the sum of its group. */
function byAccount<T extends { accountId: string; requestId: string }>(items: readonly T[]): NonEmpty<T>[] {
  const groups = new Map<string, [T, ...T[]]>();
  for (const item of new Map(items.map((one) => [one.requestId, one])).values()) {
    const group = groups.get(item.accountId);
    if (group) group.push(item);
    else groups.set(item.accountId, [item]);
  }
  return [...groups.values()];
}

/**
 * Group commit over holds and settlements: what arrives while a write is in flight goes out together in the next.
 * @param options.settleGatherMs how long a settlement may wait for others: no client waits for it.
 */
export function createAccountWriter(options: { settleGatherMs?: number } = {}): AccountWriter {
  const dirty = new Set<string>();
  const holds = createGroupCommit<HoldRequest, HoldOutcome>({ flush: flushHolds, itemsMax: GROUP_MAX });
  const settlements = createGroupCommit<SettleRequest, 'closed'>({
    flush: flushSettlements,
    itemsMax: GROUP_MAX,
    ...(options.settleGatherMs === undefined ? {} : { gatherMs: options.settleGatherMs }),
  });
  return {
    hold: (request) => holds.submit(request),
    settle: async (request) => {
      await settlements.submit(request);
      if (request.costMicros > 0n) dirty.add(request.accountId);
    },
    takeDirty: () => {
      const taken = [...dirty];
      dirty.clear();
      return taken;
    },
  };
}

/** The members of accounts that tell what became of these holds. */
function holdProjection(requests: readonly HoldRequest[]): Document {
  const projection: Document = { status: 1, availableMicros: 1, heldMicros: 1, open: 1 };
  for (const { requestId, keyId } of requests) {
    projection[`holds.${requestId}`] = 1;
    projection[`spend.${keyId}`] = 1;
  }
  return projection;
}

/** Of holds that are all known to be there. */
async function readHeld(requests: readonly HoldRequest[]): Promise<HoldOutcome[]> {
  const ids = [...new Set(requests.map((request) => request.accountId))];
  const found = await accounts()
    .find({ _id: { $in: ids } }, { projection: { open: 1, availableMicros: 1 }, maxTimeMS: OPERATION_TIMEOUT_MS })
    .toArray();
  const views = new Map(found.map((account) => [account._id, account]));
  return requests.map(({ accountId }) => {
    const view = views.get(accountId);
    if (!view) return { held: false, refusal: { reason: 'no_account' } };
    return { held: true, open: view.open, availableMicros: view.availableMicros };
  });
}

async function readBack(requests: readonly HoldRequest[]): Promise<(HoldOutcome | undefined)[]> {
  const ids = [...new Set(requests.map((request) => request.accountId))];
  const found = await accounts()
    .find({ _id: { $in: ids } }, { projection: holdProjection(requests), maxTimeMS: OPERATION_TIMEOUT_MS })
    .toArray();
  const views = new Map(found.map((account) => [account._id, account]));
  return requests.map((request) => {
    const view = views.get(request.accountId) ?? null;
    return classifyHold(view && { ...view, holds: view.holds ?? {}, spend: view.spend ?? {} }, request);
  });
}

type RoundOutcome = {
  results: (HoldOutcome | undefined)[];
  /** Whether a hold that was sent may still land, or has landed and was closed before it was looked for. */
  unknown: boolean;
};

async function writeAndReadBack(
  requests: readonly HoldRequest[],
  groups: readonly NonEmpty<HoldRequest>[],
): Promise<RoundOutcome> {
  const operations = groups.map(
    (group) => ({ updateOne: holdUpdate(group) }) as AnyBulkWriteOperation<AccountDocument>,
  );
  let failure: unknown;
  let matched = 0;
  try {
    matched = (await accounts().bulkWrite(operations, { ordered: false })).matchedCount;
  } catch (error) {
    // The write may or may not have happened; the accounts themselves tell.
    failure = error;
  }
  try {
    if (!failure && matched === groups.length) return { results: await readHeld(requests), unknown: false };
    // Of several accounts it is not told which matched; and this process may have stood still while a request was run.
    return { results: await readBack(requests), unknown: failure !== undefined || matched > 0 };
  } catch (error) {
    throw new AppError('unavailable', { internal: 'hold not confirmed', cause: failure ?? error });
  }
}

async function flushHolds(requests: HoldRequest[]): Promise<(HoldOutcome | Error)[]> {
  let tried = 0;
  const [group, ...others] = byAccount(requests);
  if (group && others.length === 0) {
    const { held, unknown } = await holdTogether(group);
    if (held) return requests.map(() => held);
    if (unknown) tried++;
  }
  const outcomes: (HoldOutcome | undefined)[] = requests.map(() => undefined);
  let waiting = requests.map((request, index) => ({ request, index }));
  for (let round = 0; round < HOLD_ROUNDS_MAX && waiting.length > 0; round++) {
    const open = waiting.map(({ request }) => Object.assign({}, request, { tried }));
    // First all holds of an account in one update; where their sum does not fit, one by one.
    const groups = round === 0 ? byAccount(open) : open.map((request) => [request] as const);
    let outcome: RoundOutcome;
    try {
      outcome = await writeAndReadBack(open, groups);
    } catch (error) {
      // What earlier rounds have decided stays decided.
      const unknown = toAppError(error);
      return outcomes.map((one) => one ?? unknown);
    }
    if (outcome.unknown) tried++;
    waiting.forEach(({ index }, position) => {
      outcomes[index] = outcome.results[position];
    });
    waiting = waiting.filter(({ index }) => outcomes[index] === undefined);
  }
  return outcomes.map((outcome) => outcome ?? new AppError('unavailable', { internal: 'hold not decided' }));
}

type Together = { held?: HoldOutcome; unknown: boolean };

/** The common cases, an idle writer and one busy account: one round trip. Nothing is held when it did not match. */
async function holdTogether(group: NonEmpty<HoldRequest>): Promise<Together> {
  const { filter, update } = holdUpdate(group);
  try {
    const after = await accounts().findOneAndUpdate(filter, update as Document, {
      returnDocument: 'after',
      projection: { open: 1, availableMicros: 1 },
      maxTimeMS: OPERATION_TIMEOUT_MS,
    });
    if (!after) return { unknown: false };
    return { held: { held: true, open: after.open, availableMicros: after.availableMicros }, unknown: false };
  } catch {
    return { unknown: true };
  }
}

/** One that is closed already keeps a group from matching: then what is still held goes together, and the rest one by one. */
async function flushSettlements(requests: SettleRequest[]): Promise<('closed' | Error)[]> {
  if (await areSettledTogether(requests)) return requests.map(() => 'closed');
  const { asHeld, otherwise } = await findHeld(requests);
  const single = asHeld.length > 0 && !(await areSettledTogether(asHeld)) ? requests : otherwise;
  const failures = new Map<string, Error>();
  for (const request of single) {
    await settleOne(request).catch((error: Error) => failures.set(request.requestId, error));
  }
  return requests.map(({ requestId }) => failures.get(requestId) ?? 'closed');
}

/** False also when that is not known: the guarded updates after it find out, each closing its hold at most once. */
async function areSettledTogether(requests: readonly SettleRequest[]): Promise<boolean> {
  return settleTogether(byAccount(requests)).catch(() => false);
}

/**
 * Those whose hold is there as they say, and those whose hold is there in another way. What is in neither is closed.
 * @throws when the accounts cannot be read.
 */
async function findHeld(requests: readonly SettleRequest[]) {
  const ids = [...new Set(requests.map(({ accountId }) => accountId))];
  const projection = Object.fromEntries(requests.map(({ requestId }) => [`holds.${requestId}`, 1]));
  const found = await accounts()
    .find({ _id: { $in: ids } }, { projection, maxTimeMS: OPERATION_TIMEOUT_MS })
    .toArray();
  const holds = new Map(found.map((account) => [account._id, account.holds ?? {}]));
  const asHeld: SettleRequest[] = [];
  const otherwise: SettleRequest[] = [];
  for (const request of requests) {
    const hold = holds.get(request.accountId)?.[request.requestId];
    if (!hold) continue;
    const isAsSaid = hold.amountMicros === request.holdMicros && hold.tried === request.tried;
    (isAsSaid ? asHeld : otherwise).push(request);
  }
  return { asHeld, otherwise };
}

/** Whether all of them matched. A bulk of one costs the driver more than the update in it. */
async function settleTogether(groups: readonly NonEmpty<SettleRequest>[]): Promise<boolean> {
  const updates = groups.map(settleUpdate);
  const [only] = updates;
  if (only && updates.length === 1)
    return (await accounts().updateOne(only.filter, only.update as Document[])).matchedCount === 1;
  const operations = updates.map((updateOne) => ({ updateOne }) as AnyBulkWriteOperation<AccountDocument>);
  return (await accounts().bulkWrite(operations, { ordered: false })).matchedCount === updates.length;
}

const SETTLE_TRIES_MAX = 5;

/**
 * One hold, whichever try of it is there. No match means that it is closed already, or that it is there by another try than
 * the first; then it is charged only if the request was not charged under an earlier one.
 */
async function settleOne(request: SettleRequest): Promise<'closed'> {
  let settlement: SettleRequest | undefined = request;
  for (let attempt = 0; attempt < SETTLE_TRIES_MAX && settlement; attempt++) {
    const { filter, update } = settleUpdate([settlement]);
    if ((await accounts().updateOne(filter, update as Document[])).matchedCount === 1) return 'closed';
    settlement = await settlementOfPresentHold(request);
  }
  if (settlement) throw new AppError('unavailable', { internal: `hold of ${request.requestId} keeps changing` });
  return 'closed';
}

/**
 * The settlement that fits the hold as it is now; undefined when there is none to close. As long as that very hold is in
 * its place nobody else can charge this request, so what the account and then the ledger say of an earlier charge holds.
 */
async function settlementOfPresentHold(request: SettleRequest): Promise<SettleRequest | undefined> {
  const { accountId, requestId } = request;
  const account = await accounts().findOne(
    { _id: accountId },
    { projection: { [`holds.${requestId}`]: 1, 'outbox._id': 1 } },
  );
  const hold = account?.holds?.[requestId];
  if (!account || !hold || hold.amountMicros !== request.holdMicros) return undefined;
  const entryId = settleEntryId(requestId);
  const isCharged =
    account.outbox.some(({ _id }) => _id === entryId) ||
    (await nativeCollection<LedgerEntryDocument>(LedgerEntry).findOne({ _id: entryId }, { projection: { _id: 1 } })) !==
      null;
  const { tried: _tried, ...plain } = request;
  return {
    ...plain,
    costMicros: isCharged ? 0n : request.costMicros,
    ...(hold.tried === undefined ? {} : { tried: hold.tried }),
  };
}

/** What the caller needs to settle a request, from the request's own row: every retry computes the same numbers. */
export function settlementOf(request: {
  _id: string;
  accountId: string;
  keyId: string;
  holdMicros: bigint;
  costMicros?: bigint;
  createdAt: Date;
}): SettleRequest {
  return {
    accountId: request.accountId,
    requestId: request._id,
    keyId: request.keyId,
    holdMicros: request.holdMicros,
    costMicros: request.costMicros ?? 0n,
    ...spendBuckets(request.createdAt),
  };
}
