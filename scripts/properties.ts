/**
 * `npm run properties [-- --runs 10000] [--seed N]`: every property of the product's pure functions, tried so often. A failure
 * prints its seed and the smallest counterexample.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { testRun } from './report-run.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** Their properties run on engines or processes: a few tries each are what they can bear. */
const ON_ENGINES = ['test/simulation', 'test/stream/subscribe', 'test/auth/authenticate'];

const { values } = parseArgs({
  options: { runs: { type: 'string', default: '10000' }, seed: { type: 'string' } },
});

const files = readdirSync(join(ROOT, 'test'), { recursive: true, encoding: 'utf8' })
  .map((name) => `test/${name.replaceAll('\\', '/')}`)
  .filter((name) => name.endsWith('.test.ts') && !ON_ENGINES.some((folder) => name.startsWith(folder)))
  .filter((name) => readFileSync(join(ROOT, name), 'utf8').includes('fast-check'));

const { ok } = await testRun(ROOT, [...files, '--setupFilesAfterEnv', './test/helpers/every-property.ts'], {
  PROPERTY_RUNS: values.runs,
  ...(values.seed === undefined ? {} : { PROPERTY_SEED: values.seed }),
});
process.exitCode = ok ? 0 : 1;
