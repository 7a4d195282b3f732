import { model, Schema } from 'mongoose';

/** The people who run the service, their sessions, and the counters that slow down guessing. */

export const STAFF_ROLES = ['support', 'operator', 'finance', 'admin', 'auditor'] as const;
export type StaffRole = (typeof STAFF_ROLES)[number];

/** `invited`: has no password yet. A disabled member keeps the row, because the audit log names it. */
export const STAFF_STATUSES = ['invited', 'active', 'disabled'] as const;
export type StaffStatus = (typeof STAFF_STATUSES)[number];

export type StaffDocument = {
  _id: string;
  /** Lower case. */
  email: string;
  role: StaffRole;
  status: StaffStatus;
  /** Argon2id. */
  passwordHash?: string;
  /** `secret` is encrypted; `lastStep` is the last accepted time step, and none up to it is accepted again. */
  totp?: { secret: Buffer; confirmedAt?: Date; lastStep: number };
  /** Keyed hashes of the recovery codes that were not used yet. */
  recoveryCodes: string[];
  invitation?: { digest: string; expiresAt: Date };
  createdAt: Date;
  lastSignInAt?: Date;
  disabledAt?: Date;
};

const staffSchema = new Schema<StaffDocument>(
  {
    _id: { type: String, required: true },
    email: { type: String, required: true },
    role: { type: String, enum: STAFF_ROLES, required: true },
    status: { type: String, enum: STAFF_STATUSES, required: true },
    passwordHash: String,
    totp: { _id: false, type: { secret: Buffer, confirmedAt: Date, lastStep: Number } },
    recoveryCodes: { type: [String], default: [] },
    invitation: { _id: false, type: { digest: String, expiresAt: Date } },
    createdAt: { type: Date, required: true },
    lastSignInAt: Date,
    disabledAt: Date,
  },
  { collection: 'staff', versionKey: false, minimize: false, strict: 'throw' },
);
staffSchema.index({ email: 1 }, { unique: true });
staffSchema.index(
  { 'invitation.digest': 1 },
  { unique: true, partialFilterExpression: { 'invitation.digest': { $exists: true } } },
);

export const Staff = model('Staff', staffSchema);

/** `code` and `enrol`: the password was right, and the second factor is still asked for, or still to be set up. */
export const SESSION_STAGES = ['code', 'enrol', 'open'] as const;
export type SessionStage = (typeof SESSION_STAGES)[number];

export type StaffSessionDocument = {
  /** Hash of the token in the cookie. */
  _id: string;
  staffId: string;
  stage: SessionStage;
  createdAt: Date;
  lastSeenAt: Date;
  expiresAt: Date;
};

const sessionSchema = new Schema<StaffSessionDocument>(
  {
    _id: { type: String, required: true },
    staffId: { type: String, required: true },
    stage: { type: String, enum: SESSION_STAGES, required: true },
    createdAt: { type: Date, required: true },
    lastSeenAt: { type: Date, required: true },
    expiresAt: { type: Date, required: true },
  },
  { collection: 'staff_sessions', versionKey: false, strict: 'throw' },
);
sessionSchema.index({ staffId: 1 });
sessionSchema.index({ expiresAt: 1 }, { expireAfterSeconds: 0 });

export const StaffSession = model('StaffSession', sessionSchema);

/** How often something was tried in a window, and until when it is refused. */
export type StaffThrottleDocument = {
  _id: string;
  count: number;
  windowEndsAt: Date;
  blockedUntil: Date;
  expiresAt: Date;
};

const throttleSchema = new Schema<StaffThrottleDocument>(
  {
    _id: { type: String, required: true },
    count: { type: Number, required: true },
    windowEndsAt: { type: Date, required: true },
    blockedUntil: { type: Date, required: true },
    expiresAt: { type: Date, required: true },
  },
  { collection: 'staff_throttles', versionKey: false, strict: 'throw' },
);
throttleSchema.index({ expiresAt: 1 }, { expireAfterSeconds: 0 });

export const StaffThrottle = model('StaffThrottle', throttleSchema);
