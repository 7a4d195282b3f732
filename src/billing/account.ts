import type { AnyBulkWriteOperation, Document } from 'mongodb';
import { AppError, toAppError } from '../errors.ts';
import { createGroupCommit } from '../group-commit.ts';
import { Account, type AccountDocument, newAccount } from '../models/account.ts';
import { nativeCollection } from '../models/connect.ts';
import { LedgerEntry, type LedgerEntryDocument } from '../models/ledger-entry.ts';
import { AMOUNT_MICROS_MAX } from '../money.ts';
import {
  type CreditRequest,
  classifyHold,
  creditUpdate,
  type HoldOutcome,
  type HoldRequest,
  holdUpdate,
  type SettleRequest,
  settleUpdate,
  spendBuckets,
} from './account-updates.ts';

const GROUP_MAX = 200;
const HOLD_ROUNDS_MAX = 4;
const CREDIT_TRIES_MAX = 50;
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

/** Group commit over holds and settlements: what arrives while a write is in flight goes out together in the next. */
export function createAccountWriter(): AccountWriter {
  const dirty = new Set<string>();
  const holds = createGroupCommit<HoldRequest, HoldOutcome>({ flush: flushHolds, itemsMax: GROUP_MAX });
  const settlements = createGroupCommit<SettleRequest, 'closed'>({ flush: flushSettlements, itemsMax: GROUP_MAX });
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

async function writeAndReadBack(
  requests: readonly HoldRequest[],
  groups: readonly NonEmpty<HoldRequest>[],
): Promise<(HoldOutcome | undefined)[]> {
  const operations = groups.map(
    (group) => ({ updateOne: holdUpdate(group) }) as AnyBulkWriteOperation<AccountDocument>,
  );
  let failure: unknown;
  try {
    await accounts().bulkWrite(operations, { ordered: false });
  } catch (error) {
    // The write may or may not have happened; the accounts themselves tell.
    failure = error;
  }
  try {
    return await readBack(requests);
  } catch (error) {
    throw new AppError('unavailable', { internal: 'hold not confirmed', cause: failure ?? error });
  }
}

async function flushHolds(requests: HoldRequest[]): Promise<(HoldOutcome | Error)[]> {
  const [group, ...others] = byAccount(requests);
  if (group && others.length === 0) {
    const together = await holdTogether(group);
    if (together) return requests.map(() => together);
  }
  const outcomes: (HoldOutcome | undefined)[] = requests.map(() => undefined);
  let waiting = requests.map((request, index) => ({ request, index }));
  for (let round = 0; round < HOLD_ROUNDS_MAX && waiting.length > 0; round++) {
    const open = waiting.map(({ request }) => request);
    // First all holds of an account in one update; where their sum does not fit, one by one.
    const groups = round === 0 ? byAccount(open) : open.map((request) => [request] as const);
    let results: (HoldOutcome | undefined)[];
    try {
      results = await writeAndReadBack(open, groups);
    } catch (error) {
      // What earlier rounds have decided stays decided.
      const unknown = toAppError(error);
      return outcomes.map((outcome) => outcome ?? unknown);
    }
    waiting.forEach(({ index }, position) => {
      outcomes[index] = results[position];
    });
    waiting = waiting.filter(({ index }) => outcomes[index] === undefined);
  }
  return outcomes.map((outcome) => outcome ?? new AppError('unavailable', { internal: 'hold not decided' }));
}

/** The common cases, an idle writer and one busy account: one round trip. Undefined when it did not match or failed. */
async function holdTogether(group: NonEmpty<HoldRequest>): Promise<HoldOutcome | undefined> {
  const { filter, update } = holdUpdate(group);
  try {
    const after = await accounts().findOneAndUpdate(filter, update as Document, {
      returnDocument: 'after',
      projection: { open: 1, availableMicros: 1 },
      maxTimeMS: OPERATION_TIMEOUT_MS,
    });
    return after ? { held: true, open: after.open, availableMicros: after.availableMicros } : undefined;
  } catch {
    return undefined;
  }
}

async function flushSettlements(requests: SettleRequest[]): Promise<('closed' | Error)[]> {
  const groups = byAccount(requests);
  const operations = groups.map(
    (group) => ({ updateOne: settleUpdate(group) }) as AnyBulkWriteOperation<AccountDocument>,
  );
  try {
    const result = await accounts().bulkWrite(operations, { ordered: false });
    if (result.matchedCount === operations.length) return requests.map(() => 'closed');
  } catch {
    // Unknown outcome: the guarded single updates below find out, each closing its hold at most once.
  }
  const outcomes: ('closed' | Error)[] = [];
  for (const request of requests) outcomes.push(await settleOne(request).catch((error: Error) => error));
  return outcomes;
}

/** No match means that the hold is closed already. */
async function settleOne(request: SettleRequest): Promise<'closed'> {
  const { filter, update } = settleUpdate([request]);
  await accounts().updateOne(filter, update as Document[]);
  return 'closed';
}

/** Creates an account when it does not exist. True when this call made it. */
export async function createAccount(accountId: string, at: Date = new Date()): Promise<boolean> {
  const { _id, ...rest } = newAccount(accountId, at);
  const result = await accounts().updateOne({ _id }, { $setOnInsert: rest }, { upsert: true });
  return result.upsertedCount === 1;
}

/**
 * Adds money, once per `entryId` for ever: the id is looked up in the ledger, and the list of latest credits read before
 * that look-up is part of the update's guard, so that a credit made in between is not missed. Charges do not change the
 * list: an account may be as busy as it likes.
 * @returns true when this call credited, false when it was credited before.
 * @throws `not_found` when there is no such account, `invalid_request` for an amount that is not positive.
 */
export async function creditAccount(request: CreditRequest): Promise<boolean> {
  if (request.amountMicros <= 0n || request.amountMicros > AMOUNT_MICROS_MAX) {
    throw new AppError('invalid_request', { message: 'The amount to credit must be positive.' });
  }
  for (let attempt = 0; attempt < CREDIT_TRIES_MAX; attempt++) {
    const before = await accounts().findOne(
      { _id: request.accountId },
      { projection: { credited: 1, 'outbox._id': 1 } },
    );
    if (!before) throw new AppError('not_found', { message: 'There is no such account.' });
    if (before.credited.includes(request.entryId)) return false;
    if (before.outbox.some((entry) => entry._id === request.entryId)) return false;
    if (
      await nativeCollection<LedgerEntryDocument>(LedgerEntry).findOne(
        { _id: request.entryId },
        { projection: { _id: 1 } },
      )
    )
      return false;
    const { filter, update } = creditUpdate(request);
    const result = await accounts().updateOne({ ...filter, credited: before.credited }, update as Document[]);
    if (result.matchedCount === 1) return true;
  }
  throw new AppError('unavailable', { internal: `credit ${request.entryId}: too many credits at once` });
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
