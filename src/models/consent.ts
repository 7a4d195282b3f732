import { model, Schema } from 'mongoose';
import type { PolicyLanguage } from './policy.ts';

/** Consents: a document of its own for each purpose, and who has given which of them. */

/** `_id` is purpose and version; a version is never edited. */
export type ConsentDocumentDocument = {
  _id: string;
  purpose: string;
  version: number;
  title: Record<PolicyLanguage, string>;
  text: Record<PolicyLanguage, string>;
  /** SHA-256 of title and text as they are shown, hex. */
  hash: Record<PolicyLanguage, string>;
  publishedAt: Date;
  publishedBy: string;
};

const documentSchema = new Schema<ConsentDocumentDocument>(
  {
    _id: { type: String, required: true },
    purpose: { type: String, required: true },
    version: { type: Number, required: true },
    title: { type: Schema.Types.Mixed, required: true },
    text: { type: Schema.Types.Mixed, required: true },
    hash: { type: Schema.Types.Mixed, required: true },
    publishedAt: { type: Date, required: true },
    publishedBy: { type: String, required: true },
  },
  { collection: 'consent_documents', versionKey: false, strict: 'throw' },
);
documentSchema.index({ purpose: 1, version: -1 }, { unique: true });

export const ConsentDocument = model('ConsentDocument', documentSchema);

export type ConsentRecord = {
  _id: string;
  accountId: string;
  purpose: string;
  version: number;
  language: PolicyLanguage;
  textHash: string;
  givenAt: Date;
  /** The key it was given with, from where, and by what program. */
  givenBy: string;
  address?: string;
  userAgent?: string;
  /** Account and purpose while it is in force: there is one. */
  activeKey?: string;
  withdrawnAt?: Date;
  withdrawnBy?: string;
};

const consentSchema = new Schema<ConsentRecord>(
  {
    _id: { type: String, required: true },
    accountId: { type: String, required: true },
    purpose: { type: String, required: true },
    version: { type: Number, required: true },
    language: { type: String, enum: ['ru', 'en'], required: true },
    textHash: { type: String, required: true },
    givenAt: { type: Date, required: true },
    givenBy: { type: String, required: true },
    address: String,
    userAgent: String,
    activeKey: String,
    withdrawnAt: Date,
    withdrawnBy: String,
  },
  { collection: 'consents', versionKey: false, strict: 'throw' },
);
consentSchema.index({ accountId: 1, _id: -1 });
consentSchema.index({ activeKey: 1 }, { unique: true, partialFilterExpression: { activeKey: { $exists: true } } });
consentSchema.index({ withdrawnAt: 1 }, { partialFilterExpression: { withdrawnAt: { $exists: true } } });

export const Consent = model('Consent', consentSchema);
