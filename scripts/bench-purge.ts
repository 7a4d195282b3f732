/**
 * `npm run bench-purge`: what purging many requests costs those that are served meanwhile. Ends with code 1 when rows
 * were left, a request failed, or memory grew.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type PurgeFigures, type PurgeOptions, runPurge } from './bench-purge/run.ts';
import { BadCommandLine, readNumber } from './command-line.ts';
import { aboutRun } from './report-run.ts';
import { markdownTable, writeSection } from './report-section.ts';
import { runMeasurement } from './run-measurement.ts';

const USAGE = `Usage: npm run bench-purge -- [options]

  --rows <number>       old requests with content, to be purged (default 1000000)
  --rate <number>       requests per second that the API serves meanwhile (default 50)
  --write               keep the result in docs/benchmarks.md
  --mongodb-uri <uri>   use this MongoDB; a database of its own is made and dropped`;

/** What the purge may have more in use at its end; an act counts its subjects by 8 to 16 bytes each. */
const GROWTH_MB_MAX = 16;

function parse(words: readonly string[]): PurgeOptions & { write: boolean } {
  const text = { type: 'string' } as const;
  try {
    const options = { rows: text, rate: text, write: { type: 'boolean' }, 'mongodb-uri': text } as const;
    const { values } = parseArgs({ args: [...words], options });
    return {
      rows: Math.round(readNumber('rows', values.rows, { fallback: 1_000_000, min: 1_000, max: 10_000_000 })),
      perSecond: readNumber('rate', values.rate, { fallback: 50, min: 1, max: 2_000 }),
      mongoUri: values['mongodb-uri'],
      write: values.write === true,
    };
  } catch (error) {
    throw new BadCommandLine(error instanceof Error ? error.message : String(error));
  }
}

function renderMemory(memory: PurgeFigures['memory']): string {
  if (!memory) return 'Too short to tell whether memory grew.';
  return `Memory of the purging process, in use after a collection: ${memory.firstUsedMb.toFixed(1)} MB in the first quarter of its time,
${memory.lastUsedMb.toFixed(1)} MB in the last one; resident ${memory.residentMb.toFixed(0)} MB at most.`;
}

function render(figures: PurgeFigures, { rows, perSecond }: PurgeOptions, about: string): string {
  const { alone, beside, memory } = figures;
  const ms = (value: number) => value.toFixed(1);
  const table = markdownTable(
    ['what', 'alone', 'while purging', 'ratio'],
    [
      ['requests answered', String(alone.count), String(beside.count), ''],
      ['latency p50, ms', ms(alone.p50), ms(beside.p50), `${(beside.p50 / alone.p50).toFixed(2)}x`],
      ['latency p99, ms', ms(alone.p99), ms(beside.p99), `${(beside.p99 / alone.p99).toFixed(2)}x`],
    ],
  );
  const perSecondPurged = (figures.removed / figures.purgeMs) * 1_000;
  return `${about}; ${figures.engines}. ${rows} old requests, ${perSecond} requests/s served.

Content of ${figures.removed} rows purged in ${(figures.purgeMs / 1_000).toFixed(1)} s: ${perSecondPurged.toFixed(0)} rows/s.
${renderMemory(memory)}
Requests that failed: ${figures.failed}.

${table}`;
}

await runMeasurement(USAGE, async (words, context) => {
  const { write, ...options } = parse(words);
  const figures = await runPurge(options, context);
  const body = render(figures, options, aboutRun(context.root));
  console.log(`\n${body}`);
  if (write) {
    const section = { name: 'purge', heading: 'Purging while serving', body };
    writeSection(join(context.root, 'docs', 'benchmarks.md'), section, { title: 'Benchmarks' });
  }
  const { memory } = figures;
  const isFlat = !memory || memory.lastUsedMb <= memory.firstUsedMb + GROWTH_MB_MAX;
  return figures.removed === options.rows && figures.failed === 0 && isFlat;
});
