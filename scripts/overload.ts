/**
 * `npm run overload`: offers the built product more than it can do, and checks that it refuses early instead of becoming
 * slow. Options: `npm run overload -- --help`. Ends with code 1 when an expectation does not hold.
 */
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { judge } from './overload/expectations.ts';
import { parseOptions, USAGE } from './overload/options.ts';
import { renderReport } from './overload/report.ts';
import { runOverload } from './overload/run.ts';
import { writeSection } from './report-section.ts';
import { runMeasurement } from './run-measurement.ts';

await runMeasurement(USAGE, async (words, context) => {
  const options = parseOptions(words);
  const run = await runOverload(options, context);
  const expectations = judge(run);
  const report = renderReport(run, expectations, options);
  console.log(`\n${report}`);
  if (options.write) {
    const section = { name: 'overload', heading: 'Overload', body: report };
    writeSection(join(context.root, 'docs', 'reliability.md'), section, { title: 'Reliability' });
  }
  if (options.jsonFile !== undefined)
    writeFileSync(resolve(options.jsonFile), JSON.stringify({ run, expectations }, null, 1));
  return expectations.every(({ holds }) => holds);
});
