import { model, Schema } from 'mongoose';

/** What the last reconciliation of an account found. `differenceMicros` is not 0 exactly when something is wrong. */
export type ReconciliationDocument = {
  _id: string;
  checkedAt: Date;
  seq: bigint;
  differenceMicros: bigint;
  problems: string[];
};

const reconciliationSchema = new Schema<ReconciliationDocument>(
  {
    _id: { type: String, required: true },
    checkedAt: { type: Date, required: true },
    seq: { type: BigInt, required: true },
    differenceMicros: { type: BigInt, required: true },
    problems: { type: [String], required: true },
  },
  { collection: 'reconciliations', versionKey: false, strict: 'throw' },
);

export const Reconciliation = model('Reconciliation', reconciliationSchema);
