import { cpus, release, type } from 'node:os';
import { markdownTable } from '../report-section.ts';
import type { Expectation } from './expectations.ts';
import type { OverloadOptions } from './options.ts';
import type { OverloadRun } from './run.ts';

const number = (value: number): string => (Number.isNaN(value) ? '-' : value.toFixed(value >= 100 ? 0 : 1));

const HEADER = [
  'Offered',
  'requests/s',
  'answered/s',
  'accepted p50, ms',
  'accepted p99, ms',
  'refused',
  'refused p99, ms',
  'reads p99, ms',
  'generator lag p99, ms',
  'cores used by others',
];

/** The figures as Markdown. */
export function renderReport(run: OverloadRun, expectations: readonly Expectation[], options: OverloadOptions): string {
  const rows = run.steps.map((step) => [
    `${step.share}x`,
    number(step.offeredPerSecond),
    number(step.goodputPerSecond),
    number(step.accepted.p50Ms),
    number(step.accepted.p99Ms),
    String(step.refused.count),
    number(step.refused.p99Ms),
    number(step.reads.latency.p99),
    number(step.generatorLagMs),
    step.foreignCores.toFixed(2),
  ]);
  const verdicts = expectations.map(({ what, limit, measured, holds }) => [
    what,
    limit,
    measured,
    holds ? 'holds' : '**fails**',
  ]);
  const bound =
    options.bound === 'slots'
      ? `${options.slots} places in one worker process, calls of one to three seconds`
      : 'an upstream that answers at once, so the processor is the bound';
  return [
    `\`npm run overload -- --bound ${options.bound} --seconds ${options.windowMs / 1_000}\`, ${run.startedAt.toISOString().slice(0, 16)} UTC.`,
    `Capacity ${number(run.capacityPerSecond)} requests/s in a closed loop (${bound}). Open-loop arrivals at fixed times, plain requests of 64 accounts; one api and one worker process with production settings.`,
    `${cpus().length} cores, ${cpus()[0]?.model.trim() ?? 'unknown'}, ${type()} ${release()}, Node ${process.versions.node}; ${run.engines}.`,
    '',
    markdownTable(HEADER, rows),
    '',
    markdownTable(['Expectation', 'Limit', 'Measured', 'Verdict'], verdicts),
    '',
    'Not covered: several api processes, streams, a provider that becomes slower meanwhile. The first three seconds of a step are not measured.',
  ].join('\n');
}
