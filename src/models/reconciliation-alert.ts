import { model, Schema } from 'mongoose';

export const FINDING_KINDS = [
  'balance_differs',
  'held_differs',
  'open_differs',
  'hold_differs',
  'sequence_differs',
  'ledger_row_missing',
  'ledger_row_changed',
  'ledger_row_extra',
  'charge_differs',
  'account_missing',
] as const;
export type FindingKind = (typeof FINDING_KINDS)[number];

export const ALERT_STATUSES = ['open', 'acknowledged', 'resolved'] as const;
export type AlertStatus = (typeof ALERT_STATUSES)[number];

/** A difference that a person has to look at. One unresolved alert per account and kind; amounts and hashes, never content. */
export type ReconciliationAlertDocument = {
  _id: string;
  accountId: string;
  kind: FindingKind;
  /** The ledger row it is about; the account's own sequence number when no row is. */
  seq: bigint;
  expected: string;
  found: string;
  requestId?: string;
  status: AlertStatus;
  /** What the unique index and the back-office's list are about; false once resolved. */
  unresolved: boolean;
  firstSeenAt: Date;
  lastSeenAt: Date;
  acknowledgedBy?: string;
  acknowledgedAt?: Date;
  resolvedBy?: string;
  resolvedAt?: Date;
  adjustmentId?: string;
};

const alertSchema = new Schema<ReconciliationAlertDocument>(
  {
    _id: { type: String, required: true },
    accountId: { type: String, required: true },
    kind: { type: String, enum: FINDING_KINDS, required: true },
    seq: { type: BigInt, required: true },
    expected: { type: String, required: true },
    found: { type: String, required: true },
    requestId: String,
    status: { type: String, enum: ALERT_STATUSES, required: true },
    unresolved: { type: Boolean, required: true },
    firstSeenAt: { type: Date, required: true },
    lastSeenAt: { type: Date, required: true },
    acknowledgedBy: String,
    acknowledgedAt: Date,
    resolvedBy: String,
    resolvedAt: Date,
    adjustmentId: String,
  },
  { collection: 'reconciliation_alerts', versionKey: false, strict: 'throw' },
);
alertSchema.index({ accountId: 1, kind: 1 }, { unique: true, partialFilterExpression: { unresolved: true } });

export const ReconciliationAlert = model('ReconciliationAlert', alertSchema);
