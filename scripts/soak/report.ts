import { cpus, release, type } from 'node:os';
import { markdownTable } from '../report-section.ts';
import type { Criterion } from './criteria.ts';
import type { SoakOptions } from './options.ts';
import type { SoakRun } from './run.ts';

const VERDICTS = { holds: 'holds', fails: '**fails**', unclear: 'not measurable in this time' } as const;

/** The figures as Markdown. */
export function renderReport(run: SoakRun, criteria: readonly Criterion[], options: SoakOptions): string {
  const { load, capacityPerSecond, offeredPerSecond } = run;
  const leak = options.leak === undefined ? '' : ` --leak ${options.leak}`;
  return [
    `\`npm run soak -- --minutes ${options.minutes}${leak}\`, ${run.startedAt.toISOString().slice(0, 16)} UTC.`,
    `${offeredPerSecond.toFixed(1)} streams/s of 50 chunks for ${options.minutes} minutes, ${(options.share * 100).toFixed(0)} % of a capacity of ${capacityPerSecond.toFixed(1)}/s (20 places in one worker process): ${load.sent} sent, ${load.answered} answered (p99 ${load.p99Ms.toFixed(0)} ms), ${load.left} left by their clients in the middle.`,
    `${cpus().length} cores, ${cpus()[0]?.model.trim() ?? 'unknown'}, ${type()} ${release()}, Node ${process.versions.node}; ${run.engines}. ${run.samples.length} samples.`,
    '',
    markdownTable(
      ['Criterion', 'Limit', 'Measured', 'Verdict'],
      criteria.map(({ what, limit, measured, verdict }) => [what, limit, measured, VERDICTS[verdict]]),
    ),
    '',
    'Memory: the trend of the floor (lowest values of equal stretches) under load, with twice its standard error; old objects are collected early. Not covered: several api and worker processes, webhooks, the back-office, engines that restart.',
  ].join('\n');
}
