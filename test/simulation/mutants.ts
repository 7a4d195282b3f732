import type { AccountWriter } from '../../src/billing/account.ts';
import { settlementOf } from '../../src/billing/account.ts';
import { pullFlushedUpdate } from '../../src/billing/account-updates.ts';
import type { creditAccount } from '../../src/billing/credit.ts';
import type { flushOutboxes } from '../../src/billing/ledger.ts';
import { Account, type AccountDocument } from '../../src/models/account.ts';
import { nativeCollection } from '../../src/models/connect.ts';
import { LedgerEntry } from '../../src/models/ledger-entry.ts';
import { Request, type RequestDocument } from '../../src/models/request.ts';
import type { Producer } from '../../src/queue/enqueue.ts';
import type { acceptRequest } from '../../src/requests/accept.ts';
import type { sweepHolds } from '../../src/requests/sweep.ts';
import { settledUpdate } from '../../src/requests/updates.ts';
import type { RequestWriter } from '../../src/requests/writer.ts';
import type { Rewrite, Sent } from './collections.ts';
import type { Weather } from './faults.ts';

/**
 * The protocol done wrongly, one step at a time. The product's code is never touched: a mutant changes an update on its
 * way to the store, or stands in for one step of one process.
 */
export type Steps = {
  accounts(real: AccountWriter): AccountWriter;
  writer(real: RequestWriter, accounts: AccountWriter): RequestWriter;
  accept(real: typeof acceptRequest): typeof acceptRequest;
  sweepProducer(real: Pick<Producer, 'enqueue'>): Pick<Producer, 'enqueue'>;
  sweepHolds(real: typeof sweepHolds): typeof sweepHolds;
  flush(real: typeof flushOutboxes): typeof flushOutboxes;
  credit(real: typeof creditAccount): typeof creditAccount;
};

export type Mutant = {
  name: string;
  /** What is wrong, as a sentence. */
  wrong: string;
  rewrite?: Rewrite;
  steps?: Partial<Steps>;
  /** The faults under which it shows; the protocol as it is withstands them. */
  weather?: Weather;
  /** Seeds, from 1 on, within which it must be caught. */
  seedsMax: number;
};

const asItIs = <T>(real: T): T => real;

export const REAL_STEPS: Steps = {
  accounts: asItIs,
  writer: asItIs,
  accept: asItIs,
  sweepProducer: asItIs,
  sweepHolds: asItIs,
  flush: asItIs,
  credit: asItIs,
};

const requests = () => nativeCollection<RequestDocument>(Request);

/** The filter without the members that `drop` names. */
const without = (sent: Sent, drop: (path: string) => boolean): Sent => ({
  ...sent,
  filter: Object.fromEntries(Object.entries(sent.filter).filter(([path]) => !drop(path))),
});

const isHold = ({ collection, filter }: Sent) => collection === 'accounts' && 'availableMicros' in filter;
const isSettle = ({ collection, filter }: Sent) =>
  collection === 'accounts' && Object.keys(filter).some((path) => path.endsWith('.amountMicros'));
const stageOf = ({ update }: Sent) =>
  Array.isArray(update) ? ((update[0] as { $set?: Record<string, unknown> }).$set ?? {}) : {};
const isClaim = (sent: Sent) => sent.collection === 'requests' && 'claimToken' in stageOf(sent);
const isCredit = ({ collection, filter }: Sent) => collection === 'accounts' && 'credited' in filter;
const isFinish = ({ collection, filter, update }: Sent) =>
  collection === 'requests' && 'attempt' in filter && !Array.isArray(update);
const setOf = ({ update }: Sent) =>
  ((update as { $set?: Record<string, unknown> }).$set ?? {}) as Record<string, unknown>;
const withStage = (sent: Sent, change: Record<string, unknown>): Sent => {
  const [first, ...rest] = sent.update as { $set: object }[];
  return { ...sent, update: [{ ...first, $set: { ...first?.$set, ...change } }, ...rest] };
};

export const MUTANTS: readonly Mutant[] = [
  {
    name: 'hold-without-balance-guard',
    wrong: 'the balance is looked at before the update, not in it',
    rewrite: (sent) => (isHold(sent) ? without(sent, (path) => path === 'availableMicros') : sent),
    seedsMax: 10,
  },
  {
    name: 'hold-without-exists',
    wrong: 'a hold may be placed a second time',
    rewrite: (sent) => (isHold(sent) ? without(sent, (path) => path.startsWith('holds.')) : sent),
    seedsMax: 60,
  },
  {
    name: 'settle-without-guard',
    wrong: 'a hold is closed without looking whether it is there',
    rewrite: (sent) => (isSettle(sent) ? without(sent, (path) => path.startsWith('holds.')) : sent),
    seedsMax: 10,
  },
  {
    name: 'claim-without-state',
    wrong: 'a claim does not ask in which state the request is',
    rewrite: (sent) => (isClaim(sent) ? without(sent, (path) => path === 'state') : sent),
    seedsMax: 20,
  },
  {
    name: 'take-over-of-the-living',
    wrong: 'a running request is taken over although its lease is not past',
    rewrite: (sent) => {
      if (!isClaim(sent) || sent.filter.state !== 'running') return sent;
      const claimed = Object.entries(stageOf(sent)).map(([path, value]) => [
        path,
        (value as { $cond?: unknown[] }).$cond?.[1] ?? value,
      ]);
      return withStage(sent, { ...Object.fromEntries(claimed), previousCall: 'none' });
    },
    seedsMax: 40,
  },
  {
    name: 'no-fence',
    wrong: 'a finish does not ask whether its attempt is still the one',
    rewrite: (sent) => (isFinish(sent) ? without(sent, (path) => path === 'attempt' || path === 'state') : sent),
    seedsMax: 60,
  },
  {
    name: 'no-write-ahead',
    wrong: 'a claim does not tell that the provider may have been called before',
    rewrite: (sent) => (isClaim(sent) ? withStage(sent, { previousCall: 'none' }) : sent),
    seedsMax: 20,
  },
  {
    name: 'stale-read',
    wrong: 'what to do is decided on a read from before the claim',
    steps: {
      writer: (real) => ({
        ...real,
        claim: async (requestId) => {
          const before = await requests().findOne({ _id: requestId });
          // As a worker does that is held up between the two.
          await new Promise((resolve) => setTimeout(resolve, 2_000));
          const claimed = await real.claim(requestId);
          return claimed && before ? { ...claimed, previousCall: before.call } : claimed;
        },
      }),
    },
    seedsMax: 60,
  },
  {
    name: 'refusal-before-withdrawal',
    wrong: 'a client is told to repeat its request before this one can no longer run',
    steps: {
      accept: (real) => (acceptance, deps) =>
        real(acceptance, {
          ...deps,
          withdraw: (request) => Promise.race([deps.withdraw(request), Promise.resolve(true)]),
        }),
    },
    // It takes a hold whose outcome nobody can read, and then lands.
    weather: 'late',
    seedsMax: 500,
  },
  {
    name: 'no-requeue',
    wrong: 'what the queue has lost is not queued again',
    steps: { sweepProducer: () => ({ enqueue: () => Promise.resolve() }) },
    seedsMax: 60,
  },
  {
    name: 'release-by-age',
    wrong: 'a hold is released because it is old, whatever its request does',
    steps: {
      sweepHolds: () => async (_afterId, nowMs, deps) => {
        const accounts = await nativeCollection<AccountDocument>(Account).find({}).toArray();
        for (const { _id: accountId, holds } of accounts) {
          for (const [requestId, { amountMicros, keyId, day, month, expiresAt }] of Object.entries(holds)) {
            if (expiresAt.getTime() - 9_000 > nowMs) continue;
            await deps.accounts.settle({
              accountId,
              requestId,
              keyId,
              holdMicros: amountMicros,
              costMicros: 0n,
              day,
              month,
            });
          }
        }
        return { nextId: undefined, released: 0, seen: { open: 0, oldestMs: 0 } };
      },
    },
    seedsMax: 10,
  },
  {
    name: 'settle-before-finish',
    wrong: 'the cost is charged before the end of the request is durable',
    steps: {
      writer: (real, accounts) => ({
        ...real,
        finish: async (finish) => {
          const row = await requests().findOne({ _id: finish.requestId });
          if (row) await accounts.settle(settlementOf({ ...row, costMicros: finish.costMicros }));
          return real.finish(finish);
        },
      }),
    },
    seedsMax: 10,
  },
  {
    name: 'credit-check-then-act',
    wrong: 'whether a payment was credited is looked at before the update, not in it',
    rewrite: (sent) => (isCredit(sent) ? without(sent, (path) => path !== '_id') : sent),
    seedsMax: 10,
  },
  {
    name: 'pull-before-insert',
    wrong: 'entries leave the outbox before they are in the ledger',
    steps: {
      flush: () => async (accountIds) => {
        const accounts = nativeCollection<AccountDocument>(Account);
        const owing = await accounts.find({ _id: { $in: [...accountIds] }, 'outbox.0': { $exists: true } }).toArray();
        for (const { _id: accountId, outbox } of owing) {
          const { filter, update } = pullFlushedUpdate(
            accountId,
            outbox.map(({ _id }) => _id),
          );
          await accounts.updateOne(filter, update as never);
          await nativeCollection(LedgerEntry).insertMany(outbox.map((entry) => ({ ...entry, accountId })) as never);
        }
        return owing.length;
      },
    },
    seedsMax: 10,
  },
  {
    name: 'no-hold-sweep',
    wrong: 'a hold that landed after its request had ended is never closed',
    steps: {
      sweepHolds: () => () => Promise.resolve({ nextId: undefined, released: 0, seen: { open: 0, oldestMs: 0 } }),
    },
    seedsMax: 400,
  },
  {
    name: 'sequence-not-counted',
    wrong: 'a settlement takes a sequence number and does not count it',
    rewrite: (sent) => (isSettle(sent) && 'seq' in stageOf(sent) ? withStage(sent, { seq: '$seq' }) : sent),
    seedsMax: 10,
  },
  {
    name: 'cost-above-hold',
    wrong: 'the cost is not bounded by the hold',
    rewrite: (sent) => {
      const cost = isFinish(sent) ? (setOf(sent).costMicros as bigint | undefined) : undefined;
      if (cost === undefined || cost === 0n) return sent;
      return { ...sent, update: { ...(sent.update as object), $set: { ...setOf(sent), costMicros: cost * 1_000n } } };
    },
    seedsMax: 10,
  },
  {
    name: 'enqueue-before-hold',
    // Where a design has a step that promotes what is held, this is harmless; here a worker runs what nobody pays for.
    wrong: 'a request is queued before its money is held',
    steps: {
      accept: (real) => async (acceptance, deps) => {
        const { requestId } = acceptance;
        await deps.producer.enqueue('runRequest', { requestId }, { jobId: requestId }).catch(() => undefined);
        return real(acceptance, deps);
      },
    },
    seedsMax: 10,
  },
  {
    name: 'late-hold-not-confirmed',
    wrong: 'a request may be aborted although its hold, which came late, is there and its client was told so',
    steps: {
      accept: (real) => (acceptance, deps) =>
        real(acceptance, { ...deps, settings: { ...deps.settings, confirmAfterMs: Number.POSITIVE_INFINITY } }),
    },
    seedsMax: 400,
  },
  {
    name: 'tries-of-a-hold-are-alike',
    wrong: 'a try of a hold that lands after the hold was closed holds, and is charged, again',
    rewrite: (sent) => {
      if (isHold(sent)) {
        const { $set, ...rest } = sent.update as { $set: Record<string, { tried?: number }> };
        const alike = Object.entries($set).map(([path, { tried: _tried, ...hold }]) => [path, hold]);
        return { ...without(sent, (path) => path === 'closed'), update: { ...rest, $set: Object.fromEntries(alike) } };
      }
      return isSettle(sent) ? without(sent, (path) => path.endsWith('.tried')) : sent;
    },
    // Under the usual faults it takes thousands of histories.
    weather: 'late',
    seedsMax: 120,
  },
  {
    name: 'settled-mark-first',
    wrong: 'a request is marked as settled before its hold is closed',
    steps: {
      writer: (real) => ({
        ...real,
        finish: async (finish) => {
          const landed = await real.finish(finish);
          const { filter, update } = settledUpdate([finish.requestId], new Date());
          if (landed) await requests().updateMany(filter, update);
          return landed;
        },
      }),
    },
    seedsMax: 60,
  },
];

export const mutantNamed = (name: string): Mutant | undefined => MUTANTS.find((mutant) => mutant.name === name);
