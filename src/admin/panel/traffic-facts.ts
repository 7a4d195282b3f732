import { can } from '../../auth/roles.ts';
import type { StaffRole } from '../../models/staff.ts';
import { formatRub } from '../../money.ts';
import { percentileMs } from '../../rollups/latency.ts';
import type { RankAccounts } from '../../rollups/ranking.ts';
import { countedUpTo, type Named, readHours, sumOf, topModels } from '../../rollups/read-rollups.ts';

/** What the charts of the first page show, for those who may see what was counted. Read from hourly aggregates only. */

export const RANGES = { day: 24, week: 168, month: 720 } as const;
export type Range = keyof typeof RANGES;

const TOP_MAX = 5;
const FAILURES_MAX = 5;

export type Top = { key: string; requests: number; revenue?: string };
export type TrafficFacts = {
  range: Range;
  countedUpTo?: Date;
  /** One for each hour that has any; charts put them together. Rubles are for drawing, not for reckoning. */
  hours: { at: Date; requests?: number; failed?: number; tokens?: number; rubles?: number }[];
  totals: { name: string; text: string }[];
  failures: { code: string; count: number }[];
  models: Top[];
  /** Absent while they are being ranked. */
  accounts?: Top[];
  providers?: { key: string; calls: number; good: number; p50Ms?: number; p95Ms?: number }[];
};

export function rangeOf(text: unknown): Range {
  return typeof text === 'string' && Object.hasOwn(RANGES, text) ? (text as Range) : 'day';
}

const tokensOf = ({ promptTokens = 0n, completionTokens = 0n }: Record<string, bigint>) =>
  Number(promptTokens) + Number(completionTokens);

const shown =
  (seesMoney: boolean) =>
  (one: Named): Top => ({
    key: one.key,
    requests: Number(one.requests),
    ...(seesMoney ? { revenue: formatRub(one.revenueMicros) } : {}),
  });

async function providerHealth(hours: number, nowMs: number): Promise<NonNullable<TrafficFacts['providers']>> {
  const aggregates = await readHours('provider', hours, nowMs);
  return [...new Set(aggregates.map(({ key }) => key))].map((key) => {
    const { requests, outcomes, latency } = sumOf(aggregates.filter((one) => one.key === key));
    const [p50Ms, p95Ms] = [percentileMs(latency, 0.5), percentileMs(latency, 0.95)];
    return {
      key,
      calls: Number(requests),
      good: Number(outcomes.ok ?? 0n),
      ...(p50Ms === undefined || p95Ms === undefined ? {} : { p50Ms, p95Ms }),
    };
  });
}

/** The figures for a role; `undefined` for one that may see neither requests nor money. */
export async function trafficFacts(
  role: StaffRole,
  range: Range,
  rankAccounts: RankAccounts,
): Promise<TrafficFacts | undefined> {
  const [seesRequests, seesMoney] = [can(role, 'requests.read'), can(role, 'money.read')];
  if (!seesRequests && !seesMoney) return undefined;
  const hours = RANGES[range];
  const nowMs = Date.now();
  const top = { hours, by: seesMoney ? 'revenueMicros' : 'requests', max: TOP_MAX, nowMs } as const;
  const [aggregates, models, accounts, upTo, providers] = await Promise.all([
    readHours('total', hours, nowMs),
    topModels(top),
    rankAccounts(top),
    countedUpTo(),
    can(role, 'routing.read') ? providerHealth(hours, nowMs) : undefined,
  ]);
  const sums = sumOf(aggregates);
  const latency = (share: number) => {
    const ms = percentileMs(sums.latency, share);
    return ms === undefined ? '—' : `${Math.round(ms)} ms`;
  };
  const failures = Object.entries(sums.failures).map(([code, count]) => ({ code, count: Number(count) }));
  const seen = seesRequests
    ? [
        { name: 'requests', text: String(sums.requests) },
        { name: 'failed', text: String(sums.outcomes.failed ?? 0n) },
        { name: 'tokens', text: String(tokensOf(sums.tokens)) },
        { name: 'p50', text: latency(0.5) },
        { name: 'p95', text: latency(0.95) },
      ]
    : [];
  return {
    range,
    ...(upTo ? { countedUpTo: upTo } : {}),
    hours: aggregates.map(({ hour, requests, outcomes, tokens, revenueMicros }) => ({
      at: hour,
      ...(seesRequests
        ? { requests: Number(requests ?? 0n), failed: Number(outcomes?.failed ?? 0n), tokens: tokensOf(tokens ?? {}) }
        : {}),
      ...(seesMoney ? { rubles: Number(revenueMicros ?? 0n) / 1e6 } : {}),
    })),
    totals: seesMoney ? [...seen, { name: 'revenue', text: `${formatRub(sums.revenueMicros)} ₽` }] : seen,
    failures: seesRequests ? failures.sort((a, b) => b.count - a.count).slice(0, FAILURES_MAX) : [],
    models: models.map(shown(seesMoney)),
    ...(accounts ? { accounts: accounts.map(shown(seesMoney)) } : {}),
    ...(providers ? { providers } : {}),
  };
}
