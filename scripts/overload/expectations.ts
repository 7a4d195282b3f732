import type { ProbeResult } from './money-probe.ts';

/** What an overload must look like, over the figures of all steps. Pure. */

export type StepFigures = {
  /** Offered load as a multiple of the capacity. */
  share: number;
  offeredPerSecond: number;
  /** Answers that arrived per second, of whatever was sent when. */
  goodputPerSecond: number;
  accepted: { count: number; p50Ms: number; p99Ms: number };
  refused: { count: number; p99Ms: number; withoutRetryAfter: number };
  /** Neither answered nor refused, by reason. */
  otherFailures: Record<string, number>;
  reads: ProbeResult;
  /** How late the generator was, p99. */
  generatorLagMs: number;
  /** Cores that neither the product nor this measurement used meanwhile, so others did. */
  foreignCores: number;
};

export type Recovery = {
  /** From the end of the spike to the last refusal; 0 when there was none. */
  lastRefusalMs: number;
  answered: number;
  p99Ms: number;
};

export type OverloadFigures = {
  capacityPerSecond: number;
  steps: readonly StepFigures[];
  recovery: Recovery;
  /** Accounts whose money does not add up, and requests that did not come to an end. */
  moneyProblems: readonly string[];
};

export type Expectation = { what: string; limit: string; measured: string; holds: boolean };

const GOODPUT_SHARE_MIN = 0.9;
const LATENCY_FACTOR_MAX = 2;
const REFUSAL_MS_MAX = 20;
const READ_FACTOR_MAX = 2;
/** Reads of a few milliseconds may double and nobody would notice. */
const READ_MS_MIN = 100;
const RECOVERY_MS_MAX = 10_000;

const round = (value: number): string => (Math.abs(value) >= 100 ? value.toFixed(0) : value.toFixed(1));

/** @throws when the steps at half, once and the most are missing. */
export function judge({ steps, recovery, moneyProblems }: OverloadFigures): Expectation[] {
  const last = steps.at(-1);
  const half = steps.find(({ share }) => share < 1);
  const once = steps.find(({ share }) => share === 1);
  if (!last || !half || !once) throw new Error('the steps at half, once and the most are needed');
  const peak = Math.max(...steps.map(({ goodputPerSecond }) => goodputPerSecond));
  const goodputShare = last.goodputPerSecond / peak;
  const latencyFactor = last.accepted.p99Ms / once.accepted.p99Ms;
  const refused = steps.reduce((sum, step) => sum + step.refused.count, 0);
  const unmarked = steps.reduce((sum, step) => sum + step.refused.withoutRetryAfter, 0);
  const failures = steps.flatMap(({ otherFailures }) => Object.entries(otherFailures)).filter(([, count]) => count > 0);
  const readsP99Ms = Math.max(...steps.map(({ reads }) => reads.latency.p99));
  const readsLimitMs = Math.max(READ_MS_MIN, READ_FACTOR_MAX * half.reads.latency.p99);
  const readFailures = steps.reduce((sum, { reads }) => sum + reads.failures, 0);
  return [
    {
      what: `goodput at ${last.share}x, of the peak`,
      limit: `>= ${GOODPUT_SHARE_MIN * 100} %`,
      measured: `${round(goodputShare * 100)} %`,
      holds: goodputShare >= GOODPUT_SHARE_MIN,
    },
    {
      what: `p99 of accepted requests at ${last.share}x, of that at 1x`,
      limit: `<= ${LATENCY_FACTOR_MAX}`,
      measured: latencyFactor.toFixed(2),
      holds: latencyFactor <= LATENCY_FACTOR_MAX,
    },
    {
      what: `refusals at ${last.share}x`,
      limit: '> 0',
      measured: String(last.refused.count),
      holds: last.refused.count > 0,
    },
    {
      what: `refusals at ${half.share}x`,
      limit: '0',
      measured: String(half.refused.count),
      holds: half.refused.count === 0,
    },
    {
      what: 'refusals without Retry-After, in all steps',
      limit: '0',
      measured: `${unmarked} of ${refused}`,
      holds: unmarked === 0,
    },
    {
      what: `p99 of refusals at ${last.share}x`,
      limit: `<= ${REFUSAL_MS_MAX} ms`,
      measured: `${round(last.refused.p99Ms)} ms`,
      holds: last.refused.p99Ms <= REFUSAL_MS_MAX,
    },
    {
      what: 'other failures, in all steps',
      limit: 'none',
      measured: failures.map(([reason, count]) => `${count} ${reason}`).join(', ') || 'none',
      holds: failures.length === 0,
    },
    {
      what: 'reads of balance and requests: failures, and p99 in the worst step',
      limit: `0, <= ${round(readsLimitMs)} ms`,
      measured: `${readFailures}, ${round(readsP99Ms)} ms`,
      holds: readFailures === 0 && readsP99Ms <= readsLimitMs,
    },
    {
      what: 'last refusal after the spike',
      limit: `<= ${RECOVERY_MS_MAX / 1_000} s`,
      measured: `${round(recovery.lastRefusalMs / 1_000)} s`,
      holds: recovery.answered > 0 && recovery.lastRefusalMs <= RECOVERY_MS_MAX,
    },
    {
      what: 'money afterwards',
      limit: 'exact',
      measured: moneyProblems.join(', ') || 'exact',
      holds: moneyProblems.length === 0,
    },
  ];
}
