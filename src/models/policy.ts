import { model, Schema } from 'mongoose';

/** The privacy policy as it was published, and who has taken note of which version. */

export type PolicyLanguage = 'ru' | 'en';

export type PolicySection = { heading: string; paragraphs: string[]; table?: { head: string[]; rows: string[][] } };
export type PolicyContent = { title: string; sections: PolicySection[] };

/** A version is never edited: another one is published. */
export type PolicyVersionDocument = {
  _id: number;
  content: Record<PolicyLanguage, PolicyContent>;
  /** SHA-256 of the content, hex. */
  hash: string;
  effectiveAt: Date;
  publishedAt: Date;
  publishedBy: string;
};

const versionSchema = new Schema<PolicyVersionDocument>(
  {
    _id: { type: Number, required: true },
    content: { type: Schema.Types.Mixed, required: true },
    hash: { type: String, required: true },
    effectiveAt: { type: Date, required: true },
    publishedAt: { type: Date, required: true },
    publishedBy: { type: String, required: true },
  },
  { collection: 'policy_versions', versionKey: false, strict: 'throw' },
);

export const PolicyVersion = model('PolicyVersion', versionSchema);

/** `_id` is account and version: accepting again changes nothing. */
export type PolicyAcceptanceDocument = {
  _id: string;
  accountId: string;
  version: number;
  hash: string;
  at: Date;
  keyId: string;
  address?: string;
  userAgent?: string;
};

const acceptanceSchema = new Schema<PolicyAcceptanceDocument>(
  {
    _id: { type: String, required: true },
    accountId: { type: String, required: true },
    version: { type: Number, required: true },
    hash: { type: String, required: true },
    at: { type: Date, required: true },
    keyId: { type: String, required: true },
    address: String,
    userAgent: String,
  },
  { collection: 'policy_acceptances', versionKey: false, strict: 'throw' },
);
acceptanceSchema.index({ accountId: 1, version: -1 });

export const PolicyAcceptance = model('PolicyAcceptance', acceptanceSchema);
