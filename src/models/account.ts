import { model, Schema } from 'mongoose';

/** What stands where something led to a person, after an erasure: the account's reason, a request's key. */
export const ERASED = 'erased';

/**
 * The account is the money: balance, holds and the not yet flushed ledger entries live in one document, so that every
 * movement is one guarded single-document update. Amounts are int64 micro-rubles.
 */

export const ACCOUNT_STATUSES = ['active', 'suspended', 'frozen', 'closed'] as const;
export type AccountStatus = (typeof ACCOUNT_STATUSES)[number];

/** Money reserved for one request. `buckets` are the spend counters it was counted in, to be corrected at settlement. */
export type Hold = {
  amountMicros: bigint;
  expiresAt: Date;
  keyId: string;
  day: string;
  month: string;
  /** Set when an earlier try at this hold had an unknown outcome, and may still land. */
  tried?: number;
};

export const LEDGER_KINDS = ['charge', 'top_up', 'refund', 'adjustment', 'grant'] as const;
export type LedgerKind = (typeof LEDGER_KINDS)[number];

/** A ledger entry on its way to the ledger; `_id` is deterministic, so inserting it twice is harmless. */
export type OutboxEntry = {
  _id: string;
  seq: bigint;
  amountMicros: bigint;
  afterMicros: bigint;
  kind: LedgerKind;
  requestId?: string;
  at: Date;
};

/** Spend of one key, holds included: `total`, `m202611`, `d20261122` -> micro-rubles. */
export type KeySpend = Record<string, bigint>;

/** What the owner has decided about the account's data. A key or a request may be stricter, never laxer. */
export type AccountPrivacy = {
  /** Neither input nor answer is kept, whatever the key says. */
  zeroRetention: boolean;
  /** Requests go to providers in Russia only. */
  domesticOnly: boolean;
};

export type AccountDocument = {
  _id: string;
  status: AccountStatus;
  statusReason?: string;
  /** Absent until something was decided. */
  privacy?: AccountPrivacy & { changedAt: Date /** A key's or a member's id. */; changedBy: string };
  currency: 'RUB';
  availableMicros: bigint;
  heldMicros: bigint;
  open: number;
  holds: Record<string, Hold>;
  spend: Record<string, KeySpend>;
  seq: bigint;
  outbox: OutboxEntry[];
  credited: string[];
  /** Requests whose repeated hold was closed lately: an earlier try that lands now must not hold again. */
  closed?: string[];
  createdAt: Date;
};

const accountSchema = new Schema<AccountDocument>(
  {
    _id: { type: String, required: true },
    status: { type: String, enum: ACCOUNT_STATUSES, required: true },
    statusReason: String,
    privacy: { type: Schema.Types.Mixed, default: undefined },
    currency: { type: String, enum: ['RUB'], required: true },
    availableMicros: { type: BigInt, required: true },
    heldMicros: { type: BigInt, required: true },
    open: { type: Number, required: true },
    holds: { type: Schema.Types.Mixed, required: true },
    spend: { type: Schema.Types.Mixed, required: true },
    seq: { type: BigInt, required: true },
    outbox: { type: Schema.Types.Mixed, required: true },
    credited: { type: [String], required: true },
    closed: { type: [String], default: undefined },
    createdAt: { type: Date, required: true },
  },
  { collection: 'accounts', versionKey: false, minimize: false, strict: 'throw' },
);
// No secondary index: the document is the hottest of all, and every index on a changing field would be paid at each
// hold and settlement. Sweeps walk the collection by `_id` in bounded batches instead.
export const Account = model('Account', accountSchema);

/** The server refuses what a bug in the code would let through: a negative balance, a fraction, an unknown state. */
export const ACCOUNT_VALIDATOR = {
  $jsonSchema: {
    bsonType: 'object',
    required: ['availableMicros', 'heldMicros', 'open', 'holds', 'outbox', 'seq', 'status'],
    properties: {
      availableMicros: { bsonType: 'long', minimum: 0 },
      heldMicros: { bsonType: 'long', minimum: 0 },
      open: { bsonType: ['int', 'long', 'double'], minimum: 0, maximum: 500 },
      seq: { bsonType: 'long', minimum: 0 },
      holds: { bsonType: 'object' },
      outbox: { bsonType: 'array' },
      status: { enum: [...ACCOUNT_STATUSES] },
    },
  },
};

/** A fresh account with nothing on it. Money arrives only by `credit`. */
export function newAccount(accountId: string, at: Date): AccountDocument {
  return {
    _id: accountId,
    status: 'active',
    currency: 'RUB',
    availableMicros: 0n,
    heldMicros: 0n,
    open: 0,
    holds: {},
    spend: {},
    seq: 0n,
    outbox: [],
    credited: [],
    createdAt: at,
  };
}
