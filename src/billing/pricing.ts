import type { PriceRates } from '../models/ai-model.ts';
import type { Usage } from '../models/request.ts';
import { maxMicros, minMicros, roundUpToMicros, tokenCost } from '../money.ts';

/** Pure arithmetic of prices. Products are exact; the sum of a request is rounded up once. */

/** Largest token count a bill may rest on; more than any model can produce means a broken report. */
const TOKENS_MAX = 100_000_000;

/**
 * What a request costs for its usage, in micro-rubles. Cached and cache-write tokens are part of the prompt, reasoning
 * tokens of the completion; parts larger than their whole count as the whole, so no class can be negative.
 */
export function costOf(usage: Usage, price: PriceRates): bigint {
  const cached = Math.min(usage.cachedTokens, usage.promptTokens);
  const cacheWrite = Math.min(usage.cacheWriteTokens, usage.promptTokens - cached);
  const reasoning = Math.min(usage.reasoningTokens, usage.completionTokens);
  const scaled =
    tokenCost(usage.promptTokens - cached - cacheWrite, price.inputMicrosPerMillion) +
    tokenCost(cached, price.cachedInputMicrosPerMillion) +
    tokenCost(cacheWrite, price.cacheWriteMicrosPerMillion) +
    tokenCost(usage.completionTokens - reasoning, price.outputMicrosPerMillion) +
    tokenCost(reasoning, price.reasoningMicrosPerMillion);
  return roundUpToMicros(scaled) + price.requestMicros;
}

/** An upper bound of the cost of any usage within the two token bounds: every token at its dearest class. */
export function holdFor(bounds: { inputTokens: number; outputTokens: number }, price: PriceRates): bigint {
  const input = dearest([
    price.inputMicrosPerMillion,
    price.cachedInputMicrosPerMillion,
    price.cacheWriteMicrosPerMillion,
  ]);
  const output = dearest([price.outputMicrosPerMillion, price.reasoningMicrosPerMillion]);
  return (
    roundUpToMicros(tokenCost(bounds.inputTokens, input) + tokenCost(bounds.outputTokens, output)) + price.requestMicros
  );
}

/** The most output tokens that fit into `budgetMicros` beside the input bound; 0 when not even the input fits. */
export function outputTokensWithin(budgetMicros: bigint, inputTokens: number, price: PriceRates): number {
  const output = dearest([price.outputMicrosPerMillion, price.reasoningMicrosPerMillion]);
  const rest = budgetMicros - holdFor({ inputTokens, outputTokens: 0 }, price);
  if (rest <= 0n) return 0;
  if (output === 0n) return TOKENS_MAX;
  return Number(minMicros((rest * 1_000_000n) / output, BigInt(TOKENS_MAX)));
}

function dearest(rates: bigint[]): bigint {
  return rates.reduce(maxMicros, 0n);
}

export type UsageReading = { ok: true; usage: Usage } | { ok: false; reason: string };

/**
 * Reads a provider's `usage` object. Explicit zeros count as zeros; missing details are zero. Negative (also -0),
 * fractional, textual or absurd numbers are refused: such a bill goes to review instead of to the customer.
 */
export function readUsage(raw: unknown, options: { reasoningOutsideCompletion?: boolean } = {}): UsageReading {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw))
    return { ok: false, reason: 'usage_not_an_object' };
  const usage = raw as Record<string, unknown>;
  const promptDetails = detailsOf(usage.prompt_tokens_details);
  const completionDetails = detailsOf(usage.completion_tokens_details);
  const readings = {
    promptTokens: count(usage.prompt_tokens),
    completionTokens: count(usage.completion_tokens),
    cachedTokens: count(promptDetails.cached_tokens ?? usage.prompt_cache_hit_tokens ?? 0),
    cacheWriteTokens: count(promptDetails.cache_write_tokens ?? 0),
    reasoningTokens: count(completionDetails.reasoning_tokens ?? 0),
  };
  for (const [name, value] of Object.entries(readings)) {
    if (value === undefined) return { ok: false, reason: `usage_${name}_unusable` };
  }
  const sound = readings as Usage;
  if (sound.cachedTokens + sound.cacheWriteTokens > sound.promptTokens)
    return { ok: false, reason: 'usage_cached_exceeds_prompt' };
  if (options.reasoningOutsideCompletion) sound.completionTokens += sound.reasoningTokens;
  if (sound.reasoningTokens > sound.completionTokens)
    return { ok: false, reason: 'usage_reasoning_exceeds_completion' };
  return { ok: true, usage: sound };
}

function detailsOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function count(value: unknown): number | undefined {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || Object.is(value, -0)) return undefined;
  return value >= 0 && value <= TOKENS_MAX ? value : undefined;
}
