import { createHash } from 'node:crypto';
import type { ResolvedRoute } from './catalogue.ts';

/** Which route of a model a request takes first. Pure, and the same for the same request in every process. */

const DIGITS = 2 ** 48;

/** A number from 0 up to `below`, spread evenly over request ids. */
function numberOf(requestId: string, below: number): number {
  const hash = createHash('sha256').update(requestId).digest();
  return Math.floor((hash.readUIntBE(0, 6) / DIGITS) * below);
}

/**
 * The routes in the order in which a request tries them. Routes with a weight share the first calls by it; the others, and
 * what is left after the first, follow in their places. Without any weight the places alone decide.
 */
export function orderFor(requestId: string, routes: readonly ResolvedRoute[]): readonly ResolvedRoute[] {
  const total = routes.reduce((sum, { weight }) => sum + weight, 0);
  if (total === 0 || routes.length < 2) return routes;
  let left = numberOf(requestId, total);
  const first = routes.find(({ weight }) => {
    left -= weight;
    return left < 0;
  });
  return first ? [first, ...routes.filter((route) => route !== first)] : routes;
}
