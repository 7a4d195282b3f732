/** `npm run crash-points`: kills a process at every crash point. Options: `npm run crash-points -- --help`. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { BadCommandLine, readCommandLine } from './command-line.ts';
import { testRun } from './report-run.ts';
import { markdownTable, writeSection } from './report-section.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const NOT_COVERED =
  'Not covered: ends within a step, of several processes at once, of the engines (`npm run chaos`); power that fails.';
const USAGE = `Usage: npm run crash-points -- [options]

Kills a process at every crash point, at each of the passages, with real processes and engines, and at every class of an
erasure; prints what came of it.

  --passages <list>   the first and the second time a point is passed (default 1,2)
  --write             keep the tables in docs/reliability.md`;

const { values } = readCommandLine(USAGE, (args) => {
  const passages = { type: 'string', default: '1,2' } as const;
  const parsed = parseArgs({ args, options: { passages, write: { type: 'boolean', default: false } } });
  if (!/^[1-9]\d?(,[1-9]\d?)*$/.test(parsed.values.passages))
    throw new BadCommandLine('--passages: whole numbers from 1 to 99 with commas between them are needed');
  return parsed;
});

const folder = mkdtempSync(join(tmpdir(), 'ocelotiq-crash-points-'));
const [report, erasures] = [join(folder, 'rows.json'), join(folder, 'erasures.json')];

type Row = Record<string, string | number>;

function tableOf(file: string): { rows: number; table: string } {
  const rows = JSON.parse(readFileSync(file, 'utf8')) as Row[];
  const names = Object.keys(rows[0] ?? {});
  const lines = rows.map((row) => names.map((name) => String(row[name])));
  return { rows: rows.length, table: markdownTable(names, lines) };
}

function write(name: string, heading: string, body: string): void {
  writeSection(join(ROOT, 'docs', 'reliability.md'), { name, heading, body }, { title: 'Reliability' });
}

try {
  const { ok, about } = await testRun(ROOT, ['test/flows/crash.test.ts', 'test/privacy/erasure-races.test.ts'], {
    CRASH_PASSAGES: values.passages,
    CRASH_REPORT: report,
    CRASH_REPORT_ERASURES: erasures,
  });
  if (values.write && ok) {
    const { rows, table } = tableOf(report);
    const ran = `${about}. \`npm run crash-points\`:`;
    const kills = `${rows} kills (each label, passages ${values.passages}), all invariants held after each.`;
    write('crash-points', 'Crash points', `${ran} ${kills}\n\n${table}\n\n${NOT_COVERED}`);
    const carriedOut =
      'each erasure was carried out once, with one act; nothing that it left opens, and its books are whole.';
    write(
      'erasure-crash-points',
      'Crash points of erasures',
      `${ran} ${carriedOut}\n\n${tableOf(erasures).table}\n\n${NOT_COVERED}`,
    );
  }
  process.exitCode = ok ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
