import { holdFor, outputTokensWithin } from '../billing/pricing.ts';
import { AppError } from '../errors.ts';
import { formatRub, minMicros } from '../money.ts';
import type { CatalogueModel } from './catalogue.ts';
import { type ChatShape, inputTokensBound, outputTokensLimit } from './estimate.ts';

/** The money side of a request before it is accepted: bounds, hold, and the client's own guards. Pure. */
export type Plan = { inputTokensBound: number; outputTokensMax: number; choices: number; holdMicros: bigint };

export type Guards = {
  /** Refuse when the hold would be above this. */
  maxCostMicros?: bigint | undefined;
  /** Lower the output limit to what this balance affords instead of refusing. */
  fitToMicros?: bigint | undefined;
};

/**
 * @throws context_length_exceeded when the input alone is certainly beyond the model, max_cost_exceeded when the hold is
 *   above the client's guard and may not be fitted.
 */
export function planChat(body: ChatShape, { model, price }: CatalogueModel, guards: Guards): Plan {
  const choices = body.n ?? 1;
  const input = inputTokensBound(body, model);
  let output = outputTokensLimit(body, model);
  const hold = () => holdFor({ inputTokens: input, outputTokens: output * choices }, price);
  if (guards.fitToMicros !== undefined) {
    const budget =
      guards.maxCostMicros === undefined ? guards.fitToMicros : minMicros(guards.fitToMicros, guards.maxCostMicros);
    const affordable = Math.floor(outputTokensWithin(budget, input, price) / choices);
    // With nothing to fit, the plain hold makes the refusal tell what is needed.
    if (affordable >= 1) output = Math.min(output, affordable);
  }
  const holdMicros = hold();
  if (guards.maxCostMicros !== undefined && holdMicros > guards.maxCostMicros) {
    throw new AppError('max_cost_exceeded', {
      details: { currency: 'RUB', max_cost: formatRub(guards.maxCostMicros), needed: formatRub(holdMicros) },
    });
  }
  return { inputTokensBound: input, outputTokensMax: output, choices, holdMicros };
}
