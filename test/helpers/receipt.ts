import type OpenAI from 'openai';
import { parseRub } from '../../src/money.ts';

/** A request and its receipt as the API shows them, and the arithmetic a customer can do with it. */

type Receipt = {
  held: string;
  charged: string | null;
  released: string | null;
  settled: boolean;
  usage_source: string | null;
  under_review: boolean;
  rub_per_million_tokens: Record<'input' | 'cached_input' | 'cache_write' | 'output' | 'reasoning', string>;
  rub_per_request: string;
};
type Usage = {
  prompt_tokens: number;
  completion_tokens: number;
  prompt_tokens_details: { cached_tokens: number; cache_write_tokens: number };
  completion_tokens_details: { reasoning_tokens: number };
};
export type Shown = {
  id: string;
  object: string;
  status: string;
  url?: string;
  error: { code: string; message: string } | null;
  cost: { amount: string } | null;
  usage: Usage | null;
  receipt: Receipt;
  response?: OpenAI.ChatCompletion;
};
export type Balance = { available: string; held: string; running_requests: number };

/** Exact micro-rubles of an amount in an answer. Throws for anything else. */
export function micros(rub: string | null | undefined): bigint {
  const parsed = parseRub(rub ?? '');
  if (parsed === undefined) throw new Error(`${rub} is no amount`);
  return parsed;
}

/** The bill from what the receipt itself says: every price times its tokens, rounded up once. */
export function recomputed({ usage, receipt }: Shown): bigint {
  if (!usage) throw new Error('no usage');
  const { cached_tokens: cached, cache_write_tokens: write } = usage.prompt_tokens_details;
  const { reasoning_tokens: reasoning } = usage.completion_tokens_details;
  const price = receipt.rub_per_million_tokens;
  const scaled =
    BigInt(usage.prompt_tokens - cached - write) * micros(price.input) +
    BigInt(cached) * micros(price.cached_input) +
    BigInt(write) * micros(price.cache_write) +
    BigInt(usage.completion_tokens - reasoning) * micros(price.output) +
    BigInt(reasoning) * micros(price.reasoning);
  return (scaled + 999_999n) / 1_000_000n + micros(receipt.rub_per_request);
}
