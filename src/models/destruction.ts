import { model, Schema } from 'mongoose';
import type { ClassId } from './retention-class.ts';

/**
 * One batch of destroyed personal data: the event log of Order 179 p. 5. Written before the batch and confirmed after it,
 * so that nothing is destroyed that no event tells of.
 */
export type DestructionEventDocument = {
  _id: string;
  /** The retention run or the subject's request it belongs to. */
  causeId: string;
  classId: ClassId;
  at: Date;
  /** Rows that were met; `count` is how many of them were destroyed. */
  subjects: { accountId: string; rows: number }[];
  count: number;
  isConfirmed: boolean;
  /** The act was drawn before it was confirmed; from then on it stays as it is. */
  isAbandoned?: true;
};

const eventSchema = new Schema<DestructionEventDocument>(
  {
    _id: { type: String, required: true },
    causeId: { type: String, required: true },
    classId: { type: String, required: true },
    at: { type: Date, required: true },
    subjects: { type: Schema.Types.Mixed, required: true },
    count: { type: Number, required: true },
    isConfirmed: { type: Boolean, required: true },
    isAbandoned: Boolean,
  },
  { collection: 'destruction_events', versionKey: false, strict: 'throw' },
);
eventSchema.index({ causeId: 1, _id: 1 });
eventSchema.index({ at: 1 });
eventSchema.index({ 'subjects.accountId': 1 });

export const DestructionEvent = model('DestructionEvent', eventSchema);

/** An act of destruction (Order 179 p. 3) as data: numbered without gaps, each carrying the hash of the one before. */
export type DestructionActDocument = {
  _id: number;
  causeId: string;
  /** The norm that the destruction follows. */
  reason: string;
  method: string;
  systems: string[];
  destroyedAt: Date;
  categories: { classId: ClassId; category: string; count: number }[];
  subjects: number;
  /** The only subject, when it is one; the events list them otherwise. */
  accountId?: string;
  /** How many of the cause's events it is about: the first ones. */
  events: number;
  /** Batches that were begun and never confirmed: their rows may have been destroyed. */
  unconfirmed: number;
  /** SHA-256 over the events, in order. */
  extractHash: string;
  previousHash: string;
  hash: string;
};

const actSchema = new Schema<DestructionActDocument>(
  {
    _id: { type: Number, required: true },
    causeId: { type: String, required: true },
    reason: { type: String, required: true },
    method: { type: String, required: true },
    systems: { type: [String], required: true },
    destroyedAt: { type: Date, required: true },
    categories: { type: Schema.Types.Mixed, required: true },
    subjects: { type: Number, required: true },
    accountId: String,
    events: { type: Number, required: true },
    unconfirmed: { type: Number, required: true },
    extractHash: { type: String, required: true },
    previousHash: { type: String, default: '' },
    hash: { type: String, required: true },
  },
  { collection: 'destruction_acts', versionKey: false, strict: 'throw' },
);
actSchema.index({ causeId: 1 }, { unique: true });
actSchema.index({ destroyedAt: 1 });

export const DestructionAct = model('DestructionAct', actSchema);
