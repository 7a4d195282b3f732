import { model, Schema } from 'mongoose';

/** Every class of personal data that the registry knows (src/privacy/registry.ts). */
export const CLASS_IDS = [
  'request.content',
  'request.idempotency',
  'request.usage',
  'delivery',
  'api_key.secret',
  'api_key',
  'account_contact',
  'account',
  'ledger',
  'adjustment',
  'reconciliation_alerts',
  'reconciliation_segments',
  'data_key',
  'legal_hold',
  'privacy_request.identity',
  'privacy_request',
  'access_archive',
  'destruction_event',
  'destruction_act',
  'act_signature',
  'policy_acceptance',
  'consent',
  'staff',
  'staff_session',
  'staff_throttle',
  'audit',
  'price_proposal',
  'suspension_request',
  'ticket',
  'content_grant',
  'account_rollup',
  'announcement',
  'incident',
  'incident_account',
  'relay',
  'rate_limit',
  'queue',
  'log',
] as const;
export type ClassId = (typeof CLASS_IDS)[number];

/** What operators decided about one class, and how far its purge has come. Read anew by every run. */
export type RetentionClassDocument = {
  _id: ClassId;
  /** In the unit of the registry's row. */
  value?: number;
  changedBy?: string;
  changedAt?: Date;
  /** Rows before this identifier hold nothing of the class any more. */
  doneUpTo?: string;
};

const retentionClassSchema = new Schema<RetentionClassDocument>(
  {
    _id: { type: String, enum: CLASS_IDS, required: true },
    value: Number,
    changedBy: String,
    changedAt: Date,
    doneUpTo: String,
  },
  { collection: 'retention_classes', versionKey: false, strict: 'throw' },
);

export const RetentionClass = model('RetentionClass', retentionClassSchema);
