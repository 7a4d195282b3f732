/** explain, as far as it tells whether an index is used. */

import { encode } from './bson.ts';
import { scan, stringOf } from './bson-scan.ts';
import type { Engine } from './engine.ts';
import { WireError } from './errors.ts';
import { LOOKUP, type Request, runStatement } from './storage.ts';

type Plan = { 'Index Name'?: string; Plans?: Plan[] };

const QUERY_FUNCTIONS = new Map([
  ['find', 'find'],
  ['aggregate', 'pipeline'],
  ['count', 'count'],
  ['distinct', 'distinct'],
]);

/** @param spec the command to explain. @throws WireError for commands other than queries. */
export async function explain(engine: Engine, request: Request, spec: Buffer): Promise<Buffer> {
  const fields = scan(spec);
  const [name = ''] = fields.keys();
  const kind = QUERY_FUNCTIONS.get(name);
  if (kind === undefined)
    throw new WireError(115, 'CommandNotSupported', `explain of ${name} is not supported by this engine`);
  const text = `EXPLAIN (FORMAT JSON, VERBOSE false) SELECT document FROM documentdb_api_catalog.bson_aggregation_${kind}($1, $2)`;
  const [answer] = await runStatement(engine.storage, LOOKUP, `explain-${kind}`, text, [request.database, spec]);
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
    ok: 1,
  });
}

function indexNames(plan: Plan | undefined): string[] {
  if (plan === undefined) return [];
  const own = plan['Index Name'];
  return [...(own === undefined ? [] : [own]), ...(plan.Plans ?? []).flatMap(indexNames)];
}
