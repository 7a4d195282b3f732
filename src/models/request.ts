import { model, Schema } from 'mongoose';
import type { PriceRates } from './ai-model.ts';
import type { DisconnectPolicy, Endpoint } from './api-key.ts';
import { DISCONNECT_POLICIES, ENDPOINTS } from './api-key.ts';

/** The life of one request: accepted -> running -> done | failed | cancelled, or accepted -> aborted (never held). */

export const REQUEST_STATES = ['accepted', 'running', 'done', 'failed', 'cancelled', 'aborted'] as const;
export type RequestState = (typeof REQUEST_STATES)[number];
export const TERMINAL_STATES = ['done', 'failed', 'cancelled', 'aborted'] as const;
export type TerminalState = (typeof TERMINAL_STATES)[number];

/** Who waits: a client for a plain answer, a client for a stream, or nobody (the result is fetched or called back). */
export const REQUEST_MODES = ['sync', 'stream', 'async'] as const;
export type RequestMode = (typeof REQUEST_MODES)[number];

/** Tokens by class. `cachedTokens` and `cacheWriteTokens` are part of `promptTokens`, `reasoningTokens` of `completionTokens`. */
export type Usage = {
  promptTokens: number;
  cachedTokens: number;
  cacheWriteTokens: number;
  completionTokens: number;
  reasoningTokens: number;
};

export const USAGE_SOURCES = ['provider', 'estimated', 'none'] as const;
export type UsageSource = (typeof USAGE_SOURCES)[number];

export type PriceSnapshot = PriceRates & { priceId: string; version: number };

/** One try at an upstream. Statuses and times only; never content. */
export type ProviderAttempt = {
  routeId: string;
  providerId: string;
  /** Where the content went; absent in rows of earlier versions. */
  country?: string;
  outcome: string;
  status?: number;
  ms: number;
  at: Date;
};

export type RequestError = { code: string; message: string; status: number; retryAfterMs?: number };

export type RequestDocument = {
  _id: string;
  accountId: string;
  keyId: string;
  endpoint: Endpoint;
  model: string;
  mode: RequestMode;
  /** The answer is a stream of events; an asynchronous request may be one too. */
  stream: boolean;
  /** Idempotency-Key, and the digest of what was asked under it. Only when the client sent one. */
  idemKey?: string;
  fingerprint?: string;
  state: RequestState;
  attempt: number;
  attemptsMax: number;
  /** `sent` from the claim on: a later claim that sees it must not call the provider again. */
  call: 'none' | 'sent';
  /** What `call` was before the last claim: `sent` there means that the provider may have been called already. */
  previousCall?: 'none' | 'sent';
  leaseUntil?: Date;
  claimToken?: string;
  worker?: string;
  /** Encrypted body as the client sent it; unset when the content's time is over. */
  input?: Buffer;
  /** Encrypted answer: the JSON body, or the SSE events of a stream. */
  result?: Buffer;
  resultKind?: 'json' | 'sse';
  /** Encrypted key of what a stream keeps in Redis; unset when the request ends, and with it all that is left there. */
  streamKey?: Buffer;
  includeUsage: boolean;
  price: PriceSnapshot;
  holdMicros: bigint;
  inputTokensBound: number;
  outputTokensMax: number;
  choices: number;
  usage?: Usage;
  usageSource?: UsageSource;
  /** Why a person should look at the bill of this request. */
  review?: string;
  costMicros?: bigint;
  error?: RequestError;
  /** The hold is closed (settled or released). A hint for the sweeper; the fence is the hold itself. */
  settled: boolean;
  provider?: { routeId: string; providerId: string; upstreamModel: string; upstreamId?: string };
  attempts: ProviderAttempt[];
  /** Output seen so far, kept with the lease: what an interrupted stream is charged for when Redis is gone too. */
  progress?: { outputTokens: number; seq: number };
  /** Relay channel of the api process whose client waits. */
  replyTo?: string;
  watchers: number;
  onDisconnect: DisconnectPolicy;
  cancelRequestedAt?: Date;
  cancelReason?: string;
  callbackUrl?: Buffer;
  /** An event is wanted when the request ends, is owed (`pending`), or its delivery row exists (`created`). */
  webhook?: 'wanted' | 'pending' | 'created';
  zeroRetention: boolean;
  /** May go to providers in Russia only. */
  domesticOnly?: true;
  contentPurgedAt?: Date;
  createdAt: Date;
  deadlineAt: Date;
  heldAt?: Date;
  claimedAt?: Date;
  firstByteAt?: Date;
  finishedAt?: Date;
  settledAt?: Date;
};

const requestSchema = new Schema<RequestDocument>(
  {
    _id: { type: String, required: true },
    accountId: { type: String, required: true },
    keyId: { type: String, required: true },
    endpoint: { type: String, enum: ENDPOINTS, required: true },
    model: { type: String, required: true },
    mode: { type: String, enum: REQUEST_MODES, required: true },
    stream: { type: Boolean, required: true },
    idemKey: String,
    fingerprint: String,
    state: { type: String, enum: REQUEST_STATES, required: true },
    attempt: { type: Number, required: true },
    attemptsMax: { type: Number, required: true },
    call: { type: String, enum: ['none', 'sent'], required: true },
    previousCall: { type: String, enum: ['none', 'sent'] },
    leaseUntil: Date,
    claimToken: String,
    worker: String,
    input: Buffer,
    result: Buffer,
    resultKind: { type: String, enum: ['json', 'sse'] },
    streamKey: Buffer,
    includeUsage: { type: Boolean, required: true },
    price: { type: Schema.Types.Mixed, required: true },
    holdMicros: { type: BigInt, required: true },
    inputTokensBound: { type: Number, required: true },
    outputTokensMax: { type: Number, required: true },
    choices: { type: Number, required: true },
    usage: Schema.Types.Mixed,
    usageSource: { type: String, enum: USAGE_SOURCES },
    review: String,
    costMicros: BigInt,
    error: Schema.Types.Mixed,
    settled: { type: Boolean, required: true },
    provider: Schema.Types.Mixed,
    attempts: { type: Schema.Types.Mixed, required: true },
    progress: Schema.Types.Mixed,
    replyTo: String,
    watchers: { type: Number, required: true },
    onDisconnect: { type: String, enum: DISCONNECT_POLICIES, required: true },
    cancelRequestedAt: Date,
    cancelReason: String,
    callbackUrl: Buffer,
    webhook: { type: String, enum: ['wanted', 'pending', 'created'] },
    zeroRetention: { type: Boolean, required: true },
    domesticOnly: Boolean,
    contentPurgedAt: Date,
    createdAt: { type: Date, required: true },
    deadlineAt: { type: Date, required: true },
    heldAt: Date,
    claimedAt: Date,
    firstByteAt: Date,
    finishedAt: Date,
    settledAt: Date,
  },
  { collection: 'requests', versionKey: false, minimize: false, strict: 'throw' },
);
requestSchema.index(
  { accountId: 1, idemKey: 1 },
  { unique: true, partialFilterExpression: { idemKey: { $exists: true } } },
);
requestSchema.index({ accountId: 1, _id: -1 });
// Everything that still needs care is unsettled, so the sweeper reads one small index however many requests are stored.
requestSchema.index({ state: 1, _id: 1 }, { partialFilterExpression: { settled: false } });
requestSchema.index({ webhook: 1, _id: 1 }, { partialFilterExpression: { webhook: 'pending' } });

export const Request = model('Request', requestSchema);

export const REQUEST_VALIDATOR = {
  $jsonSchema: {
    bsonType: 'object',
    required: ['accountId', 'keyId', 'state', 'attempt', 'holdMicros', 'settled'],
    properties: {
      state: { enum: [...REQUEST_STATES] },
      holdMicros: { bsonType: 'long', minimum: 0 },
      costMicros: { bsonType: 'long', minimum: 0 },
      attempt: { bsonType: ['int', 'long', 'double'], minimum: 0 },
    },
  },
};
