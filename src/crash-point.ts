/**
 * Places where a test may have the process killed, one between any two steps that must survive it. Inert unless
 * `armCrashPoint` was called, which the configuration allows in evaluation mode only.
 */
export const CRASH_POINTS = [
  'accept.before_insert',
  'accept.after_insert',
  'accept.before_abort',
  'accept.after_hold',
  'accept.after_enqueue',
  'cancel.before_settle',
  'cancel.after_ask',
  'run.after_claim',
  'run.mid_stream',
  'run.before_finish',
  'run.after_finish',
  'run.after_tell',
  'run.after_settle',
  'settle.before_mark',
  'flush.before_insert',
  'flush.after_insert',
  'flush.after_pull',
  'sweep.before_requeue',
  'sweep.after_end',
  'sweep.before_settle',
  'sweep.before_release',
  'webhook.after_create',
  'webhook.before_send',
  'webhook.after_send',
  'webhook.after_mark',
  'adjust.after_entry',
  'adjust.after_acknowledge',
] as const;

export type CrashPoint = (typeof CRASH_POINTS)[number];

let armed: { point: CrashPoint; passagesLeft: number } | undefined;

/** From now on the process kills itself (SIGKILL, nothing is flushed or closed) at the n-th passage of `point`. */
export function armCrashPoint(point: CrashPoint, passage: number): void {
  armed = { point, passagesLeft: passage };
}

/** Marks a place. Costs one comparison. */
export function crashPoint(point: CrashPoint): void {
  if (armed?.point === point && --armed.passagesLeft === 0) process.kill(process.pid, 'SIGKILL');
}
