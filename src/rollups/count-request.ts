import { ERROR_CATALOGUE } from '../errors.ts';
import { lowestIdAt, timeOfId } from '../ids.ts';
import type { RequestDocument } from '../models/request.ts';
import type { RollupIncrement } from '../models/rollup-walk.ts';
import { hourOf } from './hour.ts';
import { latencyClass } from './latency.ts';

/** What one request adds to the aggregates, as pure functions. */

export const COUNTED = {
  accountId: 1,
  model: 1,
  state: 1,
  settled: 1,
  costMicros: 1,
  usage: 1,
  'error.code': 1,
  attempts: 1,
  createdAt: 1,
  finishedAt: 1,
} as const;

export type CountedRequest = Pick<
  RequestDocument,
  | '_id'
  | 'accountId'
  | 'model'
  | 'state'
  | 'settled'
  | 'costMicros'
  | 'usage'
  | 'error'
  | 'attempts'
  | 'createdAt'
  | 'finishedAt'
>;

type Added = Record<string, bigint>;

const OUTCOME = /^\w{1,40}$/;

/** A name that can be a member: what is not one of ours could be any text. */
function errorName(code: string): string {
  return Object.hasOwn(ERROR_CATALOGUE, code) ? code : 'other';
}

function outcomeName(outcome: string): string {
  return OUTCOME.test(outcome) ? outcome : 'other';
}

function figuresOf(request: CountedRequest, revenueMicros: bigint): Added {
  const { state, usage, error, createdAt, finishedAt } = request;
  const added: Added = { requests: 1n, [`outcomes.${state}`]: 1n };
  if (revenueMicros !== 0n) added.revenueMicros = revenueMicros;
  if (error) added[`failures.${errorName(error.code)}`] = 1n;
  for (const [name, count] of Object.entries(usage ?? {}))
    if (Number.isSafeInteger(count) && count > 0) added[`tokens.${name}`] = BigInt(count);
  if (state === 'done' && finishedAt) added[`latency.${latencyClass(finishedAt.getTime() - createdAt.getTime())}`] = 1n;
  return added;
}

function increment(kind: RollupIncrement['kind'], key: string, hour: Date, added: Added): RollupIncrement {
  return { kind, key, hour, by: Object.entries(added).map(([path, value]) => ({ path, value })) };
}

/** @param revenueMicros what the ledger says was charged for it. */
export function incrementsOf(request: CountedRequest, revenueMicros: bigint): RollupIncrement[] {
  const hour = hourOf(timeOfId(request._id));
  const added = figuresOf(request, revenueMicros);
  const calls = request.attempts.map(({ providerId, outcome, ms }) =>
    increment('provider', providerId, hour, {
      requests: 1n,
      [`outcomes.${outcomeName(outcome)}`]: 1n,
      [`latency.${latencyClass(ms)}`]: 1n,
    }),
  );
  return [
    increment('total', '', hour, added),
    increment('model', request.model, hour, added),
    increment('account', request.accountId, hour, added),
    ...calls,
  ];
}

export function aggregateId({ kind, key, hour }: Pick<RollupIncrement, 'kind' | 'key' | 'hour'>): string {
  return `${lowestIdAt('rol', hour.getTime())}|${kind}|${key}`;
}

/** Adds increments up: one for each aggregate. */
export class RollupSum {
  private readonly merged = new Map<string, { one: RollupIncrement; sums: Map<string, bigint> }>();

  add(increments: readonly RollupIncrement[]): void {
    for (const one of increments) {
      const { sums } = this.of(one);
      for (const { path, value } of one.by) sums.set(path, (sums.get(path) ?? 0n) + value);
    }
  }

  all(): RollupIncrement[] {
    return [...this.merged.values()].map(({ one, sums }) => ({
      ...one,
      by: [...sums].map(([path, value]) => ({ path, value })),
    }));
  }

  private of(one: RollupIncrement) {
    const id = aggregateId(one);
    const known = this.merged.get(id);
    if (known) return known;
    const first = { one, sums: new Map<string, bigint>() };
    this.merged.set(id, first);
    return first;
  }
}
