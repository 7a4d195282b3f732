/**
 * What a handler decided, as a value. Throwing means "try again as the catalogue says".
 * - `done`: finished, also when there was nothing to do.
 * - `cancel`: never try again; `reason` is a short code for the log.
 * - `snooze`: the same job again after `delayMs`, without spending an attempt.
 */
export type Outcome = { kind: 'done' } | { kind: 'cancel'; reason: string } | { kind: 'snooze'; delayMs: number };

export const done: Outcome = { kind: 'done' };

export function cancel(reason: string): Outcome {
  return { kind: 'cancel', reason };
}

export function snooze(delayMs: number): Outcome {
  return { kind: 'snooze', delayMs };
}
