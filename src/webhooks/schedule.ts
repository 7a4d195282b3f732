import type { SendOutcome } from './send.ts';

/** When to try again. Pure: the attempt's result and number in, the next step out. */

/** What can end an attempt before anything is sent. */
export type PreparationFailure =
  /** The URL or a secret cannot be decrypted. */
  'unreadable' | 'no_secret' | 'event_failed';

export type AttemptResult = {
  outcome: SendOutcome | PreparationFailure;
  status?: number;
  retryAfterMs?: number;
  ms: number;
};

export type NextStep =
  | { action: 'delivered' }
  /** The receiver said it is gone for good (410): no more attempts, and its address is not used again. */
  | { action: 'disable' }
  /** The schedule is over, or no repeat can help. */
  | { action: 'fail' }
  | { action: 'retry'; delayMs: number }
  /** Nothing was sent (the host had no room, or we are stopping): the attempt does not count. */
  | { action: 'put_back'; delayMs: number };

const JITTER = 0.1;
const PUT_BACK_MS_MIN = 1_000;

/** ±10 %, so that events of one outage do not all come back in the same second. `random` is in [0, 1). */
function withJitter(delayMs: number, random: number): number {
  return Math.round(delayMs * (1 - JITTER + 2 * JITTER * random));
}

/**
 * What follows attempt number `attempt` (1 is the immediate one). A failed attempt n waits `retryDelaysMs[n - 1]`, so
 * there are `retryDelaysMs.length + 1` attempts in all. A receiver that says it is overloaded (429, 502, 503, 504) gets
 * the step after that one. `Retry-After` can lengthen a delay, never shorten it.
 */
export function nextStep(options: {
  result: Pick<AttemptResult, 'outcome' | 'retryAfterMs'>;
  attempt: number;
  retryDelaysMs: readonly number[];
  random: number;
}): NextStep {
  const { result, attempt, retryDelaysMs, random } = options;
  const { outcome, retryAfterMs = 0 } = result;
  if (outcome === 'delivered') return { action: 'delivered' };
  if (outcome === 'gone') return { action: 'disable' };
  if (outcome === 'closed') return { action: 'put_back', delayMs: 0 };
  if (outcome === 'busy')
    return { action: 'put_back', delayMs: withJitter(Math.max(retryAfterMs, PUT_BACK_MS_MIN), random) };
  const last = retryDelaysMs.length - 1;
  const step = attempt - 1;
  if (outcome === 'blocked_url' || step > last) return { action: 'fail' };
  const delayMs = retryDelaysMs[outcome === 'throttled' ? Math.min(step + 1, last) : step] ?? 0;
  return { action: 'retry', delayMs: Math.max(withJitter(delayMs, random), retryAfterMs) };
}
