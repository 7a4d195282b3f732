/** explain, as far as it tells whether an index is used, and how many documents were read. */

import { encode } from './bson.ts';
import { scan, stringOf } from './bson-scan.ts';
import type { Engine } from './engine.ts';
import { WireError } from './errors.ts';
import { LOOKUP, type Request, runStatement } from './storage.ts';

type Plan = {
  'Index Name'?: string;
  'Relation Name'?: string;
  'Actual Rows'?: number;
  'Actual Loops'?: number;
  'Rows Removed by Filter'?: number;
  'Rows Removed by Index Recheck'?: number;
  Plans?: Plan[];
};

const QUERY_FUNCTIONS = new Map([
  ['find', 'find'],
  ['aggregate', 'pipeline'],
  ['count', 'count'],
  ['distinct', 'distinct'],
]);

/**
 * @param spec the command to explain.
 * @param isRun whether the command is carried out, and the documents that it reads are counted.
 * @throws WireError for commands other than queries.
 */
export async function explain(engine: Engine, request: Request, spec: Buffer, isRun = false): Promise<Buffer> {
  const fields = scan(spec);
  const [name = ''] = fields.keys();
  const kind = QUERY_FUNCTIONS.get(name);
  if (kind === undefined)
    throw new WireError(115, 'CommandNotSupported', `explain of ${name} is not supported by this engine`);
  const text = `EXPLAIN (FORMAT JSON, ANALYZE ${isRun}, TIMING false) SELECT document FROM documentdb_api_catalog.bson_aggregation_${kind}($1, $2)`;
  const [answer] = await runStatement(engine.storage, LOOKUP, `explain-${kind}-${isRun}`, text, [
    request.database,
    spec,
  ]);
  const [top] = JSON.parse(answer ?? '[]') as { Plan: Plan }[];
  const used = indexNames(top?.Plan);
  const isIndexed = used.length > 0;
  const inputStage = isIndexed ? { inputStage: { stage: 'IXSCAN', indexName: used.join(',') } } : {};
  return encode({
    explainVersion: '1',
    queryPlanner: {
      namespace: `${request.database}.${stringOf(spec, fields.get(name))}`,
      winningPlan: { stage: isIndexed ? 'FETCH' : 'COLLSCAN', ...inputStage, postgres: top?.Plan },
      rejectedPlans: [],
    },
    ...(isRun ? { executionStats: { executionSuccess: true, totalDocsExamined: rowsRead(top?.Plan) } } : {}),
    ok: 1,
  });
}

function indexNames(plan: Plan | undefined): string[] {
  if (plan === undefined) return [];
  const own = plan['Index Name'];
  return [...(own === undefined ? [] : [own]), ...(plan.Plans ?? []).flatMap(indexNames)];
}

/** Rows that came out of tables, whatever was kept of them. */
function rowsRead(plan: Plan | undefined): number {
  if (plan === undefined) return 0;
  const { 'Actual Rows': kept = 0, 'Actual Loops': loops = 1 } = plan;
  const removed = (plan['Rows Removed by Filter'] ?? 0) + (plan['Rows Removed by Index Recheck'] ?? 0);
  const own = plan['Relation Name'] === undefined ? 0 : (kept + removed) * loops;
  return (plan.Plans ?? []).reduce((sum, below) => sum + rowsRead(below), own);
}
