import { model, Schema } from 'mongoose';

/** An API key. The key itself is never stored: `digest` is a keyed hash of it. */

export const DISCONNECT_POLICIES = ['cancel', 'finish'] as const;
export type DisconnectPolicy = (typeof DISCONNECT_POLICIES)[number];

export const ENDPOINTS = ['chat.completions', 'models', 'requests', 'account', 'privacy'] as const;
export type Endpoint = (typeof ENDPOINTS)[number];
/** Only for keys that name them: a key that stands in a program must not give away or destroy what its owner has. */
export const NAMED_ENDPOINTS: readonly Endpoint[] = ['privacy'];

export type KeyLimits = {
  /** Spend caps in micro-rubles; holds count. UTC days and months. */
  dailyMicros?: bigint;
  monthlyMicros?: bigint;
  lifetimeMicros?: bigint;
  requestsPerMinute?: number;
  tokensPerMinute?: number;
  concurrency?: number;
};

export type ApiKeyDocument = {
  _id: string;
  accountId: string;
  digest: string;
  pepperVersion: number;
  /** First characters and last four of the key, so that its owner can recognise it. */
  prefix: string;
  last4: string;
  label: string;
  scopes: {
    /** Model ids this key may call; a trailing `*` matches a prefix. Empty: every model. */
    models: string[];
    /** Endpoints this key may call. Empty: all but those that have to be named. */
    endpoints: Endpoint[];
  };
  limits: KeyLimits;
  expiresAt?: Date;
  revokedAt?: Date;
  lastUsedAt?: Date;
  onDisconnect: DisconnectPolicy;
  zeroRetention: boolean;
  webhook: {
    /** Encrypted under the account's data key. */
    url?: Buffer;
    secrets: Buffer[];
    disabledAt?: Date;
    disabledReason?: string;
  };
  createdAt: Date;
};

const keySchema = new Schema<ApiKeyDocument>(
  {
    _id: { type: String, required: true },
    accountId: { type: String, required: true },
    digest: { type: String, required: true },
    pepperVersion: { type: Number, required: true },
    prefix: { type: String, required: true },
    last4: { type: String, required: true },
    label: { type: String, default: '' },
    scopes: { models: { type: [String], default: [] }, endpoints: { type: [String], enum: ENDPOINTS, default: [] } },
    limits: {
      dailyMicros: BigInt,
      monthlyMicros: BigInt,
      lifetimeMicros: BigInt,
      requestsPerMinute: Number,
      tokensPerMinute: Number,
      concurrency: Number,
    },
    expiresAt: Date,
    revokedAt: Date,
    lastUsedAt: Date,
    onDisconnect: { type: String, enum: DISCONNECT_POLICIES, default: 'cancel' },
    zeroRetention: { type: Boolean, default: false },
    webhook: { url: Buffer, secrets: { type: [Buffer], default: [] }, disabledAt: Date, disabledReason: String },
    createdAt: { type: Date, required: true },
  },
  { collection: 'api_keys', versionKey: false, minimize: false, strict: 'throw' },
);
keySchema.index({ digest: 1 }, { unique: true });
keySchema.index({ accountId: 1, _id: 1 });
// Retention meets revoked keys in this order; the others are not in it.
keySchema.index({ revokedAt: 1 }, { partialFilterExpression: { revokedAt: { $exists: true } } });

export const ApiKey = model('ApiKey', keySchema);
