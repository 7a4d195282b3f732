import { markdownTable } from '../report-section.ts';
import { formatFigure, goalRows, rolesOf } from './goals.ts';
import { PEER } from './peer.ts';
import type { LoadResult } from './recording.ts';
import { renderParts } from './report-alone.ts';
import { type BenchResults, cpuPerThousand, type StepResult, saturated, stepResult, stepsOf } from './results.ts';
import type { Summary } from './statistics.ts';
import { settleLagAtLoad } from './sustained.ts';

/** The results as Markdown tables that are also readable in a terminal. */

const NOT_COVERED = [
  'a real mongod, unless the run says so above: the DocumentDB engine needs several times the CPU of one',
  'several api processes, TLS, networks between the parts: Redis is reached over its socket',
  'large prompts, tools and vision content',
];

const triple = ({ p50, p95, p99 }: Summary): string => [p50, p95, p99].map(formatFigure).join(' / ');

function addedTriple(ours: Summary, direct: Summary): string {
  return [ours.p50 - direct.p50, ours.p95 - direct.p95, ours.p99 - direct.p99].map(formatFigure).join(' / ');
}

const ratioOf = (ours: number, direct: number): string => `${formatFigure(ours / direct)}x`;

/** What went wrong, in short; empty when nothing did. */
function faults(load: LoadResult): string {
  const parts = Object.entries(load.failed).map(([reason, count]) => `${count} ${reason}`);
  const named: [number, string][] = [
    [load.unfinished, 'unfinished'],
    [load.lostChunks, 'chunks lost'],
    [load.missingDone, 'without [DONE]'],
    [load.missingUsage, 'without usage'],
  ];
  for (const [count, text] of named) if (count > 0) parts.push(`${count} ${text}`);
  return parts.join(', ');
}

const notes = ({ load, use, polluted, repetitions }: StepResult): string =>
  [
    polluted > 0 ? `disturbed ${polluted} of ${repetitions} (${formatFigure(use.foreignCores)} cores)` : '',
    faults(load),
  ]
    .filter((text) => text !== '')
    .join('; ');

const others = (results: BenchResults): string[] =>
  [...new Set(results.measurements.map(({ target }) => target))].filter((target) => target !== 'direct');

function latencyTable(results: BenchResults, target: string): string {
  const rows = stepsOf(results, 'rate ').flatMap((step) => {
    const [ours, direct] = [stepResult(results, step, target), stepResult(results, step, 'direct')];
    if (!ours || !direct) return [];
    return [
      [
        step.replace('rate ', ''),
        triple(direct.load.latency),
        triple(ours.load.latency),
        addedTriple(ours.load.latency, direct.load.latency),
        ratioOf(ours.load.latency.p50, direct.load.latency.p50),
        formatFigure(ours.load.scheduleLag.p99),
        `${formatFigure(ours.settleP50Ms)} / ${formatFigure(ours.settleP99Ms)}`,
        notes(ours),
      ],
    ];
  });
  return markdownTable(
    ['rps', 'direct', target, 'added', 'ratio p50', 'generator lag p99', 'settle lag p50 / p99', 'notes'],
    rows,
  );
}

function throughputTable(results: BenchResults, target: string): string {
  const rows = stepsOf(results, 'closed ').flatMap((step) => {
    const [ours, direct] = [stepResult(results, step, target), stepResult(results, step, 'direct')];
    if (!ours || !direct) return [];
    const rates = [direct.load.answeredPerSecond, ours.load.answeredPerSecond] as const;
    return [
      [
        `${step} clients, requests/s`,
        formatFigure(rates[0]),
        formatFigure(rates[1]),
        ratioOf(rates[1], rates[0]),
        [`p50 ${formatFigure(ours.load.latency.p50)} ms`, notes(ours)].filter((text) => text !== '').join('; '),
      ],
    ];
  });
  const sustained = results.sustained.get(target);
  const lag = settleLagAtLoad(sustained);
  rows.push([
    'open loop with p99 < 100 ms, requests/s',
    '',
    sustained?.perSecond ? String(sustained.perSecond) : 'none of those tried',
    '',
    lag.step ? `settle lag p50 / p99: ${formatFigure(lag.p50Ms)} / ${formatFigure(lag.p99Ms)} ms (${lag.step})` : '',
  ]);
  return markdownTable(['', 'direct', target, 'ratio', 'notes'], rows);
}

function streamTable(results: BenchResults, target: string): string {
  const steps = [...stepsOf(results, 'streams '), ...stepsOf(results, 'long streams ')];
  const rows = steps.flatMap((step) =>
    ['direct', target].flatMap((name) => {
      const result = stepResult(results, step, name);
      if (!result) return [];
      const { load, use } = result;
      const cpuUs = (rolesOf(name).reduce((sum, role) => sum + (use.cpuSeconds[role] ?? 0), 0) * 1e6) / use.seconds;
      return [
        [
          step,
          name,
          triple(load.firstChunk),
          `${formatFigure(load.oneWay.p50)} / ${formatFigure(load.oneWay.p99)}`,
          `${formatFigure(load.gapJitter.p50)} / ${formatFigure(load.gapJitter.p99)}`,
          formatFigure(load.chunksPerSecond),
          name === 'direct' ? '' : formatFigure(cpuUs / load.chunksPerSecond),
          notes(result),
        ],
      ];
    }),
  );
  return markdownTable(
    ['step', 'target', 'first token', 'one-way p50 / p99', 'jitter p50 / p99', 'chunks/s', 'CPU us/chunk', 'notes'],
    rows,
  );
}

function resourceTable(results: BenchResults, target: string): string {
  const roles = [...rolesOf(target), 'engine'];
  const steps = [...new Set(results.measurements.filter((one) => one.target === target).map(({ step }) => step))];
  const rows = steps.flatMap((step) => {
    const result = stepResult(results, step, target);
    if (!result) return [];
    const { use } = result;
    const cores = rolesOf(target).reduce((sum, role) => sum + (use.cpuSeconds[role] ?? 0), 0) / use.seconds;
    return [
      [
        step,
        ...roles.map((role) => formatFigure(cpuPerThousand(result, [role]))),
        formatFigure(cpuPerThousand(result, rolesOf(target))),
        formatFigure(cores),
        formatFigure((use.cpuSeconds.engine ?? 0) / use.seconds),
        roles.map((role) => `${role} ${formatFigure(use.residentMb[role] ?? Number.NaN)}`).join(', '),
        formatFigure(use.foreignCores),
      ],
    ];
  });
  const head = ['step', ...roles, 'without engine', 'cores used', 'engine cores', 'memory, MB', 'foreign cores'];
  return markdownTable(head, rows);
}

function hotAccountLine({ hotAccount }: BenchResults): string {
  if (!hotAccount) return 'Not measured.';
  const { holdsPerSecond, updatesPerSecond } = hotAccount;
  return `${formatFigure(holdsPerSecond)} holds/s, each also settled with a charge, on one account; the engine makes ${formatFigure(updatesPerSecond)} plain updates/s of one small document: ${ratioOf(holdsPerSecond, updatesPerSecond)}.`;
}

function goalsTable(results: BenchResults, target: string, peer?: string): string {
  const rows = goalRows(results, target, peer).map((row) => [
    row.id,
    row.figure,
    row.must,
    row.goal,
    row.measured,
    row.together,
    row.verdict,
  ]);
  return markdownTable(['', 'figure', 'must', 'goal', 'measured', 'parts together', 'verdict'], rows);
}

/** What stops the target at its closed-loop maximum, from the CPU that each part used. */
function boundLine(results: BenchResults, target: string): string {
  const most = saturated(results, target);
  if (!most) return '';
  const { use } = most;
  const cores = (role: string) => (use.cpuSeconds[role] ?? 0) / use.seconds;
  const parts = [...rolesOf(target), 'engine', 'sandbox', 'harness'].map(
    (role) => `${role} ${formatFigure(cores(role))}`,
  );
  return `At its most (${most.step} clients) the parts use these cores: ${parts.join(', ')}, others ${formatFigure(use.foreignCores)}; ${formatFigure(use.busyCores)} of ${results.machine.cores} are busy.`;
}

function header({ machine, startedAt, settings }: BenchResults): string {
  return [
    `${startedAt.toISOString().slice(0, 16).replace('T', ' ')} UTC, ${machine.cores} cores (${machine.cpu}), ${machine.memoryGb} GB, ${machine.system}, Node ${machine.node}, ${machine.redis}, ${machine.mongo}.`,
    ...settings.map((line) => `- ${line}`),
  ].join('\n');
}

/** The whole report, as the body of a section. A measured peer decides the goals that are ratios to one. */
export function renderReport(results: BenchResults): string {
  const peer = results.measurements.some(({ target }) => target === PEER) ? PEER : undefined;
  const sections = [
    header(results),
    ...others(results).flatMap((target) => [
      `### ${target}: plain answers\n\n${latencyTable(results, target)}`,
      `### ${target}: throughput\n\n${throughputTable(results, target)}`,
      `### ${target}: streams\n\n${streamTable(results, target)}`,
      `### ${target}: CPU seconds per 1000 requests, memory\n\n${resourceTable(results, target)}\n\n${boundLine(results, target)}`,
    ]),
    `### Hot account\n\n${hotAccountLine(results)}`,
    ...renderParts(results, peer),
    `### Goals\n\n${goalsTable(results, 'ocelotiq', peer)}`,
    `### Not covered\n\n${NOT_COVERED.map((text) => `- ${text}`).join('\n')}`,
  ];
  return `${sections.join('\n\n')}\n`;
}
