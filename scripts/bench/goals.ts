import { type BenchResults, cpuPerThousand, type StepResult, saturated, stepResult } from './results.ts';
import { PART_ROLES, TOGETHER } from './served-part.ts';
import { longStep, rateStep, streamStep } from './steps.ts';
import { settleLagAtLoad } from './sustained.ts';

/**
 * The product's performance goals. Most are ratios to a peer gateway measured in the same run, so they are decided only
 * when a peer is among the targets; until then the own figures stand alone.
 */
export type GoalRow = {
  id: string;
  figure: string;
  must: string;
  goal: string;
  measured: string;
  /** The same figure of the parts together; empty when they have none. */
  together: string;
  /** `bounded`: wherever the must is missed, the parts together, alone, miss it too. */
  verdict: 'reached' | 'must reached' | 'missed' | 'bounded' | 'no peer measured' | 'not measured';
};

type Limit = { must: number; goal: number; unit: string; better: 'lower' | 'higher' };

type Goal = {
  id: string;
  figure: string;
  limit: Limit;
  /** Against a peer's same figure, or against the number itself. */
  against: 'peer' | 'number';
  /** Measured of the product alone, whatever target is asked for. */
  ofProduct?: true;
  /** One value, or several of which the worst counts. NaN where it was not measured; 0 for a rate that is none. */
  values: (results: BenchResults, target: string) => number[];
};

const RATES = [50, 100, 200, 400];
const RATES_OF_TAILS = [100, 200, 400];
const OWN_ROLES: Readonly<Record<string, readonly string[]>> = {
  ocelotiq: ['api', 'workers', 'redis'],
  [TOGETHER]: PART_ROLES,
};

export function rolesOf(target: string): readonly string[] {
  return OWN_ROLES[target] ?? [target];
}

/** A figure above the direct call's. NaN when one of the two is missing. */
function added(results: BenchResults, step: string, target: string, of: (result: StepResult) => number): number {
  const ours = stepResult(results, step, target);
  const direct = stepResult(results, step, 'direct');
  return ours && direct ? of(ours) - of(direct) : Number.NaN;
}

function plain(results: BenchResults, step: string, target: string, of: (result: StepResult) => number): number {
  const result = stepResult(results, step, target);
  return result ? of(result) : Number.NaN;
}

const latencyAdded = (name: 'p50' | 'p95' | 'p99', rates: readonly number[]): Goal['values'] => {
  return (results, target) =>
    rates.map((rate) => added(results, rateStep(rate), target, ({ load }) => load.latency[name]));
};

/** Of the chunks that 1000 streams at 20 tokens per second should bring, the share that came. */
function onSchedule(results: BenchResults, target: string): number {
  return plain(results, longStep(1_000), target, ({ load }) => load.chunksPerSecond / 20_000);
}

const ratio = (must: number, goal: number): Limit => ({ must, goal, unit: 'x', better: 'lower' });
const ratioAbove = (must: number, goal: number): Limit => ({ must, goal, unit: 'x', better: 'higher' });

const GOALS: readonly Goal[] = [
  {
    id: 'G1',
    figure: 'added p50 at 50/100/200/400 rps, ms',
    limit: ratio(1.3, 1),
    against: 'peer',
    values: latencyAdded('p50', RATES),
  },
  {
    id: 'G2',
    figure: 'added p95 at 100/200/400 rps, ms',
    limit: ratio(1, 0.6),
    against: 'peer',
    values: latencyAdded('p95', RATES_OF_TAILS),
  },
  {
    id: 'G3',
    figure: 'added p99 at 100/200/400 rps, ms',
    limit: ratio(0.9, 0.6),
    against: 'peer',
    values: latencyAdded('p99', RATES_OF_TAILS),
  },
  {
    id: 'G4',
    figure: 'closed loop with as many clients as are best for it, requests/s per core used',
    limit: ratioAbove(1, 1.7),
    against: 'peer',
    values: (results, target) => {
      const most = saturated(results, target);
      return [most ? 1_000 / cpuPerThousand(most, rolesOf(target)) : Number.NaN];
    },
  },
  {
    id: 'G5',
    figure: 'highest open-loop rate with p99 < 100 ms',
    limit: ratioAbove(1.3, 2),
    against: 'peer',
    values: ({ sustained }, target) => [sustained.has(target) ? (sustained.get(target)?.perSecond ?? 0) : Number.NaN],
  },
  {
    id: 'G6',
    figure: 'CPU s per 1000 requests at saturation, without the engine',
    limit: ratio(1, 0.6),
    against: 'peer',
    values: (results, target) => {
      const most = saturated(results, target);
      return [most ? cpuPerThousand(most, rolesOf(target)) : Number.NaN];
    },
  },
  {
    id: 'G7',
    figure: 'added time to first token p50, 50 streams / 500 long streams, ms',
    limit: ratio(0.15, 0.05),
    against: 'peer',
    values: (results, target) =>
      [streamStep(50), longStep(500)].map((step) => added(results, step, target, ({ load }) => load.firstChunk.p50)),
  },
  {
    id: 'G8',
    figure: 'added one-way per chunk p50, gap jitter p99 at 50 streams, ms',
    limit: ratio(1, 0.5),
    against: 'peer',
    values: (results, target) => [
      added(results, streamStep(50), target, ({ load }) => load.oneWay.p50),
      plain(results, streamStep(50), target, ({ load }) => load.gapJitter.p99),
    ],
  },
  {
    id: 'G9',
    figure: 'token chunks per second at 500 streams',
    limit: ratioAbove(1.3, 1.9),
    against: 'peer',
    values: (results, target) => [plain(results, streamStep(500), target, ({ load }) => load.chunksPerSecond)],
  },
  {
    id: 'G10',
    figure: '1000 streams x 20 tokens/s: share of chunks on schedule',
    limit: { must: 0.97, goal: 0.99, unit: '', better: 'higher' },
    against: 'number',
    values: (results, target) => [onSchedule(results, target)],
  },
  {
    id: 'G11',
    figure: 'settle lag p99 at 80 % of the highest rate answered in full, ms',
    limit: { must: 250, goal: 50, unit: ' ms', better: 'lower' },
    against: 'number',
    values: (results, target) => [settleLagAtLoad(results.sustained.get(target)).p99Ms],
  },
  {
    id: 'G12',
    figure: 'webhook deliveries per second',
    limit: { must: 200, goal: 500, unit: '/s', better: 'higher' },
    against: 'number',
    ofProduct: true,
    values: ({ webhooks }) => [webhooks && webhooks.lost === 0 ? webhooks.deliveredPerSecond : Number.NaN],
  },
  {
    id: 'G13',
    figure: 'hot account: holds/s, as a multiple of one-document updates/s',
    limit: ratioAbove(0.9, 5),
    against: 'number',
    ofProduct: true,
    values: ({ hotAccount }) => [hotAccount ? hotAccount.holdsPerSecond / hotAccount.updatesPerSecond : Number.NaN],
  },
];

export function formatFigure(value: number): string {
  if (Number.isNaN(value)) return '-';
  if (Math.abs(value) >= 100) return value.toFixed(0);
  return Math.abs(value) >= 10 ? value.toFixed(1) : value.toFixed(2);
}

function formatLimit({ better, unit }: Limit, value: number): string {
  return `${better === 'lower' ? '<=' : '>='} ${value}${unit}`;
}

function isWithin({ better }: Limit, value: number, bound: number): boolean {
  return better === 'lower' ? value <= bound : value >= bound;
}

/** The verdict over all values that count; of several the worst. */
function judge(limit: Limit, values: readonly number[], bounds: readonly number[]): GoalRow['verdict'] {
  const counted = values.filter((value) => !Number.isNaN(value));
  if (counted.every((value) => isWithin(limit, value, limit.goal))) return 'reached';
  if (counted.every((value) => isWithin(limit, value, limit.must))) return 'must reached';
  const isBounded = (value: number, index: number) => {
    const bound = bounds[index] ?? Number.NaN;
    const isMissed = !Number.isNaN(value) && !isWithin(limit, value, limit.must);
    return !isMissed || (!Number.isNaN(bound) && !isWithin(limit, bound, limit.must));
  };
  return values.every(isBounded) ? 'bounded' : 'missed';
}

/** The results with the parts together as one more target. */
function withTogether(results: BenchResults): BenchResults {
  const { together } = results.alone ?? {};
  if (!together) return results;
  return {
    ...results,
    measurements: [...results.measurements, ...together.measurements],
    sustained: new Map([
      ...results.sustained,
      ...(together.sustained ? [[TOGETHER, together.sustained] as const] : []),
    ]),
  };
}

const formatFigures = (values: readonly number[]): string =>
  values.every(Number.isNaN) ? '' : values.map(formatFigure).join(' / ');

/**
 * Every goal with what this run says about it.
 * @param peer name of the target to compare with, when there is one.
 */
export function goalRows(results: BenchResults, target: string, peer?: string): GoalRow[] {
  const all = withTogether(results);
  return GOALS.map(({ id, figure, limit, against, ofProduct, values }) => {
    const own = values(all, target);
    const bounds = ofProduct ? [] : values(all, TOGETHER);
    const row = {
      id,
      figure,
      must: formatLimit(limit, limit.must),
      goal: formatLimit(limit, limit.goal),
      measured: own.map(formatFigure).join(' / '),
      together: formatFigures(bounds),
    };
    if (own.every(Number.isNaN)) return { ...row, verdict: 'not measured' };
    if (against === 'number') return { ...row, verdict: judge(limit, own, bounds) };
    if (peer === undefined) return { ...row, verdict: 'no peer measured' };
    const others = values(all, peer);
    const toPeer = (value: number, index: number) => value / (others[index] ?? Number.NaN);
    const measured = `${row.measured} (${peer}: ${others.map(formatFigure).join(' / ')})`;
    return { ...row, measured, verdict: judge(limit, own.map(toPeer), bounds.map(toPeer)) };
  });
}
