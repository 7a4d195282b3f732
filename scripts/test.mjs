/**
 * `npm test`: sets a fresh clone up, then checks format and lint, types, builds, and runs the tests. With arguments
 * (`npm test -- test/auth`) only the tests named by them run, after the build. Ends with `N passed, N failed`.
 */
import { checkNode } from './setup/check-node.mjs';

checkNode();
const { fail, SetupError } = await import('./setup/failure.mjs');
const { createProgress, formatSeconds } = await import('./setup/progress.mjs');
const { ROOT, setUp } = await import('./setup.mjs');

const TESTS = 'tests (jest)';

async function buildFor(progress) {
  const startedMs = Date.now();
  try {
    await setUp(progress);
    return { name: 'build (tsc)', ok: true, ms: Date.now() - startedMs };
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    progress.line(error.message);
    return { name: 'build (tsc)', ok: false, ms: Date.now() - startedMs };
  }
}

function summarize(progress, results, counts, ms) {
  progress.line('\nSummary');
  for (const { name, ok, ms: stepMs } of results) {
    progress.line(`  ${ok ? 'ok    ' : 'FAILED'}  ${name}, ${formatSeconds(stepMs)}`);
  }
  if (counts.passed + counts.failed === 0) progress.line('  No test ran.');
  progress.line(`  ${formatSeconds(ms)} in all`);
  // A failed check fails the run, so it counts, although it is no test.
  const failedChecks = results.filter(({ name, ok }) => !ok && name !== TESTS).length;
  const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : '';
  progress.line(`\n${counts.passed} passed, ${counts.failed + failedChecks} failed${skipped}`);
}

async function main(args) {
  const progress = createProgress();
  const startedMs = Date.now();
  await setUp(progress, 'packages');
  const { runChecks, runJest } = await import('./setup/test-steps.mjs');
  const results = args.length === 0 ? await runChecks(ROOT, progress) : [];
  const build = await buildFor(progress);
  results.push(build);
  let counts = { passed: 0, failed: 0, skipped: 0 };
  if (build.ok) {
    const { chromiumEnvironment } = await import('./setup/chromium.mjs');
    const environment = await chromiumEnvironment(ROOT, progress);
    progress.line('Running the tests');
    const testsStartedMs = Date.now();
    const { ok, ...found } = await runJest(ROOT, args, environment);
    results.push({ name: TESTS, ok, ms: Date.now() - testsStartedMs });
    counts = found;
  }
  summarize(progress, results, counts, Date.now() - startedMs);
  process.exitCode = build.ok && results.every(({ ok }) => ok) ? 0 : 1;
}

await main(process.argv.slice(2)).catch(fail);
