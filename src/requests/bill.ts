import { costOf, readUsage } from '../billing/pricing.ts';
import type { RequestDocument, Usage, UsageSource } from '../models/request.ts';
import { minMicros } from '../money.ts';

/** What a request is charged, decided from what is known of its usage. Never above its hold, never negative. */

export type Bill = { costMicros: bigint; usage?: Usage; usageSource: UsageSource; review?: string };

export const NOTHING_CHARGED: Bill = { costMicros: 0n, usageSource: 'none' };

type Priced = Pick<RequestDocument, 'price' | 'holdMicros'>;

function charge(request: Priced, usage: Usage, usageSource: UsageSource, review?: string): Bill {
  const cost = costOf(usage, request.price);
  const reason = review ?? (cost > request.holdMicros ? 'cost_exceeds_hold' : undefined);
  return {
    costMicros: minMicros(cost, request.holdMicros),
    usage,
    usageSource,
    ...(reason === undefined ? {} : { review: reason }),
  };
}

/**
 * The provider's own figures when they are sound (explicit zeros included); else an estimate, marked as such. Figures
 * that are not sound also put the bill on review, so that a person looks at it.
 * @param estimate counted only when needed; it costs time.
 */
export async function billFor(
  request: Priced,
  reported: unknown,
  options: { reasoningOutsideCompletion?: boolean },
  estimate: () => Promise<Usage>,
): Promise<Bill> {
  if (reported === undefined) return charge(request, await estimate(), 'estimated');
  const reading = readUsage(reported, options);
  if (reading.ok) return charge(request, reading.usage, 'provider');
  return charge(request, await estimate(), 'estimated', reading.reason);
}
