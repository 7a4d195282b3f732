import { model, Schema } from 'mongoose';

/** The key by which an upstream knows us, when an operator has set one. It goes in and never comes out again. */
export type ProviderKeyDocument = {
  /** The provider's id. */
  _id: string;
  /** Sealed under the master key. */
  key: Buffer;
  /** Its end, for recognising it. */
  last4: string;
  changedAt: Date;
  /** A member of staff, or a script. */
  changedBy: string;
};

const providerKeySchema = new Schema<ProviderKeyDocument>(
  {
    _id: { type: String, required: true },
    key: { type: Buffer, required: true },
    last4: { type: String, required: true },
    changedAt: { type: Date, required: true },
    changedBy: { type: String, required: true },
  },
  { collection: 'provider_keys', versionKey: false, strict: 'throw' },
);

export const ProviderKey = model('ProviderKey', providerKeySchema);
