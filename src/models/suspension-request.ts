import { model, Schema } from 'mongoose';

/** open -> granted | declined. Each step is a compare-and-set. */
export const SUSPENSION_REQUEST_STATES = ['open', 'granted', 'declined'] as const;
export type SuspensionRequestState = (typeof SUSPENSION_REQUEST_STATES)[number];

/** That support wants an account suspended, and what came of it. An account has one open request at most. */
export type SuspensionRequestDocument = {
  _id: string;
  accountId: string;
  reason: string;
  state: SuspensionRequestState;
  requestedBy: string;
  createdAt: Date;
  decidedBy?: string;
  decidedAt?: Date;
  /** What whoever decided had to say. */
  decision?: string;
};

const suspensionRequestSchema = new Schema<SuspensionRequestDocument>(
  {
    _id: { type: String, required: true },
    accountId: { type: String, required: true },
    reason: { type: String, required: true },
    state: { type: String, enum: SUSPENSION_REQUEST_STATES, required: true },
    requestedBy: { type: String, required: true },
    createdAt: { type: Date, required: true },
    decidedBy: String,
    decidedAt: Date,
    decision: String,
  },
  { collection: 'suspension_requests', versionKey: false, strict: 'throw' },
);
suspensionRequestSchema.index({ accountId: 1, _id: -1 });
suspensionRequestSchema.index({ state: 1, _id: -1 });
suspensionRequestSchema.index({ accountId: 1 }, { unique: true, partialFilterExpression: { state: 'open' } });

export const SuspensionRequest = model('SuspensionRequest', suspensionRequestSchema);
