import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Document } from 'mongodb';
import {
  adjustUpdate,
  creditUpdate,
  type Guarded,
  type HoldRequest,
  holdUpdate,
  pullFlushedUpdate,
  type SettleRequest,
  settleUpdate,
  voidUpdate,
} from '../../src/billing/account-updates.ts';
import { correctUpdate } from '../../src/billing/correction-update.ts';
import { Account, type AccountDocument, newAccount } from '../../src/models/account.ts';
import { nativeCollection } from '../../src/models/connect.ts';
import { Request, type RequestDocument } from '../../src/models/request.ts';
import {
  cancelRequestedUpdate,
  claimUpdate,
  confirmHeldUpdate,
  deliveryCreatedUpdate,
  endAcceptedUpdate,
  finishUpdate,
  heartbeatUpdate,
  settledUpdate,
  takeOverUpdate,
  watchersUpdate,
} from '../../src/requests/updates.ts';
import { useStores } from '../helpers/stores.ts';
import { createTable } from './engine/table.ts';
import type { Update } from './engine/update.ts';

/** Every builder of the product does to a document in the simulator's store what it does in the real one. */

useStores();
const RUNS = 25;
const LONG_AGO = new Date('2020-01-01T00:00:00Z');
let ids = 0;

const micros = fc.bigInt({ min: 0n, max: 200_000_000n });
const cost = fc.bigInt({ min: 0n, max: 50_000n });

type Store = { collection(): ReturnType<typeof nativeCollection<Document>> };
const accounts: Store = { collection: () => nativeCollection(Account) };
const requests: Store = { collection: () => nativeCollection(Request) };

/** Times that the store made are near now on its own clock; which one exactly says nothing. */
function comparable(value: unknown): unknown {
  if (value instanceof Date) return value.getTime() > LONG_AGO.getTime() + 1e11 ? 'made now' : value;
  if (Array.isArray(value)) return value.map(comparable);
  if (typeof value === 'bigint') return `${value}n`;
  if (Buffer.isBuffer(value) || (typeof value === 'object' && value !== null && '_bsontype' in value)) return 'bytes';
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, comparable(member)]));
}

async function expectSame(store: Store, before: Document, { filter, update }: Guarded): Promise<void> {
  const table = createTable();
  table.insert(before);
  const change = table.updateOne(filter, update as Update, new Date());
  await store.collection().insertOne(before);
  const { matchedCount } = await store.collection().updateOne(filter, update);
  const real = await store.collection().findOne({ _id: before._id });
  expect({ matchedCount, after: comparable(real) }).toEqual({
    matchedCount: change ? 1 : 0,
    after: comparable(table.get(String(before._id))),
  });
}

const check = <T>(arbitrary: fc.Arbitrary<T>, act: (value: T) => Promise<void>) =>
  fc.assert(fc.asyncProperty(arbitrary, act), { numRuns: RUNS });

const id = () => `id_${String(++ids).padStart(26, '0')}`;

function account(
  availableMicros: bigint,
  holds: readonly bigint[],
  extra: Partial<AccountDocument> = {},
): AccountDocument {
  const hold = (amountMicros: bigint) => ({ amountMicros, expiresAt: LONG_AGO, keyId: 'key', day: 'd1', month: 'm1' });
  const held = holds.reduce((sum, one) => sum + one, 0n);
  return {
    ...newAccount(id(), LONG_AGO),
    availableMicros,
    heldMicros: held,
    open: holds.length,
    holds: Object.fromEntries(holds.map((amount, index) => [`r${index}`, hold(amount)])),
    spend: { key: { total: held, d1: held, m1: held } },
    ...extra,
  };
}

describe('of accounts:', () => {
  test('holds, alone and together, with and without caps', () =>
    check(
      fc.record({
        available: micros,
        amounts: fc.array(cost, { minLength: 1, maxLength: 3 }),
        openMax: fc.integer({ min: 1, max: 6 }),
        cap: fc.option(micros, { nil: undefined }),
        held: fc.array(cost, { maxLength: 2 }),
      }),
      async ({ available, amounts, openMax, cap, held }) => {
        const before = account(available, held);
        const all = amounts.map(
          (amountMicros, index): HoldRequest => ({
            accountId: before._id,
            keyId: 'key',
            amountMicros,
            openMax,
            expiresAt: LONG_AGO,
            at: LONG_AGO,
            requestId: `r${index + (amountMicros % 2n === 0n ? 1 : 5)}`,
            caps:
              cap === undefined
                ? {}
                : {
                    dailyMicros: cap,
                    lifetimeMicros: cap * 2n,
                  },
          }),
        );
        await expectSame(accounts, before, holdUpdate(all as [HoldRequest]));
      },
    ));

  test('settlements, alone and together, with the right hold and a wrong one', () =>
    check(
      fc.record({
        available: micros,
        held: fc.array(cost, { minLength: 1, maxLength: 3 }),
        off: fc.constantFrom(0n, 0n, 1n),
      }),
      async ({ available, held, off }) => {
        const before = account(available, held, { seq: 4n });
        const all = held.map(
          (amount, index): SettleRequest => ({
            accountId: before._id,
            requestId: `r${index}`,
            keyId: 'key',
            day: 'd1',
            month: 'm1',
            holdMicros: amount + off,
            ...(index === 1 ? { tried: 1 } : {}),
            costMicros: index % 2 === 0 ? amount / 2n : 0n,
          }),
        );
        await expectSame(accounts, before, settleUpdate(all as [SettleRequest]));
      },
    ));

  test('credits, new and known ones', () =>
    check(fc.tuple(micros, fc.boolean()), async ([amountMicros, isKnown]) => {
      const before = account(5n, [], { credited: isKnown ? ['pay:x', 'pay:1'] : ['pay:x'] });
      await expectSame(
        accounts,
        before,
        creditUpdate({ accountId: before._id, entryId: 'pay:1', amountMicros, kind: 'top_up' }),
      );
    }));

  test('adjustments, corrections of the books and entries that must never be made', () =>
    check(
      fc.tuple(micros, fc.bigInt({ min: -100n, max: 100n }), fc.boolean()),
      async ([available, amountMicros, seen]) => {
        const fresh = () => account(available, [3n, 4n], { seq: 9n });
        const [adjusted, corrected, voided] = [fresh(), fresh(), fresh()];
        await expectSame(accounts, adjusted, adjustUpdate({ accountId: adjusted._id, entryId: 'adj:1', amountMicros }));
        const { seq, availableMicros, heldMicros, open } = corrected;
        const asSeen = { seq: seen ? seq : 1n, availableMicros, heldMicros, open };
        const correction = {
          accountId: corrected._id,
          entryId: 'adj:2',
          amountMicros,
          seen: asSeen,
          heldMicros: 7n,
          holds: 2,
          restored: [{ requestId: 'r0', fromMicros: seen ? 3n : 2n, toMicros: 4n }],
        };
        await expectSame(accounts, corrected, correctUpdate(correction));
        await expectSame(accounts, voided, voidUpdate(voided._id, 'adj:3'));
      },
    ));

  test('what leaves the outbox', () =>
    check(fc.subarray(['a', 'b', 'c', 'd']), async (gone) => {
      const entry = (_id: string) => ({
        _id,
        seq: 1n,
        amountMicros: -1n,
        afterMicros: 0n,
        kind: 'charge' as const,
        at: LONG_AGO,
      });
      const before = account(1n, [], { outbox: ['a', 'b', 'c'].map(entry) });
      await expectSame(accounts, before, pullFlushedUpdate(before._id, gone));
    }));
});

const STATES = ['accepted', 'running', 'done', 'failed', 'cancelled', 'aborted'] as const;
const someRequest = fc
  .record({
    state: fc.constantFrom(...STATES),
    attempt: fc.integer({ min: 0, max: 3 }),
    leaseUntil: fc.constantFrom(LONG_AGO, new Date('2099-01-01T00:00:00Z')),
    settled: fc.boolean(),
    call: fc.constantFrom('none' as const, 'sent' as const),
    heldAt: fc.option(fc.constant(LONG_AGO), { nil: undefined }),
    webhook: fc.constantFrom(undefined, 'pending', 'created'),
  })
  .map(
    ({ heldAt, webhook, ...members }): Document => ({
      ...members,
      ...(heldAt ? { heldAt } : {}),
      ...(webhook ? { webhook } : {}),
      accountId: id(),
      keyId: 'key',
      holdMicros: 5n,
      attempts: [],
      watchers: 1,
      input: Buffer.from('x'),
      idemKey: id(),
      fingerprint: 'f',
      replyTo: 'r',
      progress: {
        outputTokens: 0,
        seq: 0,
      },
    }),
  );

const AT = LONG_AGO;
const claim = { worker: '$w', token: '$t', leaseMs: 500 };
const builders: Record<string, (requestId: string, attempt: number) => Guarded> = {
  claim: (requestId) => claimUpdate({ requestId, ...claim }),
  'take over': (requestId) => takeOverUpdate({ requestId, ...claim }),
  heartbeat: (requestId, attempt) => heartbeatUpdate({ requestId, attempt }, 900, { outputTokens: 3, seq: 4 }),
  'confirm a hold': (requestId) => confirmHeldUpdate(requestId, AT),
  settled: (requestId) => settledUpdate([requestId, 'another'], AT),
  'delivery created': (requestId) => deliveryCreatedUpdate([requestId, 'another']),
  'ask to cancel': (requestId) => cancelRequestedUpdate(requestId, 'why', AT),
  'watch and leave': (requestId) => watchersUpdate(requestId, -1),
  finish: (requestId, attempt) =>
    finishUpdate({
      requestId,
      attempt,
      state: 'done',
      costMicros: 3n,
      usageSource: 'provider',
      finishedAt: AT,
      attempts: [
        {
          routeId: 'r',
          providerId: 'p',
          outcome: 'ok',
          ms: 1,
          at: AT,
        },
      ],
      forgetContent: attempt % 2 === 0,
      webhook: attempt > 1,
      result: Buffer.from('y'),
      resultKind: 'json',
    }),
  'end before running': (requestId, attempt) =>
    endAcceptedUpdate({
      requestId,
      at: AT,
      webhook: true,
      forgetContent: attempt > 1,
      state: attempt % 2 === 0 ? 'aborted' : 'cancelled',
      error: {
        code: 'cancelled',
        message: 'm',
        status: 409,
      },
    }),
};

describe('of requests:', () => {
  test.each(Object.keys(builders))('%s', (name) =>
    check(fc.tuple(someRequest, fc.integer({ min: 0, max: 3 })), async ([members, attempt]) => {
      const before: Document = { _id: id(), ...members, ...({} as Partial<RequestDocument>) };
      await expectSame(requests, before, (builders[name] as (typeof builders)[string])(String(before._id), attempt));
    }),
  );
});
