import type { Binary } from 'mongodb';
import { model, Schema } from 'mongoose';

/** One generation of an account's data key, wrapped by a version of the installation's master key. */
export type WrappedKey = { version: number; wrapped: Buffer | Binary; masterKeyVersion: number; createdAt: Date };

/**
 * The data keys of an account, newest last. They live in a database of their own, so that a backup of content never
 * holds the keys to it. Destroying them makes all content dark; the empty document stays, so that none is made anew.
 */
export type DataKeyDocument = { _id: string; versions: WrappedKey[]; createdAt: Date; destroyedAt?: Date };

const dataKeySchema = new Schema<DataKeyDocument>(
  {
    _id: { type: String, required: true },
    versions: { type: Schema.Types.Mixed, required: true },
    createdAt: { type: Date, required: true },
    destroyedAt: Date,
  },
  { collection: 'data_keys', versionKey: false, strict: 'throw' },
);

export const DataKey = model('DataKey', dataKeySchema);
