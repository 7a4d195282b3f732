/** `npm run chaos`: mixed traffic while things fail, then every invariant. Options: `npm run chaos -- --help`. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { readCommandLine, readWhole } from './command-line.ts';
import { testRun } from './report-run.ts';
import { markdownTable, writeSection } from './report-section.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const NOT_COVERED =
  'Not covered: loss of acknowledged MongoDB writes, several machines, clock skew, TLS, a full disk. Engine: see tools/mongod.';
const USAGE = `Usage: npm run chaos -- [options]

Mixed traffic while processes, Redis and all lines fail by a schedule that follows from the seed, then every invariant.

  --requests <number>   (default 5000)
  --seed <number>       the same seed has the same failures (default 1)
  --rate <number>       requests per second (default 13)
  --write               keep the report in docs/reliability.md`;

const { requests, seed, rate, write } = readCommandLine(USAGE, (args) => {
  const text = { type: 'string' } as const;
  const options = { requests: text, seed: text, rate: text, write: { type: 'boolean', default: false } } as const;
  const { values } = parseArgs({ args, options });
  return {
    requests: readWhole('requests', values.requests, { fallback: 5_000, min: 1, max: 1_000_000 }),
    seed: readWhole('seed', values.seed, { fallback: 1, min: 0, max: 2 ** 31 - 1 }),
    rate: readWhole('rate', values.rate, { fallback: 13, min: 1, max: 1_000 }),
    write: values.write,
  };
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
    CHAOS_REQUESTS: String(requests),
    CHAOS_SEED: String(seed),
    CHAOS_RATE: String(rate),
    CHAOS_REPORT: file,
  });
  if (write && ok) {
    const report = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
    const command = `npm run chaos -- --requests ${requests} --seed ${seed} --rate ${rate}`;
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
