import { model, Schema } from 'mongoose';
import type { ClassId } from './retention-class.ts';

export const PRIVACY_REQUEST_TYPES = [
  'access',
  'rectify',
  'block',
  'stop_processing',
  'withdraw_consent',
  'erase_account',
  'erase_unlawful',
] as const;
export type PrivacyRequestType = (typeof PRIVACY_REQUEST_TYPES)[number];

export const PRIVACY_REQUEST_STATES = [
  'received',
  'awaiting_identity',
  'verified',
  'needs_info',
  'planned',
  'awaiting_approval',
  'scheduled',
  'executing',
  'verifying',
  'failed',
  'on_hold',
  'completed',
  'completed_with_retained',
  'refused',
  'cancelled',
  'unverified_expired',
  'duplicate',
] as const;
export type PrivacyRequestState = (typeof PRIVACY_REQUEST_STATES)[number];

/** How it was made sure that the subject asks. The proof itself is never kept. */
export const IDENTITY_KINDS = [
  'session',
  'email_code',
  'signed_letter',
  'electronic_signature',
  'representative',
] as const;
/** `own_finding`: nobody asks; the operator has found it. */
export type IdentityKind = (typeof IDENTITY_KINDS)[number] | 'own_finding';

/** Why data is destroyed as processed unlawfully. A minor is one without the consent of a representative. */
export const UNLAWFUL_GROUNDS = ['minor', 'proven_by_subject', 'found_by_operator'] as const;
export type UnlawfulGround = (typeof UNLAWFUL_GROUNDS)[number];

export const REQUEST_CHANNELS = ['cabinet', 'letter', 'email', 'finding'] as const;

/** What an erasure would do to one class, counted. */
export type ManifestClass = {
  classId: ClassId;
  category: string;
  action: 'destroy' | 'pseudonymise' | 'keep' | 'destroy_key';
  rows: number;
  norm?: string;
  until?: string;
};

/** Why an erasure must not begin. Codes and amounts; never content. */
export type Blocker = {
  code: 'balance' | 'open_requests' | 'unsettled' | 'adjustment' | 'alert' | 'legal_hold';
  detail: string;
};

/** The dry run of an erasure. What is approved is its hash. */
export type Manifest = { accountId: string; at: Date; classes: ManifestClass[]; blockers: Blocker[]; hash: string };

export type Checkpoint = { classId: ClassId; removed: number; at: Date };

export type HistoryEntry = { at: Date; by: string; event: string; state: PrivacyRequestState; note?: string };

export const NOTICE_STATES = ['owed', 'sent', 'answered'] as const;

/** What has to be told to somebody who got the subject's data. */
export type Notice = {
  /** A provider. */
  recipient: string;
  /** Where it was reached, ISO 3166-1. */
  countries: string[];
  transfers: number;
  first: Date;
  last: Date;
  dueAt: Date;
  state: (typeof NOTICE_STATES)[number];
  sentAt?: Date;
  answeredAt?: Date;
};

/** The ZIP that answers a request of access. Its content is in sealed pieces (access-archive.ts) until its term is over. */
export type Archive = {
  /** `failed`: several runs did not end with one; a person has to look. */
  state: 'wanted' | 'ready' | 'failed';
  failures: number;
  buildId?: string;
  pieces?: number;
  bytes?: number;
  /** Of the whole file, hex. */
  sha256?: string;
  readyAt?: Date;
  /** The link in force. There is one at a time, and it gives the file once. */
  link?: { tokenHash: string; issuedAt: Date; issuedBy: string; expiresAt: Date; usedAt?: Date };
};

export type PrivacyRequestDocument = {
  _id: string;
  accountId: string;
  type: PrivacyRequestType;
  state: PrivacyRequestState;
  /** Of a request for what was processed unlawfully, when staff opened it. */
  ground?: UnlawfulGround;
  channel: (typeof REQUEST_CHANNELS)[number];
  receivedAt: Date;
  /** The last moment of the last day of the term. */
  dueAt: Date;
  isProvisional: boolean;
  extendedAt?: Date;
  /** Where to answer, sealed: it has to outlive the account's own data key. */
  contact?: Buffer;
  /** What the subject wrote, sealed like the contact. */
  details?: Buffer;
  /** Account and type of a request that its owner has filed by the API and that is open: there is one. */
  intakeKey?: string;
  identity?: { kind: IdentityKind; by: string; at: Date };
  /** The account was blocked by this request, so that it is unblocked when the request is taken back. */
  isBlocking?: boolean;
  handler?: string;
  manifest?: Manifest;
  approvedBy?: string;
  /** End of the cooling-off. */
  scheduledFor?: Date;
  checkpoints: Checkpoint[];
  retained?: ManifestClass[];
  failure?: string;
  actNumber?: number;
  archive?: Archive;
  notices?: Notice[];
  history: HistoryEntry[];
  closedAt?: Date;
};

const requestSchema = new Schema<PrivacyRequestDocument>(
  {
    _id: { type: String, required: true },
    accountId: { type: String, required: true },
    type: { type: String, enum: PRIVACY_REQUEST_TYPES, required: true },
    state: { type: String, enum: PRIVACY_REQUEST_STATES, required: true },
    ground: { type: String, enum: UNLAWFUL_GROUNDS },
    channel: { type: String, enum: REQUEST_CHANNELS, required: true },
    receivedAt: { type: Date, required: true },
    dueAt: { type: Date, required: true },
    isProvisional: { type: Boolean, required: true },
    extendedAt: Date,
    contact: Buffer,
    details: Buffer,
    intakeKey: String,
    identity: Schema.Types.Mixed,
    isBlocking: Boolean,
    handler: String,
    manifest: Schema.Types.Mixed,
    approvedBy: String,
    scheduledFor: Date,
    checkpoints: { type: Schema.Types.Mixed, required: true },
    retained: Schema.Types.Mixed,
    failure: String,
    actNumber: Number,
    archive: Schema.Types.Mixed,
    notices: Schema.Types.Mixed,
    history: { type: Schema.Types.Mixed, required: true },
    closedAt: Date,
  },
  { collection: 'privacy_requests', versionKey: false, strict: 'throw' },
);
requestSchema.index({ accountId: 1, _id: -1 });
requestSchema.index({ intakeKey: 1 }, { unique: true, partialFilterExpression: { intakeKey: { $exists: true } } });
requestSchema.index({ state: 1, dueAt: 1 });
requestSchema.index(
  { 'archive.link.tokenHash': 1 },
  { unique: true, partialFilterExpression: { 'archive.link.tokenHash': { $exists: true } } },
);
requestSchema.index({ closedAt: 1 }, { partialFilterExpression: { closedAt: { $exists: true } } });

export const PrivacyRequest = model('PrivacyRequest', requestSchema);

/** A year of the production calendar as staff have entered it; it goes before the seeded one. */
export type ProductionCalendarDocument = {
  _id: number;
  off: string[];
  working: string[];
  source: string;
  version: number;
  changedBy: string;
  changedAt: Date;
};

const calendarSchema = new Schema<ProductionCalendarDocument>(
  {
    _id: { type: Number, required: true },
    off: { type: [String], required: true },
    working: { type: [String], required: true },
    source: { type: String, required: true },
    version: { type: Number, required: true },
    changedBy: { type: String, required: true },
    changedAt: { type: Date, required: true },
  },
  { collection: 'production_calendars', versionKey: false, strict: 'throw' },
);

export const ProductionCalendar = model('ProductionCalendar', calendarSchema);
