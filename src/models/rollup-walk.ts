import { model, Schema } from 'mongoose';
import type { RollupKind } from './rollup.ts';

/** What a batch adds to one aggregate; `by` names members by their paths. */
export type RollupIncrement = {
  kind: RollupKind | 'account';
  key: string;
  hour: Date;
  by: { path: string; value: bigint }[];
};

/** Decided and written down here before it is done, so that whoever finds it can do it. */
export type RollupBatch = {
  increments: RollupIncrement[];
  /** This hour is counted anew: its aggregates are emptied first. */
  clear?: Date;
};

/** How far the workers together have counted. A batch belongs to the process that moved `batch` over it. */
export type RollupWalkDocument = {
  _id: 'requests';
  batch: number;
  /** The last request looked at. */
  position: string;
  /** Requests before it that were not over yet. */
  waiting: string[];
  /** Hours before this are closed: every request counted, and the revenue is the ledger's. */
  closedUpTo: Date;
  unapplied?: RollupBatch;
  recount?: { hour: Date; position: string };
  /** The last hour that was counted anew. */
  recounted?: Date;
  /** When there was last nothing left to count. */
  caughtUpAt?: Date;
};

const walkSchema = new Schema<RollupWalkDocument>(
  {
    _id: { type: String, enum: ['requests'], required: true },
    batch: { type: Number, required: true },
    position: String,
    waiting: { type: [String], required: true },
    closedUpTo: { type: Date, required: true },
    unapplied: Schema.Types.Mixed,
    recount: Schema.Types.Mixed,
    recounted: Date,
    caughtUpAt: Date,
  },
  { collection: 'rollup_walks', versionKey: false, minimize: false, strict: 'throw' },
);
export const RollupWalk = model('RollupWalk', walkSchema);
