import type { Binary } from 'mongodb';
import { model, Schema } from 'mongoose';

/** Where an account's ledger stands after row `seq`: the sum of its amounts, the balance it tells, and the hash of it all. */
export type ChainState = { seq: bigint; sumMicros: bigint; afterMicros: bigint; hash: string };

/**
 * A row that is not what it was (or is gone) and that two persons accepted as it is now. `offsetMicros` is what the
 * balance after it jumps by, beside its own amount.
 */
export type AcknowledgedBreak = { seq: bigint; offsetMicros: bigint; missing: boolean; adjustmentId: string };

/**
 * The reconciler's own record of up to 1 000 consecutive ledger rows of one account. Full ones are
 * `<accountId>:<first seq>` and do not change; the last one is `<accountId>:tail` and grows with the ledger.
 */
export type ReconciliationSegmentDocument = {
  _id: string;
  accountId: string;
  /** Rises when two persons acknowledge a break and the segments after it are built anew. */
  generation: number;
  start: ChainState;
  end: ChainState;
  /** The first 4 bytes of the chain's hash at each row: they name the row when a segment's hash differs. */
  marks: Binary | Uint8Array;
  /** Of rows after `start`; the tail carries those of rows still to come. */
  breaks: AcknowledgedBreak[];
  updatedAt: Date;
};

const segmentSchema = new Schema<ReconciliationSegmentDocument>(
  {
    _id: { type: String, required: true },
    accountId: { type: String, required: true },
    generation: { type: Number, required: true },
    start: { type: Schema.Types.Mixed, required: true },
    end: { type: Schema.Types.Mixed, required: true },
    marks: { type: Schema.Types.Mixed, required: true },
    breaks: { type: Schema.Types.Mixed, required: true },
    updatedAt: { type: Date, required: true },
  },
  { collection: 'reconciliation_segments', versionKey: false, strict: 'throw' },
);
// No index beside `_id`: an account's segments are a range of it, and the walk over all of them is in its order.
export const ReconciliationSegment = model('ReconciliationSegment', segmentSchema);
