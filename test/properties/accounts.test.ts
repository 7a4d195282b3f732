import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  adjustUpdate,
  creditUpdate,
  type Guarded,
  type HoldRequest,
  holdUpdate,
  type SettleRequest,
  settleUpdate,
  spendBuckets,
} from '../../src/billing/account-updates.ts';
import { type AccountDocument, newAccount } from '../../src/models/account.ts';
import { runs } from '../helpers/property-runs.ts';
import { createTable } from '../simulation/engine/table.ts';
import type { Update } from '../simulation/engine/update.ts';

/** What any sequence of movements does to an account, against the plainest model of it: a few sums. */

const AT = new Date('2026-11-25T12:00:00Z');
const ID = 'acc_1';
const REQUESTS = 6;

type Operation =
  | { kind: 'hold'; request: number; micros: bigint }
  | { kind: 'settle'; request: number; share: number }
  | { kind: 'credit'; entry: number; micros: bigint }
  | { kind: 'adjust'; entry: number; micros: bigint };

const micros = fc.bigInt({ min: 0n, max: 1_000n });
const request = fc.integer({ min: 0, max: REQUESTS - 1 });
const operation: fc.Arbitrary<Operation> = fc.oneof(
  fc.record({ kind: fc.constant('hold' as const), request, micros }),
  fc.record({ kind: fc.constant('settle' as const), request, share: fc.integer({ min: 0, max: 4 }) }),
  fc.record({ kind: fc.constant('credit' as const), entry: request, micros: fc.bigInt({ min: 1n, max: 2_000n }) }),
  fc.record({ kind: fc.constant('adjust' as const), entry: request, micros: fc.bigInt({ min: -500n, max: 500n }) }),
);

function store(availableMicros = 0n) {
  const table = createTable();
  const account = newAccount(ID, AT);
  table.insert(availableMicros === 0n ? account : { ...account, availableMicros });
  return {
    apply: ({ filter, update }: Guarded) => table.updateOne(filter, update as Update, AT) !== undefined,
    account: () => table.get(ID) as unknown as AccountDocument,
  };
}

type Store = ReturnType<typeof store>;

const holdOf = (index: number, amountMicros: bigint): HoldRequest => ({
  accountId: ID,
  requestId: `r${index}`,
  keyId: 'key',
  amountMicros,
  expiresAt: AT,
  at: AT,
  openMax: 4,
  caps: {},
});

const settleOf = (index: number, holdMicros: bigint, costMicros: bigint): SettleRequest => ({
  accountId: ID,
  requestId: `r${index}`,
  keyId: 'key',
  holdMicros,
  costMicros,
  ...spendBuckets(AT),
});

/** A charge of a request is made once in its life, as its row sees to; the updates see to the rest. */
function updateOf(one: Operation, account: AccountDocument, charged: ReadonlySet<number>): Guarded | undefined {
  switch (one.kind) {
    case 'hold':
      return charged.has(one.request) ? undefined : holdUpdate([holdOf(one.request, one.micros)]);
    case 'settle': {
      const held = account.holds[`r${one.request}`]?.amountMicros ?? 7n;
      return settleUpdate([settleOf(one.request, held, (held * BigInt(one.share)) / 4n)]);
    }
    case 'credit':
      return creditUpdate({ accountId: ID, entryId: `pay:${one.entry}`, amountMicros: one.micros, kind: 'top_up' });
    case 'adjust':
      return adjustUpdate({ accountId: ID, entryId: `adj:${one.entry}`, amountMicros: one.micros });
  }
}

/** The model: what there is, and what is held for whom. */
type Model = { totalMicros: bigint; holds: Map<number, bigint>; entries: Set<string>; charged: Set<number> };

function play(operations: readonly Operation[], target: Store, model: Model): void {
  for (const one of operations) {
    const update = updateOf(one, target.account(), model.charged);
    if (!update) continue;
    const matched = target.apply(update);
    expect(matched).toBe(moves(one, model));
  }
}

/** Moves the model; false where a sound account must refuse. */
function moves(one: Operation, model: Model): boolean {
  const held = [...model.holds.values()].reduce((sum, hold) => sum + hold, 0n);
  const available = model.totalMicros - held;
  if (one.kind === 'hold') {
    if (model.holds.has(one.request) || available < one.micros || model.holds.size >= 4) return false;
    model.holds.set(one.request, one.micros);
    return true;
  }
  if (one.kind === 'settle') {
    const hold = model.holds.get(one.request);
    if (hold === undefined) return false;
    model.holds.delete(one.request);
    model.charged.add(one.request);
    model.totalMicros -= (hold * BigInt(one.share)) / 4n;
    return true;
  }
  const entry = `${one.kind} ${one.entry}`;
  if (model.entries.has(entry) || (one.kind === 'adjust' && one.micros < 0n && available < -one.micros)) return false;
  model.entries.add(entry);
  model.totalMicros += one.micros;
  return true;
}

const emptyModel = (): Model => ({ totalMicros: 0n, holds: new Map(), entries: new Set(), charged: new Set() });

test('P1: after any operations the account has what the model has, to the micro-ruble, and never less than nothing', () => {
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 40 }), (operations) => {
      const [target, model] = [store(), emptyModel()];
      play(operations, target, model);
      const { availableMicros, heldMicros, open, holds } = target.account();
      const held = [...model.holds.values()].reduce((sum, hold) => sum + hold, 0n);
      expect([availableMicros, heldMicros, open]).toEqual([model.totalMicros - held, held, model.holds.size]);
      expect(availableMicros).toBeGreaterThanOrEqual(0n);
      expect(Object.keys(holds).sort()).toEqual([...model.holds.keys()].map((index) => `r${index}`).sort());
    }),
    runs(300),
  );
});

test('P11: an update that was applied does nothing when it comes again', () => {
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 20 }), operation, (operations, last) => {
      const [target, model] = [store(), emptyModel()];
      play(operations, target, model);
      const update = updateOf(last, target.account(), model.charged);
      if (!update || !target.apply(update)) return;
      const once = target.account();
      expect(target.apply(update)).toBe(false);
      expect(target.account()).toBe(once);
    }),
    runs(300),
  );
});

test('P12: settlements of different requests come to the same balance in any order, alone or together', () => {
  const holds = fc.array(fc.tuple(micros, fc.integer({ min: 0, max: 4 })), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(holds, fc.boolean(), (all, together) => {
      const settlements = all.map(([hold, share], index) => settleOf(index, hold, (hold * BigInt(share)) / 4n));
      const settledBy = (order: readonly SettleRequest[]) => {
        const target = store(10_000n);
        all.forEach(([hold], index) => {
          target.apply(holdUpdate([holdOf(index, hold)]));
        });
        if (together) target.apply(settleUpdate(order as [SettleRequest]));
        else for (const one of order) target.apply(settleUpdate([one]));
        const { availableMicros, heldMicros, open, spend } = target.account();
        return { availableMicros, heldMicros, open, spend };
      };
      expect(settledBy(settlements.slice().reverse())).toEqual(settledBy(settlements));
      if (together) expect(settledBy(settlements).heldMicros).toBe(0n);
    }),
    runs(300),
  );
});

test('P13: the entries, replayed in their order, give every balance that they state and the one there is', () => {
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 40 }), (operations) => {
      const [target, model] = [store(), emptyModel()];
      play(operations, target, model);
      const { outbox, seq, availableMicros, heldMicros } = target.account();
      let sum = 0n;
      outbox.forEach((entry, index) => {
        sum += entry.amountMicros;
        expect([entry.seq, entry.afterMicros]).toEqual([BigInt(index + 1), sum]);
      });
      expect([seq, sum]).toEqual([BigInt(outbox.length), availableMicros + heldMicros]);
    }),
    runs(300),
  );
});
