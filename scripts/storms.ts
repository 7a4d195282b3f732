/**
 * `npm run storms`: the storms of test/flows/storms.test.ts at their full size. 200 payments told 100 times each, the jobs of
 * 1 000 finished requests queued 100 times, holds and settlements by ten processes at once.
 */
import { fileURLToPath } from 'node:url';
import { testRun } from './report-run.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

const { ok, about } = await testRun(ROOT, ['test/flows/storms', '--verbose'], { STORMS: 'full' });
process.stdout.write(`${about}: ${ok ? 'every storm was weathered' : 'FAILED'}\n`);
process.exitCode = ok ? 0 : 1;
