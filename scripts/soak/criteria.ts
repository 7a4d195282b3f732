import { percentile } from '../bench/statistics.ts';
import { fitTrend } from './trend.ts';
import type { ProcessSample, Sample } from './watch.ts';

/** What must not grow in a system that runs for long. Pure. */

export type SoakFigures = {
  /** Taken under load, after the warm-up. */
  samples: readonly Sample[];
  /** At rest, before the load that was sampled and after it. */
  before: Sample;
  after: Sample;
  /** Lines of the logs that speak of an unhandled rejection or exception. */
  unhandled: number;
  logBytes: number;
  requests: number;
  /** Neither answered nor left by the client on purpose, by reason. */
  failures: Readonly<Record<string, number>>;
  moneyProblems: readonly string[];
  /** Connections to MongoDB that a process may have in its pool. */
  poolMax: number;
};

export type Criterion = {
  what: string;
  limit: string;
  measured: string;
  /** `unclear`: the run was too short or too noisy to say; it counts as neither. */
  verdict: 'holds' | 'fails' | 'unclear';
};

const RESIDENT_MB_PER_TEN_MINUTES = 1;
/** Below this length, a heap that settles looks like a leak; only a growth beyond the noise is one. */
const SLOPE_MINUTES_MIN = 10;
const RESIDENT_NOISE_MB = 24;
const ERRORS = 2;
/** Fewer than before are idle connections that have been closed; only more of them are a leak. */
const DESCRIPTORS_GROWTH_MAX = 5;
const KEYS_SHARE_MAX = 0.01;
/** Besides the pool: the driver watches the server over these. */
const MONITORS = 2;
/** One percent of a few keys is no key at all; so many may be those of the moment. */
const KEYS_MIN = 2;
const LAG_MS_MAX = 50;
/** Others work on this machine too. */
const LAG_SHARE = 0.95;
const LOG_BYTES_PER_REQUEST_MAX = 1_024;

const verdict = (holds: boolean): Criterion['verdict'] => (holds ? 'holds' : 'fails');

export function judge(figures: SoakFigures): Criterion[] {
  const names = Object.keys(figures.before.processes);
  return [
    ...names.map((name) => residentCriterion(name, figures.samples)),
    ...names.map((name) => descriptorCriterion(name, figures)),
    ...names.map((name) => poolCriterion(name, figures)),
    ...names.flatMap((name) => lagCriterion(name, figures.samples)),
    ...redisCriteria(figures),
    ...disciplineCriteria(figures, names),
  ];
}

function seriesOf(name: string, samples: readonly Sample[], of: (one: ProcessSample) => number | undefined) {
  return samples.flatMap(({ atMs, processes }) => {
    const value = processes[name] && of(processes[name]);
    return value === undefined ? [] : [{ minutes: atMs / 60_000, value }];
  });
}

function residentCriterion(name: string, samples: readonly Sample[]): Criterion {
  const what = `${name}: resident memory per 10 min`;
  const limit = `< ${RESIDENT_MB_PER_TEN_MINUTES} MB`;
  const trend = fitTrend(seriesOf(name, samples, ({ residentMb }) => residentMb));
  if (!trend) return { what, limit, measured: 'too few samples', verdict: 'unclear' };
  const [slope, error] = [trend.perMinute * 10, ERRORS * trend.error * 10];
  const measured = `${slope.toFixed(1)} ± ${error.toFixed(1)} MB (in ${trend.minutes.toFixed(1)} min)`;
  const isGrowing = slope - error > RESIDENT_MB_PER_TEN_MINUTES;
  const isLong = trend.minutes >= SLOPE_MINUTES_MIN;
  if (isGrowing && (isLong || trend.perMinute * trend.minutes > RESIDENT_NOISE_MB))
    return { what, limit, measured, verdict: 'fails' };
  const isSmall = slope + error <= RESIDENT_MB_PER_TEN_MINUTES;
  return { what, limit, measured, verdict: isSmall ? 'holds' : 'unclear' };
}

function descriptorCriterion(name: string, { before, after }: SoakFigures): Criterion {
  const [first, last] = [before, after].map(({ processes }) => processes[name]?.descriptors ?? Number.NaN);
  const difference = (last ?? Number.NaN) - (first ?? Number.NaN);
  return {
    what: `${name}: open descriptors at rest, but for MongoDB`,
    limit: `+ ${DESCRIPTORS_GROWTH_MAX}`,
    measured: `${first} before, ${last} after`,
    verdict: verdict(difference <= DESCRIPTORS_GROWTH_MAX),
  };
}

/** A pool keeps as many as were ever needed at once: it may grow up to its bound, and only what is beyond that is a leak. */
function poolCriterion(name: string, { samples, after, poolMax }: SoakFigures): Criterion {
  const seen = seriesOf(name, [...samples, after], ({ databaseConnections }) => databaseConnections);
  const most = Math.max(0, ...seen.map(({ value }) => value));
  return {
    what: `${name}: connections to MongoDB, at most`,
    limit: `${poolMax + MONITORS}`,
    measured: String(most),
    verdict: verdict(most <= poolMax + MONITORS),
  };
}

function lagCriterion(name: string, samples: readonly Sample[]): Criterion[] {
  const lags = seriesOf(name, samples, ({ loopLagMs }) => loopLagMs).map(({ value }) => value);
  if (lags.length === 0) return [];
  const lagMs = percentile(
    lags.sort((a, b) => a - b),
    LAG_SHARE,
  );
  return [
    {
      what: `${name}: event-loop delay p99, in ${LAG_SHARE * 100} of 100 intervals`,
      limit: `< ${LAG_MS_MAX} ms`,
      measured: `${lagMs.toFixed(1)} ms`,
      verdict: verdict(lagMs < LAG_MS_MAX),
    },
  ];
}

function redisCriteria({ samples, before, after }: SoakFigures): Criterion[] {
  const allowed = Math.max(KEYS_MIN, before.redisKeys * KEYS_SHARE_MAX);
  const endless = Math.max(0, ...[...samples, after].map((one) => one.endless));
  return [
    {
      what: 'Redis keys at rest',
      limit: `+ ${allowed.toFixed(0)}`,
      measured: `${before.redisKeys} before, ${after.redisKeys} after`,
      verdict: verdict(after.redisKeys <= before.redisKeys + allowed),
    },
    {
      what: 'stream logs and counts of minutes without an end',
      limit: '0',
      measured: String(endless),
      verdict: verdict(endless === 0),
    },
  ];
}

function disciplineCriteria(figures: SoakFigures, names: readonly string[]): Criterion[] {
  const { after, unhandled, logBytes, requests, failures, moneyProblems } = figures;
  const gone = names.filter((name) => after.processes[name] === undefined);
  const failed = Object.entries(failures).map(([reason, count]) => `${count} ${reason}`);
  const bytesPerRequest = logBytes / Math.max(1, requests);
  return [
    {
      what: 'processes that ended',
      limit: 'none',
      measured: gone.join(', ') || 'none',
      verdict: verdict(!gone.length),
    },
    {
      what: 'unhandled rejections and exceptions',
      limit: '0',
      measured: String(unhandled),
      verdict: verdict(unhandled === 0),
    },
    {
      what: 'log per request',
      limit: `< ${LOG_BYTES_PER_REQUEST_MAX} bytes`,
      measured: `${bytesPerRequest.toFixed(0)} bytes`,
      verdict: verdict(bytesPerRequest < LOG_BYTES_PER_REQUEST_MAX),
    },
    {
      what: 'requests that failed',
      limit: 'none',
      measured: failed.join(', ') || 'none',
      verdict: verdict(failed.length === 0),
    },
    {
      what: 'money afterwards',
      limit: 'exact',
      measured: moneyProblems.join(', ') || 'exact',
      verdict: verdict(moneyProblems.length === 0),
    },
  ];
}
