import { model, Schema } from 'mongoose';
import type { AcknowledgedBreak } from './reconciliation-segment.ts';

/** proposed -> approved -> executed | refused, or proposed -> rejected | expired. Each step is a compare-and-set. */
export const ADJUSTMENT_STATES = ['proposed', 'approved', 'executed', 'refused', 'rejected', 'expired'] as const;
export type AdjustmentState = (typeof ADJUSTMENT_STATES)[number];

/** `money` moves the balance; `correction` leaves the balance and makes the books tell how it came to be. */
export const ADJUSTMENT_TYPES = ['money', 'correction'] as const;
export type AdjustmentType = (typeof ADJUSTMENT_TYPES)[number];

export type AcceptedCharge = { requestId: string; expected: string; found: string };
export type RestoredHold = { requestId: string; fromMicros: bigint; toMicros: bigint };

/** A correction that two persons decide on. Kept for ever: it is the explanation of its ledger entry `adj:<id>`. */
export type AdjustmentDocument = {
  _id: string;
  accountId: string;
  type: AdjustmentType;
  amountMicros: bigint;
  /** Of a refund: what it gives back a part of. */
  requestId?: string;
  reason: string;
  state: AdjustmentState;
  proposedBy: string;
  proposedAt: Date;
  expiresAt: Date;
  /** Who approved or rejected it. */
  decidedBy?: string;
  decidedAt?: Date;
  finishedAt?: Date;
  /** Error code of a refusal. */
  failure?: string;
  /** Of a correction: the rows that are accepted as they are now. */
  breaks?: Omit<AcknowledgedBreak, 'adjustmentId'>[];
  /** Of a correction: charges that are not what their requests cost, accepted as they are. */
  charges?: AcceptedCharge[];
  /** Of a correction: holds that get back the amount their requests were accepted with, or go when no request has them. */
  holds?: RestoredHold[];
};

const adjustmentSchema = new Schema<AdjustmentDocument>(
  {
    _id: { type: String, required: true },
    accountId: { type: String, required: true },
    type: { type: String, enum: ADJUSTMENT_TYPES, required: true },
    amountMicros: { type: BigInt, required: true },
    requestId: String,
    reason: { type: String, required: true },
    state: { type: String, enum: ADJUSTMENT_STATES, required: true },
    proposedBy: { type: String, required: true },
    proposedAt: { type: Date, required: true },
    expiresAt: { type: Date, required: true },
    decidedBy: String,
    decidedAt: Date,
    finishedAt: Date,
    failure: String,
    breaks: Schema.Types.Mixed,
    charges: Schema.Types.Mixed,
    holds: Schema.Types.Mixed,
  },
  { collection: 'adjustments', versionKey: false, strict: 'throw' },
);
adjustmentSchema.index({ state: 1, _id: 1 });
adjustmentSchema.index({ accountId: 1, _id: -1 });

export const Adjustment = model('Adjustment', adjustmentSchema);

export const ADJUSTMENT_VALIDATOR = {
  $jsonSchema: {
    bsonType: 'object',
    required: ['accountId', 'type', 'amountMicros', 'state', 'proposedBy', 'expiresAt'],
    properties: {
      amountMicros: { bsonType: 'long' },
      state: { enum: [...ADJUSTMENT_STATES] },
      type: { enum: [...ADJUSTMENT_TYPES] },
    },
  },
};
