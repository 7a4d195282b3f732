import { model, Schema } from 'mongoose';

/**
 * One restore of this database from a backup. While there is one without an end, the database is not whole: nothing but
 * the restore itself may connect to it.
 */
export type RestoreDocument = {
  _id: string;
  /** When the restored backup was begun. */
  takenAt: Date;
  startedAt: Date;
  endedAt?: Date;
};

const restoreSchema = new Schema<RestoreDocument>(
  {
    _id: { type: String, required: true },
    takenAt: { type: Date, required: true },
    startedAt: { type: Date, required: true },
    endedAt: Date,
  },
  { collection: 'restores', versionKey: false, strict: 'throw' },
);

export const Restore = model('Restore', restoreSchema);
