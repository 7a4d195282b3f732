/** `npm run storms`: the storms of test/flows/storms.test.ts at their full size. Options: `npm run storms -- --help`. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { readCommandLine } from './command-line.ts';
import { testRun } from './report-run.ts';
import { markdownTable, writeSection } from './report-section.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const NOT_COVERED =
  'Not covered: several machines; engines that fail meanwhile (`npm run chaos`); payments by a real bank.';
const USAGE = `Usage: npm run storms -- [options]

200 payments told 100 times each, the jobs of 1 000 finished requests queued 100 times, holds and settlements by ten
processes at once. Takes some minutes, on a slow machine up to an hour.

  --write   keep the table in docs/reliability.md`;

const { values } = readCommandLine(USAGE, (args) =>
  parseArgs({ args, options: { write: { type: 'boolean', default: false } } }),
);

const folder = mkdtempSync(join(tmpdir(), 'ocelotiq-storms-'));
const report = join(folder, 'storms.json');
try {
  const environment = { STORMS: 'full', STORMS_REPORT: report };
  const { ok, about } = await testRun(ROOT, ['test/flows/storms', '--verbose'], environment);
  process.stdout.write(`${about}: ${ok ? 'every storm was weathered' : 'FAILED'}\n`);
  if (values.write && ok) {
    const storms = JSON.parse(readFileSync(report, 'utf8')) as { name: string; seconds: number }[];
    const table = markdownTable(
      ['storm', 'seconds'],
      storms.map(({ name, seconds }) => [name, seconds.toFixed(1)]),
    );
    const body = `${about}. \`npm run storms\`: every storm was weathered.\n\n${table}\n\n${NOT_COVERED}`;
    writeSection(
      join(ROOT, 'docs', 'reliability.md'),
      { name: 'storms', heading: 'Storms', body },
      { title: 'Reliability' },
    );
  }
  process.exitCode = ok ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
