/**
 * `npm run soak`: watches for a long time what the built product holds under load. Options: `npm run soak -- --help`. Ends
 * with code 1 when something grows.
 */
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { writeSection } from './report-section.ts';
import { runMeasurement } from './run-measurement.ts';
import { judge } from './soak/criteria.ts';
import { parseOptions, USAGE } from './soak/options.ts';
import { renderReport } from './soak/report.ts';
import { runSoak } from './soak/run.ts';

await runMeasurement(USAGE, async (words, context) => {
  const options = parseOptions(words);
  const run = await runSoak(options, context);
  const criteria = judge(run);
  const report = renderReport(run, criteria, options);
  console.log(`\n${report}`);
  if (options.write) {
    const section = { name: 'soak', heading: 'Soak', body: report };
    writeSection(join(context.root, 'docs', 'reliability.md'), section, { title: 'Reliability' });
  }
  if (options.jsonFile !== undefined)
    writeFileSync(resolve(options.jsonFile), JSON.stringify({ run, criteria }, null, 1));
  return criteria.every(({ verdict }) => verdict !== 'fails');
});
