import { beforeEach, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { flushOutboxes } from '../../src/billing/ledger.ts';
import { segments } from '../../src/billing/segments.ts';
import { inspectAccount, surveyBooks } from '../../src/billing/survey.ts';
import type { AccountDocument } from '../../src/models/account.ts';
import type { FindingKind } from '../../src/models/reconciliation-alert.ts';
import { alerts } from '../billing/books.ts';
import { accountNow, expectSound, silent } from '../billing/teller.ts';
import { accounts, ledger, requests } from '../helpers/invariants.ts';
import { runs } from '../helpers/property-runs.ts';
import { useStores } from '../helpers/stores.ts';
import { history, play, reconciler } from './history.ts';

/**
 * The reconciler against histories that nobody wrote down: an honest one raises nothing, however walks, flushes and money
 * meet, and one thing changed behind its back is named. A try takes a tenth of a second, so there are few of them here;
 * PROPERTY_RUNS asks for more.
 */

useStores();

async function clear(): Promise<void> {
  for (const collection of [accounts(), ledger(), requests(), segments(), alerts()]) await collection.deleteMany({});
}
beforeEach(clear);

async function alertsNow() {
  const all = await alerts().find().toArray();
  return all.map(({ accountId, kind, seq }) => ({ accountId, kind, seq }));
}

test('an honest history never raises an alert, and its books are known to the last row', async () => {
  await fc.assert(
    fc
      .asyncProperty(history, async (groups) => {
        const ids = await play(groups);
        expect(await alertsNow()).toEqual([]);
        await flushOutboxes(ids, silent);
        await reconciler.all();
        expect(await alertsNow()).toEqual([]);
        await expectSound(...ids);
        for (const accountId of ids) {
          const { seq, status } = await accountNow(accountId);
          const tail = await segments().findOne({ _id: `${accountId}:tail` });
          expect([status, tail?.end.seq]).toEqual(['active', seq]);
          expect(await inspectAccount(accountId)).toEqual([]);
          expect(await surveyBooks(await accountNow(accountId))).toMatchObject({ breaks: [], differenceMicros: 0n });
        }
      })
      .afterEach(clear),
    runs(10),
  );
});

type Place = { account: AccountDocument; other: AccountDocument; pick: number; delta: bigint };
/** What must be said: one of these kinds, and the row where it is about one; what may be said of the other account. */
type Named = { kinds: FindingKind[]; seq?: bigint; elsewhere?: FindingKind[] };
/** Changes something; undefined when there is nothing of the kind to change. */
type Tampering = (place: Place) => Promise<Named | undefined>;

const ofRow =
  (change: (delta: bigint) => object): Tampering =>
  async ({ account, pick, delta }) => {
    const seq = 1n + (BigInt(pick) % account.seq);
    await ledger().updateOne({ accountId: account._id, seq }, change(delta));
    return { kinds: ['ledger_row_changed'], seq };
  };

const ofAccount =
  (kinds: FindingKind[], change: (delta: bigint) => object): Tampering =>
  async ({ account, delta }) => {
    await accounts().updateOne({ _id: account._id }, change(delta));
    return { kinds };
  };

const ofHold =
  (kinds: FindingKind[], change: (path: string, delta: bigint) => object): Tampering =>
  async ({ account, pick, delta }) => {
    const held = Object.keys(account.holds);
    if (held.length === 0) return undefined;
    await accounts().updateOne({ _id: account._id }, change(`holds.${held[pick % held.length]}`, delta));
    return { kinds };
  };

/** Upwards: the validators refuse a balance below nothing. */
const more = (delta: bigint) => (delta < 0n ? -delta : delta);

const TAMPERINGS: Readonly<Record<string, Tampering>> = {
  amount: ofRow((delta) => ({ $inc: { amountMicros: delta } })),
  after: ofRow((delta) => ({ $inc: { afterMicros: more(delta) } })),
  kind: ofRow(() => ({ $set: { kind: 'refund' } })),
  time: ofRow((delta) => ({ $set: { at: new Date(Number(delta)) } })),
  request: ofRow(() => ({ $set: { requestId: 'req_of_nobody' } })),
  member: ofRow(() => ({ $set: { note: 'x' } })),
  deleted: async ({ account, pick }) => {
    const seq = 1n + (BigInt(pick) % account.seq);
    await ledger().deleteOne({ accountId: account._id, seq });
    return { kinds: ['ledger_row_missing'], seq };
  },
  moved: async ({ account, other, pick }) => {
    const seq = 1n + (BigInt(pick) % account.seq);
    await ledger().updateOne({ accountId: account._id, seq }, { $set: { accountId: other._id, seq: other.seq + 5n } });
    return { kinds: ['ledger_row_missing'], seq, elsewhere: ['ledger_row_extra', 'charge_differs'] };
  },
  swapped: async ({ account, pick }) => {
    if (account.seq < 2n) return undefined;
    const seq = 1n + (BigInt(pick) % (account.seq - 1n));
    const move = (from: bigint, to: bigint) =>
      ledger().updateOne({ accountId: account._id, seq: from }, { $set: { seq: to } });
    await move(seq, 1_000_000n);
    await move(seq + 1n, seq);
    await move(1_000_000n, seq + 1n);
    return { kinds: ['ledger_row_changed'], seq };
  },
  added: async ({ account, pick, delta }) => {
    const seq = account.seq + 1n + BigInt(pick % 5);
    const money = { amountMicros: delta, afterMicros: more(delta), kind: 'adjustment' as const, at: new Date() };
    await ledger().insertOne({ _id: `adj:${account._id}:${pick}`, accountId: account._id, seq, ...money });
    return { kinds: ['ledger_row_extra'], seq };
  },
  rewritten: async ({ account, pick, delta }) => {
    const seq = 1n + (BigInt(pick) % account.seq);
    const accountId = account._id;
    await ledger().updateOne({ accountId, seq }, { $inc: { amountMicros: more(delta) } });
    await ledger().updateMany({ accountId, seq: { $gte: seq } }, { $inc: { afterMicros: more(delta) } });
    await accounts().updateOne({ _id: accountId }, { $inc: { availableMicros: more(delta) } });
    return { kinds: ['ledger_row_changed'], seq };
  },
  available: ofAccount(['balance_differs'], (delta) => ({ $inc: { availableMicros: more(delta) } })),
  held: ofAccount(['held_differs'], (delta) => ({ $inc: { heldMicros: more(delta) } })),
  open: ofAccount(['open_differs'], () => ({ $inc: { open: 1 } })),
  sequenceUp: ofAccount(['ledger_row_missing'], () => ({ $inc: { seq: 1n } })),
  sequenceDown: ofAccount(['sequence_differs', 'ledger_row_extra'], () => ({ $inc: { seq: -1n } })),
  account: async ({ account }) => {
    await accounts().deleteOne({ _id: account._id });
    return { kinds: ['account_missing'] };
  },
  hold: ofHold(['hold_differs', 'held_differs'], (path, delta) => ({
    $inc: { [`${path}.amountMicros`]: more(delta) },
  })),
  holdAndSums: ofHold(['hold_differs'], (path) => ({
    $inc: { [`${path}.amountMicros`]: -1n, heldMicros: -1n, availableMicros: 1n },
  })),
  holdRemoved: ofHold(['held_differs', 'open_differs'], (path) => ({ $unset: { [path]: '' } })),
  cost: async ({ account, delta }) => {
    const charged = await ledger().findOne({ accountId: account._id, kind: 'charge' });
    if (!charged?.requestId) return undefined;
    await requests().updateOne({ _id: charged.requestId }, { $inc: { costMicros: more(delta) } });
    return { kinds: ['charge_differs'], seq: charged.seq };
  },
  requestRemoved: async ({ account }) => {
    const charged = await ledger().findOne({ accountId: account._id, kind: 'charge' });
    if (!charged?.requestId) return undefined;
    await requests().deleteOne({ _id: charged.requestId });
    return { kinds: ['charge_differs'], seq: charged.seq };
  },
};

const delta = fc.bigInt({ min: -1_000_000n, max: 1_000_000n }).filter((micros) => micros !== 0n);

test.each(Object.entries(TAMPERINGS))(
  'one thing changed after any history is named, account and row: %s',
  async (_name, tamper) => {
    await fc.assert(
      fc
        .asyncProperty(history, fc.nat(1), fc.nat(), delta, async (groups, victim, pick, change) => {
          const ids = await play(groups);
          await flushOutboxes(ids, silent);
          await reconciler.all();
          const all = await Promise.all(ids.map(accountNow));
          const [account, other] = [all[victim], all[1 - victim]];
          if (!account || !other) throw new Error('two accounts were played on');
          const named = await tamper({ account, other, pick, delta: change });
          fc.pre(named !== undefined);
          await reconciler.all();
          const found = (await alertsNow()).filter(({ accountId }) => accountId === account._id);
          expect(named?.kinds).toContain(found.find(({ kind }) => named?.kinds.includes(kind))?.kind);
          if (named?.seq !== undefined) expect(found.map(({ seq }) => seq)).toContain(named.seq);
          const strangers = (await alertsNow()).filter(({ accountId }) => accountId !== account._id);
          expect(strangers.filter(({ kind }) => !named?.elsewhere?.includes(kind))).toEqual([]);
          if (tamper !== TAMPERINGS.account) expect((await accountNow(account._id)).status).toBe('frozen');
        })
        .afterEach(clear),
      runs(1),
    );
  },
);
