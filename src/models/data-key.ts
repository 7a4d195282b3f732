import { model, Schema } from 'mongoose';

/** An account's data key, wrapped by a version of the installation's master key. Destroying it makes all content dark. */
export type DataKeyDocument = { _id: string; wrapped: Buffer; masterKeyVersion: number; createdAt: Date };

const dataKeySchema = new Schema<DataKeyDocument>(
  {
    _id: { type: String, required: true },
    wrapped: { type: Buffer, required: true },
    masterKeyVersion: { type: Number, required: true },
    createdAt: { type: Date, required: true },
  },
  { collection: 'data_keys', versionKey: false, strict: 'throw' },
);

export const DataKey = model('DataKey', dataKeySchema);
