import type { RequestDocument } from '../models/request.ts';
import { formatRub } from '../money.ts';

/** A request as its owner sees it, field by field. Amounts are exact decimal rubles. */

const STATUSES = {
  accepted: 'queued',
  running: 'in_progress',
  done: 'completed',
  failed: 'failed',
  cancelled: 'cancelled',
  aborted: 'failed',
} as const;

const unix = (date: Date | undefined) => (date ? Math.floor(date.getTime() / 1_000) : null);

function presentUsage(request: RequestDocument) {
  const usage = request.usage;
  if (!usage) return null;
  return {
    prompt_tokens: usage.promptTokens,
    completion_tokens: usage.completionTokens,
    total_tokens: usage.promptTokens + usage.completionTokens,
    prompt_tokens_details: { cached_tokens: usage.cachedTokens, cache_write_tokens: usage.cacheWriteTokens },
    completion_tokens_details: { reasoning_tokens: usage.reasoningTokens },
    estimated: request.usageSource === 'estimated',
  };
}

/** What was held, charged and given back, under which price, so that an old bill can be computed again. */
function presentReceipt(request: RequestDocument) {
  const { price, holdMicros, costMicros } = request;
  return {
    currency: 'RUB',
    price_version: price.priceId,
    rub_per_million_tokens: {
      input: formatRub(price.inputMicrosPerMillion),
      cached_input: formatRub(price.cachedInputMicrosPerMillion),
      cache_write: formatRub(price.cacheWriteMicrosPerMillion),
      output: formatRub(price.outputMicrosPerMillion),
      reasoning: formatRub(price.reasoningMicrosPerMillion),
    },
    rub_per_request: formatRub(price.requestMicros),
    held: request.state === 'aborted' ? '0' : formatRub(holdMicros),
    charged: costMicros === undefined ? null : formatRub(costMicros),
    released: costMicros === undefined || request.state === 'aborted' ? null : formatRub(holdMicros - costMicros),
    settled: request.settled,
    usage_source: request.usageSource ?? null,
    under_review: request.review !== undefined,
  };
}

export function presentRequest(request: RequestDocument) {
  return {
    id: request._id,
    object: 'request',
    status: STATUSES[request.state],
    mode: request.mode,
    endpoint: `/v1/${request.endpoint.replace('.', '/')}`,
    model: request.model,
    created_at: unix(request.createdAt),
    started_at: unix(request.claimedAt),
    finished_at: unix(request.finishedAt),
    deadline_at: unix(request.deadlineAt),
    max_output_tokens: request.outputTokensMax,
    error: request.error ? { code: request.error.code, message: request.error.message } : null,
    usage: presentUsage(request),
    cost: request.costMicros === undefined ? null : { amount: formatRub(request.costMicros), currency: 'RUB' },
    receipt: presentReceipt(request),
    attempts: request.attempts.map((attempt) => ({
      provider: attempt.providerId,
      country: attempt.country ?? null,
      outcome: attempt.outcome,
      ms: attempt.ms,
    })),
    on_disconnect: request.onDisconnect,
    zero_retention: request.zeroRetention,
    content_available: request.result !== undefined,
  };
}
