import { nativeCollection } from '../models/connect.ts';
import {
  AccountRollup,
  type AccountRollupDocument,
  Rollup,
  type RollupDocument,
  type RollupFigures,
  type RollupKind,
} from '../models/rollup.ts';
import { RollupWalk, type RollupWalkDocument } from '../models/rollup-walk.ts';
import { HOUR_MS, hourOf, hourRange } from './hour.ts';
import { LAG_MS } from './next-batch.ts';

/** What charts are drawn from. Reads aggregates only, by index, of at most 30 days. */

const READ_TIMEOUT_MS = 3_000;
/** No page waits for it. */
const RANK_TIMEOUT_MS = 12_000;
export const HOURS_MAX = 720;

export type Sums = Required<RollupFigures>;
export type Named = { key: string; requests: bigint; revenueMicros: bigint };

function firstHour(hours: number, nowMs: number): Date {
  return new Date(hourOf(nowMs).getTime() - (Math.min(hours, HOURS_MAX) - 1) * HOUR_MS);
}

const rollups = () => nativeCollection<RollupDocument>(Rollup);

/** The aggregates of a kind for the last hours, the present one included, oldest first. */
export function readHours(kind: RollupKind, hours: number, nowMs: number): Promise<RollupDocument[]> {
  return rollups()
    .find({ kind, hour: { $gte: firstHour(hours, nowMs) } }, { maxTimeMS: READ_TIMEOUT_MS })
    .sort({ kind: 1, hour: 1 })
    .toArray();
}

function addTo(sums: Record<string, bigint>, more: Readonly<Record<string, bigint>> = {}): void {
  // The driver reads small ones back as numbers where an engine has shortened them.
  for (const [name, value] of Object.entries(more)) sums[name] = (sums[name] ?? 0n) + BigInt(value);
}

/** The sum of aggregates. */
export function sumOf(figures: readonly RollupFigures[]): Sums {
  const sums: Sums = { requests: 0n, outcomes: {}, failures: {}, revenueMicros: 0n, tokens: {}, latency: {} };
  for (const one of figures) {
    sums.requests += BigInt(one.requests ?? 0n);
    sums.revenueMicros += BigInt(one.revenueMicros ?? 0n);
    addTo(sums.outcomes, one.outcomes);
    addTo(sums.failures, one.failures);
    addTo(sums.tokens, one.tokens);
    addTo(sums.latency, one.latency);
  }
  return sums;
}

const named = ({ _id, requests, revenueMicros }: { _id: string; requests: bigint; revenueMicros: bigint }): Named => ({
  key: _id,
  requests: BigInt(requests),
  revenueMicros: BigInt(revenueMicros),
});

export type TopOptions = { hours: number; by: 'requests' | 'revenueMicros'; max: number; nowMs: number };

/** The models with the most of something. */
export async function topModels({ hours, by, max, nowMs }: TopOptions): Promise<Named[]> {
  const stages = [
    { $match: { kind: 'model', hour: { $gte: firstHour(hours, nowMs) } } },
    { $group: { _id: '$key', requests: { $sum: '$requests' }, revenueMicros: { $sum: '$revenueMicros' } } },
    { $sort: { [by]: -1, _id: 1 } },
    { $limit: max },
  ];
  const found = await rollups().aggregate(stages, { maxTimeMS: READ_TIMEOUT_MS }).toArray();
  return found.map((one) => named(one as never));
}

/** The accounts with the most of something. Takes long over many hours; see `ranking.ts`. */
export async function topAccounts({ hours, by, max, nowMs }: TopOptions): Promise<Named[]> {
  const stages = [
    { $match: { _id: hourRange(firstHour(hours, nowMs).getTime(), hours) } },
    { $group: { _id: '$accountId', requests: { $sum: '$requests' }, revenueMicros: { $sum: '$revenueMicros' } } },
    { $sort: { [by]: -1, _id: 1 } },
    { $limit: max },
  ];
  const accounts = nativeCollection<AccountRollupDocument>(AccountRollup);
  const found = await accounts.aggregate(stages, { maxTimeMS: RANK_TIMEOUT_MS }).toArray();
  return found.map((one) => named(one as never));
}

/** Everything accepted before this moment and over by now is in the figures; `undefined` before the first was counted. */
export async function countedUpTo(): Promise<Date | undefined> {
  const walk = await nativeCollection<RollupWalkDocument>(RollupWalk).findOne(
    { _id: 'requests' },
    { projection: { caughtUpAt: 1 } },
  );
  return walk?.caughtUpAt ? new Date(walk.caughtUpAt.getTime() - LAG_MS) : undefined;
}
