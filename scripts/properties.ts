/** `npm run properties`: every property of the product, tried often. Options: `npm run properties -- --help`. */
import { randomInt } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { readCommandLine, readWhole } from './command-line.ts';
import { testRun } from './report-run.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** Their properties run on engines or processes: a few tries each are what they can bear. */
const ON_ENGINES = [
  'test/simulation',
  'test/stream/subscribe',
  'test/auth/authenticate',
  'test/properties/reconciliation',
];

const RUNS_MAX = 10_000_000;
const SEED_MAX = 2 ** 31 - 1;
/** Of one property with all its tries. */
const TEST_MS_MAX = 1_200_000;

const USAGE = `Usage: npm run properties -- [options]

A failure prints the smallest counterexample. Takes about twenty minutes.

  --runs <number>   how often each property is tried (default 10000)
  --seed <number>   the same seed tries the same (default: one that is told at the start and at the end)`;

const { runs, seed } = readCommandLine(USAGE, (args) => {
  const { values } = parseArgs({ args, options: { runs: { type: 'string' }, seed: { type: 'string' } } });
  return {
    runs: readWhole('runs', values.runs, { fallback: 10_000, min: 1, max: RUNS_MAX }),
    seed: readWhole('seed', values.seed, { fallback: randomInt(SEED_MAX), min: 0, max: SEED_MAX }),
  };
});

const files = readdirSync(join(ROOT, 'test'), { recursive: true, encoding: 'utf8' })
  .map((name) => `test/${name.replaceAll('\\', '/')}`)
  .filter((name) => name.endsWith('.test.ts') && !ON_ENGINES.some((folder) => name.startsWith(folder)))
  .filter((name) => readFileSync(join(ROOT, name), 'utf8').includes('fast-check'));

const told = `properties: ${files.length} files, ${runs} runs each, seed ${seed}`;
process.stdout.write(`${told}\n`);

const startedMs = Date.now();
const more = ['--setupFilesAfterEnv', './test/helpers/every-property.ts', '--testTimeout', String(TEST_MS_MAX)];
const { ok } = await testRun(ROOT, [...files, ...more], { PROPERTY_RUNS: String(runs), PROPERTY_SEED: String(seed) });
const seconds = Math.round((Date.now() - startedMs) / 1_000);
process.stdout.write(`${told}: ${ok ? 'all hold' : 'FAILED'}, ${seconds} s\n`);
process.exitCode = ok ? 0 : 1;
