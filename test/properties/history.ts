import fc from 'fast-check';
import { createAccountWriter } from '../../src/billing/account.ts';
import type { HoldRequest } from '../../src/billing/account-updates.ts';
import { approveAdjustment, proposeAdjustment } from '../../src/billing/adjustments.ts';
import { creditAccount } from '../../src/billing/credit.ts';
import { flushOutboxes } from '../../src/billing/ledger.ts';
import { createReconciler } from '../../src/billing/reconciler.ts';
import { AppError } from '../../src/errors.ts';
import { newId } from '../../src/ids.ts';
import { storeRequest } from '../billing/books.ts';
import { accountWith, holdOn, settlementFor, silent } from '../billing/teller.ts';
import { requests } from '../helpers/invariants.ts';

/** What honest processes do to a few accounts, in any order and several things at once. */

const WALKS = ['accounts', 'segments', 'charges'] as const;
/** The cross checks look at requests of the last hour that are older than a minute. */
const REQUEST_AGE_MS = 300_000;

export const ACCOUNTS = 2;

export type Step =
  | { kind: 'hold'; account: number; micros: bigint }
  | { kind: 'settle'; account: number; hold: number; share: number }
  | { kind: 'credit'; account: number; micros: bigint }
  | { kind: 'adjust'; account: number; micros: bigint }
  | { kind: 'flush'; account: number }
  | { kind: 'walk'; walk: (typeof WALKS)[number] };

const account = fc.nat(ACCOUNTS - 1);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('hold' as const),
      account,
      micros: fc.bigInt({ min: 1n, max: 3_000_000n }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('settle' as const), account, hold: fc.nat(9), share: fc.nat(4) }),
  },
  fc.record({ kind: fc.constant('credit' as const), account, micros: fc.bigInt({ min: 1n, max: 5_000_000n }) }),
  fc.record({
    kind: fc.constant('adjust' as const),
    account,
    micros: fc.bigInt({ min: -4_000_000n, max: 4_000_000n }).filter((micros) => micros !== 0n),
  }),
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('flush' as const), account }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('walk' as const), walk: fc.constantFrom(...WALKS) }) },
);

/** Groups of steps: those of one group are taken at once. */
export const history: fc.Arbitrary<Step[][]> = fc.array(fc.array(step, { minLength: 1, maxLength: 4 }), {
  minLength: 2,
  maxLength: 8,
});

export const reconciler = createReconciler({ intervalMs: 0, rowsPerSecond: 1_000_000 }, silent);

async function settle(hold: HoldRequest, share: number): Promise<void> {
  const costMicros = (hold.amountMicros * BigInt(share)) / 4n;
  // The end of a request is durable before its hold is closed, and marked as settled after it.
  await requests().updateOne({ _id: hold.requestId }, { $set: { state: 'done', costMicros, finishedAt: new Date() } });
  await createAccountWriter().settle(settlementFor(hold, costMicros));
  await requests().updateOne({ _id: hold.requestId }, { $set: { settled: true } });
}

async function adjust(accountId: string, amountMicros: bigint): Promise<void> {
  try {
    const { _id } = await proposeAdjustment({ accountId, amountMicros, reason: 'as agreed', by: 'anna' }, Date.now());
    await approveAdjustment(_id, 'boris', Date.now());
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'insufficient_balance') throw error;
  }
}

/** Plays a history on new accounts of 5 RUB. @returns their ids. */
export async function play(groups: readonly (readonly Step[])[]): Promise<string[]> {
  const ids = await Promise.all(Array.from({ length: ACCOUNTS }, () => accountWith(5n)));
  const open: HoldRequest[][] = ids.map(() => []);
  const writer = createAccountWriter();

  async function hold(index: number, accountId: string, amountMicros: bigint): Promise<void> {
    const requestId = newId('req', Date.now() - REQUEST_AGE_MS);
    const wanted = holdOn(accountId, { requestId, amountMicros });
    await storeRequest(wanted);
    if ((await writer.hold(wanted)).held) open[index]?.push(wanted);
    else await requests().updateOne({ _id: requestId }, { $set: { state: 'aborted', settled: true } });
  }

  async function take(one: Step): Promise<void> {
    if (one.kind === 'walk') return reconciler[one.walk]();
    const accountId = ids[one.account] ?? '';
    const holds = open[one.account] ?? [];
    switch (one.kind) {
      case 'hold':
        return hold(one.account, accountId, one.micros);
      case 'settle': {
        const [taken] = holds.splice(one.hold % Math.max(1, holds.length), 1);
        if (taken) await settle(taken, one.share);
        return;
      }
      case 'credit':
        await creditAccount({ accountId, entryId: newId('pay'), amountMicros: one.micros, kind: 'top_up' });
        return;
      case 'adjust':
        return adjust(accountId, one.micros);
      case 'flush':
        await flushOutboxes([accountId], silent);
    }
  }

  for (const group of groups) await Promise.all(group.map(take));
  return ids;
}
