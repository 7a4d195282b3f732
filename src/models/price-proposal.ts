import { model, Schema } from 'mongoose';
import type { PriceRates } from './ai-model.ts';

export const PRICE_PROPOSAL_STATES = ['proposed', 'approved', 'rejected'] as const;
export type PriceProposalState = (typeof PRICE_PROPOSAL_STATES)[number];

/** A price that two persons decide on. The version that comes of it has its `_id`; kept for ever, as its explanation. */
export type PriceProposalDocument = PriceRates & {
  _id: string;
  modelId: string;
  validFrom: Date;
  reason: string;
  state: PriceProposalState;
  proposedBy: string;
  proposedAt: Date;
  decidedBy?: string;
  decidedAt?: Date;
};

const rate = { type: BigInt, required: true } as const;
const proposalSchema = new Schema<PriceProposalDocument>(
  {
    _id: { type: String, required: true },
    modelId: { type: String, required: true },
    validFrom: { type: Date, required: true },
    inputMicrosPerMillion: rate,
    cachedInputMicrosPerMillion: rate,
    cacheWriteMicrosPerMillion: rate,
    outputMicrosPerMillion: rate,
    reasoningMicrosPerMillion: rate,
    requestMicros: rate,
    reason: { type: String, required: true },
    state: { type: String, enum: PRICE_PROPOSAL_STATES, required: true },
    proposedBy: { type: String, required: true },
    proposedAt: { type: Date, required: true },
    decidedBy: String,
    decidedAt: Date,
  },
  { collection: 'price_proposals', versionKey: false, strict: 'throw' },
);
proposalSchema.index({ modelId: 1, _id: -1 });

export const PriceProposal = model('PriceProposal', proposalSchema);
