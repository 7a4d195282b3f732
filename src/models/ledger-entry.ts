import { model, Schema } from 'mongoose';
import { LEDGER_KINDS, type OutboxEntry } from './account.ts';

/** One movement of money, insert-only. `_id` is `<requestId>:settle`, `pay:<…>` or `adj:<…>`; `seq` is dense per account. */
export type LedgerEntryDocument = OutboxEntry & { accountId: string };

const ledgerSchema = new Schema<LedgerEntryDocument>(
  {
    _id: { type: String, required: true },
    accountId: { type: String, required: true },
    seq: { type: BigInt, required: true },
    amountMicros: { type: BigInt, required: true },
    afterMicros: { type: BigInt, required: true },
    kind: { type: String, enum: LEDGER_KINDS, required: true },
    requestId: String,
    at: { type: Date, required: true },
  },
  { collection: 'ledger', versionKey: false, strict: 'throw' },
);
ledgerSchema.index({ accountId: 1, seq: 1 }, { unique: true });

export const LedgerEntry = model('LedgerEntry', ledgerSchema);

export const LEDGER_VALIDATOR = {
  $jsonSchema: {
    bsonType: 'object',
    required: ['accountId', 'seq', 'amountMicros', 'afterMicros', 'kind', 'at'],
    properties: {
      seq: { bsonType: 'long', minimum: 1 },
      amountMicros: { bsonType: 'long' },
      afterMicros: { bsonType: 'long', minimum: 0 },
      kind: { enum: [...LEDGER_KINDS] },
    },
  },
};
