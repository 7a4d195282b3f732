import { type AnyBulkWriteOperation, type Document, MongoBulkWriteError } from 'mongodb';
import { nativeCollection } from '../models/connect.ts';
import { AccountRollup, Rollup } from '../models/rollup.ts';
import type { RollupBatch, RollupIncrement } from '../models/rollup-walk.ts';
import { aggregateId } from './count-request.ts';
import { hourRange } from './hour.ts';

/**
 * Adds a batch to the aggregates. Each aggregate remembers the last batch it took, and batches come in order, so a batch
 * that is added again, by whomever and however late, changes nothing.
 */

const DUPLICATE_KEY = 11_000;
const FIGURES = ['requests', 'outcomes', 'failures', 'revenueMicros', 'tokens', 'latency'] as const;

type Aggregate = Document & { _id: string };

const collectionOf = (isAccount: boolean) => nativeCollection<Aggregate>(isAccount ? AccountRollup : Rollup);

function addition(one: RollupIncrement, batch: number): AnyBulkWriteOperation<Aggregate> {
  const { kind, key, hour, by } = one;
  return {
    updateOne: {
      filter: { _id: aggregateId(one), batch: { $lt: batch } },
      update: {
        $inc: Object.fromEntries(by.map(({ path, value }) => [path, value])),
        $set: { batch },
        $setOnInsert: kind === 'account' ? { hour, accountId: key } : { hour, kind, key },
      },
      upsert: true,
    },
  };
}

async function add(isAccount: boolean, increments: readonly RollupIncrement[], batch: number): Promise<void> {
  if (increments.length === 0) return;
  try {
    await collectionOf(isAccount).bulkWrite(
      increments.map((one) => addition(one, batch)),
      { ordered: false },
    );
  } catch (error) {
    // The filter let nothing through and the upsert met the aggregate itself: it has this batch already.
    const errors = error instanceof MongoBulkWriteError ? [error.writeErrors].flat() : [];
    if (errors.length === 0 || errors.some(({ code }) => code !== DUPLICATE_KEY)) throw error;
  }
}

/** Emptied and not deleted: a batch from before that is added late must find what tells it so. */
async function clearHour(isAccount: boolean, hour: Date, batch: number): Promise<void> {
  await collectionOf(isAccount).updateMany(
    { _id: hourRange(hour.getTime()), batch: { $lt: batch } },
    { $set: { batch }, $unset: Object.fromEntries(FIGURES.map((name) => [name, ''])) },
  );
}

export async function applyBatch(batch: number, { clear, increments }: RollupBatch): Promise<void> {
  for (const isAccount of [false, true]) {
    if (clear) await clearHour(isAccount, clear, batch);
    await add(
      isAccount,
      increments.filter(({ kind }) => (kind === 'account') === isAccount),
      batch,
    );
  }
}
