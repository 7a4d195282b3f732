import { model, Schema } from 'mongoose';

/**
 * What staff did and tried to do, insert-only. Every entry carries a keyed hash over itself and the hash before it, so
 * that one that was changed or taken out is noticed. Ids, codes and the reason a person gave; never content or secrets.
 */

/** `begun` is written before a command runs, `failed` after one that did not succeed; `denied` ran nothing. */
export const AUDIT_OUTCOMES = ['begun', 'done', 'failed', 'denied'] as const;
export type AuditOutcome = (typeof AUDIT_OUTCOMES)[number];

export const AUDIT_ACTOR_KINDS = ['staff', 'script', 'unknown'] as const;
export type AuditActorKind = (typeof AUDIT_ACTOR_KINDS)[number];

export type AuditEntryDocument = {
  /** Dense, from 1. */
  _id: number;
  at: Date;
  actorKind: AuditActorKind;
  /** Staff id, or who a script says that he is; missing for those who were not let in. */
  actorId?: string;
  actorRole?: string;
  address?: string;
  /** Such as `accounts.suspend`. */
  action: string;
  targetId?: string;
  outcome: AuditOutcome;
  /** An error code. */
  code?: string;
  reason?: string;
  previousHash: string;
  hash: string;
};

const auditSchema = new Schema<AuditEntryDocument>(
  {
    _id: { type: Number, required: true },
    at: { type: Date, required: true },
    actorKind: { type: String, enum: AUDIT_ACTOR_KINDS, required: true },
    actorId: String,
    actorRole: String,
    address: String,
    action: { type: String, required: true },
    targetId: String,
    outcome: { type: String, enum: AUDIT_OUTCOMES, required: true },
    code: String,
    reason: String,
    previousHash: { type: String, required: true },
    hash: { type: String, required: true },
  },
  { collection: 'audit', versionKey: false, strict: 'throw' },
);
auditSchema.index({ actorId: 1, _id: -1 });
auditSchema.index({ targetId: 1, _id: -1 });
auditSchema.index({ action: 1, _id: -1 });

export const AuditEntry = model('AuditEntry', auditSchema);
