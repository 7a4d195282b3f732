/**
 * `npm run bench`: measures the built product against its own upstream, both on this machine, and prints tables. Options:
 * `npm run bench -- --help`. Everything it starts is ended and everything it wrote is removed at the end, also on Ctrl-C.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BadOption, type Options, parseOptions, USAGE } from './bench/options.ts';
import { renderReport } from './bench/report.ts';
import { runBench } from './bench/run.ts';
import { writeSection } from './report-section.ts';
import { SetupError } from './setup/failure.mjs';
import { createProgress } from './setup/progress.mjs';
import { setUp } from './setup.mjs';

const SECTION = { name: 'bench', heading: 'Results' };
const TITLE = { title: 'Benchmarks' };
const ROOT = fileURLToPath(new URL('..', import.meta.url)).replace(/[\\/]$/, '');

async function main(options: Options, signal: AbortSignal): Promise<void> {
  const progress = createProgress();
  await setUp(progress);
  const dataDir = mkdtempSync(join(tmpdir(), 'ocelotiq-bench-'));
  const stops: (() => Promise<void>)[] = [() => Promise.resolve(rmSync(dataDir, { recursive: true, force: true }))];
  try {
    if (options.profileDir !== undefined) mkdirSync(options.profileDir, { recursive: true });
    const results = await runBench(options, {
      root: ROOT,
      dataDir,
      signal,
      note: (line) => progress.line(line),
      defer: (stop) => void stops.push(stop),
    });
    const report = renderReport(results);
    console.log(`\n${report}`);
    if (options.write) writeSection(join(ROOT, 'docs', 'benchmarks.md'), { ...SECTION, body: report }, TITLE);
    if (options.jsonFile !== undefined) {
      const kept = { ...results, sustained: Object.fromEntries(results.sustained) };
      writeFileSync(resolve(options.jsonFile), JSON.stringify(kept, null, 1));
    }
  } finally {
    for (const stop of stops.reverse())
      await stop().catch((error: unknown) => progress.line(`not stopped cleanly: ${String(error)}`));
  }
}

const stopping = new AbortController();
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => stopping.abort());

try {
  const words = process.argv.slice(2);
  if (words.includes('--help')) console.log(USAGE);
  else await main(parseOptions(words), stopping.signal);
} catch (error) {
  process.exitCode = 1;
  if (error instanceof BadOption) console.error(`${error.message}\n\n${USAGE}`);
  else if (error instanceof SetupError) console.error(error.message);
  else console.error(stopping.signal.aborted ? 'stopped' : error);
}
