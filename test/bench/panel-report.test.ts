import { expect, it } from '@jest/globals';
import { summarize } from '../../scripts/bench/statistics.ts';
import { failuresOf, render } from '../../scripts/bench-panel/report.ts';

/** Which pages of the back-office miss their goal. */

const plan = { query: 'page', index: '_id_', examined: 20 } as const;
const page = (
  name: string,
  ms: number,
  plans = [plan] as { query: 'page'; index: string | undefined; examined: number }[],
) => ({
  name,
  path: '/',
  goalMs: 200,
  ms: summarize([ms]),
  plans,
});
const figures = (pages: ReturnType<typeof page>[]) => ({ engine: 'MongoDB', requests: 10, pages, load: 1 });

it('a page fails when it is slow or reads without an index, and the report says so', () => {
  const pages = [page('quick', 199), page('slow', 200), page('blind', 1, [{ ...plan, index: undefined }])];
  const failures = failuresOf(figures(pages));
  expect(failures).toEqual(['slow: p95 of 200 ms, the goal is 200 ms', 'blind: page without an index']);
  const text = render(
    figures(pages),
    { requests: 10, repetitions: 1, mongoUri: undefined, database: undefined },
    'now',
  );
  for (const line of failures) expect(text).toContain(line);
  expect(
    render(
      figures([page('quick', 1)]),
      { requests: 10, repetitions: 1, mongoUri: undefined, database: undefined },
      'now',
    ),
  ).not.toContain('Missed');
});
