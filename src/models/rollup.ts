import { model, Schema } from 'mongoose';

/** Hourly aggregates of requests, which charts read instead of requests. An hour is that of acceptance, in UTC. */

export const ROLLUP_KINDS = ['total', 'model', 'provider'] as const;
export type RollupKind = (typeof ROLLUP_KINDS)[number];

/** What is counted. Members that nothing was added to are absent. */
export type RollupFigures = {
  /** For a provider: calls. */
  requests?: bigint;
  /** By final state; for a provider by how the call ended. */
  outcomes?: Record<string, bigint>;
  /** By error code. */
  failures?: Record<string, bigint>;
  /** What the ledger says was charged. */
  revenueMicros?: bigint;
  /** By class, named as in a request's usage. */
  tokens?: Record<string, bigint>;
  /** How many took at most so long: `ms250`, and `more`. From acceptance to the end; for a provider the call. */
  latency?: Record<string, bigint>;
};

type Counted = RollupFigures & {
  hour: Date;
  /** The last batch that was added: each is added once, in order. */
  batch: number;
};

/** `_id` begins with the lowest identifier of its hour, then `|<kind>|<key>`; `key` is empty for the total. */
export type RollupDocument = Counted & { _id: string; kind: RollupKind; key: string };

/** `_id` begins as above, then `|account|<accountId>`: a range of hours is a range of identifiers. */
export type AccountRollupDocument = Counted & { _id: string; accountId: string };

const figures = {
  hour: { type: Date, required: true },
  batch: { type: Number, required: true },
  requests: BigInt,
  outcomes: Schema.Types.Mixed,
  failures: Schema.Types.Mixed,
  revenueMicros: BigInt,
  tokens: Schema.Types.Mixed,
  latency: Schema.Types.Mixed,
} as const;

const rollupSchema = new Schema<RollupDocument>(
  {
    _id: { type: String, required: true },
    kind: { type: String, enum: ROLLUP_KINDS, required: true },
    key: String,
    ...figures,
  },
  { collection: 'rollups', versionKey: false, strict: 'throw' },
);
rollupSchema.index({ kind: 1, hour: 1 });

export const Rollup = model('Rollup', rollupSchema);

const accountRollupSchema = new Schema<AccountRollupDocument>(
  { _id: { type: String, required: true }, accountId: { type: String, required: true }, ...figures },
  { collection: 'account_rollups', versionKey: false, strict: 'throw' },
);
// How an erasure finds them; everything else reads ranges of identifiers.
accountRollupSchema.index({ accountId: 1 });

export const AccountRollup = model('AccountRollup', accountRollupSchema);
