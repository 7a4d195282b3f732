import { model, Schema } from 'mongoose';

/** Keeps everything of an account from being purged or erased, on a norm and until somebody releases it. */
export type LegalHoldDocument = {
  _id: string;
  accountId: string;
  norm: string;
  until?: Date;
  setBy: string;
  setAt: Date;
  releasedBy?: string;
  releasedAt?: Date;
  isActive: boolean;
};

const holdSchema = new Schema<LegalHoldDocument>(
  {
    _id: { type: String, required: true },
    accountId: { type: String, required: true },
    norm: { type: String, required: true },
    until: Date,
    setBy: { type: String, required: true },
    setAt: { type: Date, required: true },
    releasedBy: String,
    releasedAt: Date,
    isActive: { type: Boolean, required: true },
  },
  { collection: 'legal_holds', versionKey: false, strict: 'throw' },
);
holdSchema.index({ accountId: 1 }, { partialFilterExpression: { isActive: true } });
holdSchema.index({ releasedAt: 1 }, { sparse: true });

export const LegalHold = model('LegalHold', holdSchema);
