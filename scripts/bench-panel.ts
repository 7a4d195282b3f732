/**
 * `npm run bench-panel`: how fast the back-office answers when many requests are stored, and by which indexes. Ends
 * with code 1 when a page takes longer than its goal, or a list reads without an index.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { failuresOf, render } from './bench-panel/report.ts';
import { type PanelOptions, runPanel } from './bench-panel/run.ts';
import { BadCommandLine, readNumber } from './command-line.ts';
import { aboutRun } from './report-run.ts';
import { writeSection } from './report-section.ts';
import { runMeasurement } from './run-measurement.ts';

const USAGE = `Usage: npm run bench-panel -- [options]

  --requests <number>      ended requests that are stored (default 1000000)
  --repetitions <number>   how often each page is asked for (default 20)
  --write                  keep the result in docs/benchmarks.md
  --mongodb-uri <uri>      use this MongoDB; a database of its own is made and dropped
  --database <name>        use this database there: it is filled when it is empty, and stays`;

function parse(words: readonly string[]): PanelOptions & { write: boolean } {
  const text = { type: 'string' } as const;
  try {
    const numbers = { requests: text, repetitions: text } as const;
    const options = { ...numbers, write: { type: 'boolean' }, 'mongodb-uri': text, database: text } as const;
    const { values } = parseArgs({ args: [...words], options });
    if (values.database !== undefined && !values['mongodb-uri']) throw new Error('--database needs --mongodb-uri');
    return {
      requests: Math.round(readNumber('requests', values.requests, { fallback: 1_000_000, min: 1_000, max: 1e7 })),
      repetitions: Math.round(readNumber('repetitions', values.repetitions, { fallback: 20, min: 1, max: 1_000 })),
      mongoUri: values['mongodb-uri'],
      database: values.database,
      write: values.write === true,
    };
  } catch (error) {
    throw new BadCommandLine(error instanceof Error ? error.message : String(error));
  }
}

await runMeasurement(USAGE, async (words, context) => {
  const { write, ...options } = parse(words);
  const figures = await runPanel(options, context);
  const body = render(figures, options, aboutRun(context.root));
  console.log(`\n${body}`);
  if (write) {
    const section = { name: 'panel', heading: 'The back-office with many requests', body };
    writeSection(join(context.root, 'docs', 'benchmarks.md'), section, { title: 'Benchmarks' });
  }
  return failuresOf(figures).length === 0;
});
