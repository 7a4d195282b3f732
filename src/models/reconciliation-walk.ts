import { model, Schema } from 'mongoose';

export const WALKS = ['accounts', 'segments', 'charges'] as const;
export type WalkName = (typeof WALKS)[number];

/** Sums that the pages of one pass add up to. */
export type WalkTotals = Record<string, bigint>;

/** How far all worker processes together are in one walk. A page belongs to the process that moved `position` over it. */
export type ReconciliationWalkDocument = {
  _id: WalkName;
  pass: number;
  /** The last `_id` handed out; empty at the beginning. */
  position: string;
  isOver: boolean;
  startedAt: Date;
  endedAt?: Date;
  totals: WalkTotals;
  /** Of the pass before. */
  last: WalkTotals;
};

const walkSchema = new Schema<ReconciliationWalkDocument>(
  {
    _id: { type: String, enum: WALKS, required: true },
    pass: { type: Number, required: true },
    position: String,
    isOver: { type: Boolean, required: true },
    startedAt: { type: Date, required: true },
    endedAt: Date,
    totals: { type: Schema.Types.Mixed, required: true },
    last: { type: Schema.Types.Mixed, required: true },
  },
  { collection: 'reconciliation_walks', versionKey: false, minimize: false, strict: 'throw' },
);
export const ReconciliationWalk = model('ReconciliationWalk', walkSchema);
