/**
 * `npm run chaos -- --requests 5000 --seed N [--rate 13] [--write]`: mixed traffic while processes, Redis and all lines
 * fail by a schedule that follows from the seed, then every invariant. `--write` keeps the report in docs/reliability.md.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { testRun } from './report-run.ts';
import { markdownTable, writeSection } from './report-section.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const NOT_COVERED =
  'Not covered: loss of acknowledged MongoDB writes, several machines, clock skew, TLS, a full disk. Engine: see tools/mongod.';
const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '5000' },
    seed: { type: 'string', default: '1' },
    rate: { type: 'string', default: '13' },
    write: { type: 'boolean', default: false },
  },
});

function rowsOf(report: Record<string, unknown>): string[][] {
  return Object.entries(report).map(([name, value]) => [
    name,
    typeof value === 'object' && value !== null
      ? Object.entries(value)
          .map(([key, count]) => `${key} ${String(count)}`)
          .join(', ')
      : String(value),
  ]);
}

const folder = mkdtempSync(join(tmpdir(), 'ocelotiq-chaos-report-'));
const file = join(folder, 'report.json');
try {
  const { ok, about } = await testRun(ROOT, ['test/flows/chaos.test.ts'], {
    CHAOS_REQUESTS: values.requests,
    CHAOS_SEED: values.seed,
    CHAOS_RATE: values.rate,
    CHAOS_REPORT: file,
  });
  if (values.write && ok) {
    const report = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
    const command = `npm run chaos -- --requests ${values.requests} --seed ${values.seed} --rate ${values.rate}`;
    const table = markdownTable(['what', 'figures'], rowsOf(report));
    writeSection(
      join(ROOT, 'docs', 'reliability.md'),
      { name: 'chaos', heading: 'Chaos', body: `${about}. \`${command}\`\n\n${table}\n\n${NOT_COVERED}` },
      { title: 'Reliability' },
    );
  }
  process.exitCode = ok ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
