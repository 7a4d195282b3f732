/**
 * `npm run crash-points [-- --passages 1,2] [--write]`: kills a process at every crash point, at each of the passages, with
 * real processes and engines, and prints what came of it; `--write` also keeps the table in docs/reliability.md.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { testRun } from './report-run.ts';
import { markdownTable, writeSection } from './report-section.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const { values } = parseArgs({
  options: { passages: { type: 'string', default: '1,2' }, write: { type: 'boolean', default: false } },
});

const folder = mkdtempSync(join(tmpdir(), 'ocelotiq-crash-points-'));
const report = join(folder, 'rows.json');
try {
  const { ok, about } = await testRun(ROOT, ['test/flows/crash.test.ts'], {
    CRASH_PASSAGES: values.passages,
    CRASH_REPORT: report,
  });
  if (values.write && ok) {
    const rows = JSON.parse(readFileSync(report, 'utf8')) as Record<string, string | number>[];
    const names = Object.keys(rows[0] ?? {});
    const table = markdownTable(
      names,
      rows.map((row) => names.map((name) => String(row[name]))),
    );
    const body = `${about}. \`npm run crash-points\`: ${rows.length} kills (each label, passages ${values.passages}), all invariants held after each.\n\n${table}`;
    writeSection(
      join(ROOT, 'docs', 'reliability.md'),
      { name: 'crash-points', heading: 'Crash points', body },
      { title: 'Reliability' },
    );
  }
  process.exitCode = ok ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
