/** The checks and the test run behind `npm test`, one function each; all give what the summary needs. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from './run.mjs';

const JEST_MS = 20 * 60_000;

const CHECKS = [
  { name: 'format and lint (biome)', bin: '@biomejs/biome/bin/biome', args: ['check', '.'] },
  {
    name: 'lint with types (oxlint)',
    bin: 'oxlint/bin/oxlint',
    args: ['--type-aware', 'src', 'scripts', 'test', 'tools'],
  },
  { name: 'types (tsc)', bin: 'typescript/bin/tsc', args: ['--noEmit'] },
];

function binary(root, path) {
  return join(root, 'node_modules', ...path.split('/'));
}

/** Runs every check, also after one that failed: one look shows all that is to mend. */
export async function runChecks(root, progress) {
  const results = [];
  for (const { name, bin, args } of CHECKS) {
    const startedMs = Date.now();
    const { code, output } = await progress.step(`Checking ${name}`, () =>
      run(process.execPath, [binary(root, bin), ...args], { cwd: root, quiet: true }),
    );
    if (code !== 0) progress.line(output.trim());
    results.push({ name, ok: code === 0, ms: Date.now() - startedMs });
  }
  return results;
}

function readReport(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

/** Suites that did not even start count as one failure each, and so does a run that left no report. */
function countsOf(report) {
  if (!report) return { passed: 0, failed: 1, skipped: 0 };
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + report.numRuntimeErrorTestSuites,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

/** Runs jest with its output shown; the counts come from its own report. A run without a passed test is not ok. */
export async function runJest(root, args, environment) {
  const folder = mkdtempSync(join(tmpdir(), 'ocelotiq-test-'));
  const file = join(folder, 'report.json');
  const options = [process.env.NODE_OPTIONS, '--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];
  try {
    const { code } = await run(
      process.execPath,
      [binary(root, 'jest/bin/jest.js'), '--json', '--outputFile', file, ...args],
      {
        cwd: root,
        env: { ...process.env, ...environment, NODE_OPTIONS: options.filter(Boolean).join(' ') },
        timeoutMs: Number(process.env.TESTS_MS_MAX ?? JEST_MS),
      },
    );
    const counts = countsOf(readReport(file));
    return { ...counts, ok: code === 0 && counts.failed === 0 && counts.passed > 0 };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
