import { createAccountWriter } from '../../src/billing/account.ts';
import type { HoldRequest } from '../../src/billing/account-updates.ts';
import { flushOutboxes } from '../../src/billing/ledger.ts';
import { newId } from '../../src/ids.ts';
import { nativeCollection } from '../../src/models/connect.ts';
import type { FindingKind, ReconciliationAlertDocument } from '../../src/models/reconciliation-alert.ts';
import { ReconciliationAlert } from '../../src/models/reconciliation-alert.ts';
import { accounts, ledger, requests } from '../helpers/invariants.ts';
import { accountWith, holdOn, RUB, settlementFor, silent } from './teller.ts';

/** Accounts whose books are in order, and every way to put them out of order. */

const COST = 300_000n;
const DAY_MS = 86_400_000;

export const alerts = () => nativeCollection<ReconciliationAlertDocument>(ReconciliationAlert);

/** The row of a request that has this hold; settled when it has a cost. */
export async function storeRequest(hold: HoldRequest, costMicros?: bigint): Promise<void> {
  const { requestId: _id, accountId, keyId, amountMicros: holdMicros } = hold;
  const ended = { state: 'done', settled: true, costMicros, finishedAt: new Date() };
  const running = { state: 'running', settled: false, leaseUntil: new Date(Date.now() + DAY_MS) };
  const row = { _id, accountId, keyId, attempt: 1, holdMicros, ...(costMicros === undefined ? running : ended) };
  await requests().insertOne(row as never);
}

/** 100 RUB in row 1, six charges in rows 2 to 7, two open holds of 1 RUB. */
export async function busyAccount(): Promise<string> {
  const accountId = await accountWith(100n);
  const writer = createAccountWriter();
  const holds = Array.from({ length: 8 }, () => holdOn(accountId));
  for (const hold of holds) await writer.hold(hold);
  await Promise.all(holds.map((hold, index) => storeRequest(hold, index < 6 ? COST : undefined)));
  for (const hold of holds.slice(0, 6)) await writer.settle(settlementFor(hold, COST));
  await flushOutboxes([accountId], silent);
  return accountId;
}

async function swapRows(accountId: string, first: bigint, second: bigint): Promise<void> {
  const parking = 1_000_000n;
  const move = (from: bigint, to: bigint) => ledger().updateOne({ accountId, seq: from }, { $set: { seq: to } });
  await move(first, parking);
  await move(second, first);
  await move(parking, second);
}

async function changeHold(accountId: string): Promise<void> {
  const account = await accounts().findOne({ _id: accountId });
  const [requestId] = Object.keys(account?.holds ?? {});
  await accounts().updateOne({ _id: accountId }, { $inc: { [`holds.${requestId}.amountMicros`]: RUB } });
}

async function loseRequest(accountId: string, expiresAt: Date): Promise<void> {
  const account = await accounts().findOne({ _id: accountId });
  const [requestId = ''] = Object.keys(account?.holds ?? {});
  await requests().deleteOne({ _id: requestId });
  await accounts().updateOne({ _id: accountId }, { $set: { [`holds.${requestId}.expiresAt`]: expiresAt } });
}

/** Placed as holds are, so that every sum is right. */
async function ancientHold(accountId: string): Promise<void> {
  const requestId = newId('req', Date.now() - 2 * DAY_MS);
  const expiresAt = new Date(Date.now() + 1_000 * DAY_MS);
  await createAccountWriter().hold(holdOn(accountId, { requestId, expiresAt }));
}

async function removeHold(accountId: string): Promise<void> {
  const account = await accounts().findOne({ _id: accountId });
  const [requestId] = Object.keys(account?.holds ?? {});
  await accounts().updateOne({ _id: accountId }, { $unset: { [`holds.${requestId}`]: '' } });
}

/** A row changed so that every sum in ledger and account follows from it. */
async function changeConsistently(accountId: string, seq: bigint): Promise<void> {
  const inc = { $inc: { afterMicros: RUB } };
  await ledger().updateOne({ accountId, seq }, { $inc: { amountMicros: RUB } });
  await ledger().updateMany({ accountId, seq: { $gte: seq } }, inc);
  await accounts().updateOne({ _id: accountId }, { $inc: { availableMicros: RUB } });
}

/** A request that ended ten minutes ago, settled, with a charge that is not what it cost. */
async function wrongCharge(accountId: string): Promise<void> {
  const hold = holdOn(accountId, { requestId: newId('req', Date.now() - 600_000) });
  const writer = createAccountWriter();
  await writer.hold(hold);
  await storeRequest(hold, COST);
  await writer.settle(settlementFor(hold, COST + 1n));
  await flushOutboxes([accountId], silent);
}

async function lostCharge(accountId: string): Promise<void> {
  await storeRequest(holdOn(accountId, { requestId: newId('req', Date.now() - 600_000) }), COST);
}

function extraRow(accountId: string, seq: bigint) {
  const money = { amountMicros: RUB, afterMicros: 100n * RUB };
  return ledger().insertOne({
    _id: `adj:${accountId}:${seq}`,
    accountId,
    seq,
    ...money,
    kind: 'adjustment',
    at: new Date(),
  });
}

export type Tampering = {
  name: string;
  tamper: (accountId: string) => Promise<unknown>;
  expected: { kind: FindingKind; seq: bigint }[];
  /** A sweeper mends it, and may be faster than whoever looks for it. */
  isSwept?: true;
};

const one = (kind: FindingKind, seq: bigint) => [{ kind, seq }];

/** What can be done to a `busyAccount`, and what must be said about it. */
export const TAMPERINGS: readonly Tampering[] = [
  {
    name: 'the amount of a ledger row was changed',
    tamper: (accountId) => ledger().updateOne({ accountId, seq: 4n }, { $set: { amountMicros: -100_000n } }),
    expected: one('ledger_row_changed', 4n),
  },
  {
    name: 'the balance after a ledger row was changed',
    tamper: (accountId) => ledger().updateOne({ accountId, seq: 4n }, { $inc: { afterMicros: 1n } }),
    expected: one('ledger_row_changed', 4n),
  },
  {
    name: 'the time of a ledger row was changed',
    tamper: (accountId) => ledger().updateOne({ accountId, seq: 5n }, { $set: { at: new Date(0) } }),
    expected: one('ledger_row_changed', 5n),
  },
  {
    name: 'a ledger row in the middle was deleted',
    tamper: (accountId) => ledger().deleteOne({ accountId, seq: 4n }),
    expected: one('ledger_row_missing', 4n),
  },
  {
    name: 'the last ledger row was deleted',
    tamper: (accountId) => ledger().deleteOne({ accountId, seq: 7n }),
    expected: one('ledger_row_missing', 7n),
  },
  {
    name: 'a ledger row was added',
    tamper: (accountId) => extraRow(accountId, 8n),
    expected: one('ledger_row_extra', 8n),
  },
  {
    name: 'a ledger row was added far after the last one',
    tamper: (accountId) => extraRow(accountId, 1_000_000_000n),
    expected: one('ledger_row_extra', 1_000_000_000n),
  },
  {
    name: 'a charge was not what its request cost',
    tamper: wrongCharge,
    expected: one('charge_differs', 8n),
  },
  {
    name: 'a request that cost something was not charged',
    tamper: lostCharge,
    expected: one('charge_differs', 7n),
  },
  {
    name: 'two ledger rows changed places',
    tamper: (accountId) => swapRows(accountId, 3n, 5n),
    expected: one('ledger_row_changed', 3n),
  },
  {
    name: 'the balance was raised',
    tamper: (accountId) => accounts().updateOne({ _id: accountId }, { $inc: { availableMicros: RUB } }),
    expected: one('balance_differs', 7n),
  },
  {
    name: 'money was moved from held to available',
    tamper: (accountId) =>
      accounts().updateOne({ _id: accountId }, { $inc: { availableMicros: RUB, heldMicros: -RUB } }),
    expected: one('held_differs', 7n),
  },
  {
    name: 'a hold was changed',
    tamper: changeHold,
    expected: [...one('held_differs', 7n), ...one('hold_differs', 7n)],
  },
  {
    name: 'the request of an open hold was deleted, and the hold is long past',
    tamper: (accountId) => loseRequest(accountId, new Date(Date.now() - 600_000)),
    expected: one('hold_differs', 7n),
    isSwept: true,
  },
  {
    name: 'a hold is there without a request, older than any request, and says that it lasts for years',
    tamper: ancientHold,
    expected: one('hold_differs', 7n),
  },
  {
    name: 'a hold was removed',
    tamper: removeHold,
    expected: [...one('held_differs', 7n), ...one('open_differs', 7n)],
  },
  {
    name: 'the count of open requests was changed',
    tamper: (accountId) => accounts().updateOne({ _id: accountId }, { $inc: { open: 1 } }),
    expected: one('open_differs', 7n),
  },
  {
    name: 'a ledger row, all rows after it and the balance were changed to fit',
    tamper: (accountId) => changeConsistently(accountId, 4n),
    expected: one('ledger_row_changed', 4n),
  },
  {
    name: 'the last ledger row and the balance were changed to fit',
    tamper: (accountId) => changeConsistently(accountId, 7n),
    expected: one('ledger_row_changed', 7n),
  },
  {
    name: 'the account was deleted',
    tamper: (accountId) => accounts().deleteOne({ _id: accountId }),
    expected: one('account_missing', 7n),
  },
];
