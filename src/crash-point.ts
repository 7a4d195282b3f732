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
  'erase.after_begin',
  'erase.after_journal',
  'erase.after_announce',
  'erase.before_confirm',
  'erase.before_checkpoint',
  'erase.after_checkpoint',
  'erase.before_verify',
  'erase.after_number',
  'erase.before_end',
] as const;

export type CrashPoint = (typeof CRASH_POINTS)[number];

let armed: { point: CrashPoint; passagesLeft: number; die: () => void } | undefined;

const kill = () => process.kill(process.pid, 'SIGKILL');

/**
 * From now on the process kills itself (SIGKILL, nothing is flushed or closed) at the n-th passage of `point`.
 * @param die what it does instead: a test inside of one process throws.
 */
export function armCrashPoint(point: CrashPoint, passage: number, die: () => void = kill): void {
  armed = { point, passagesLeft: passage, die };
}

/** Marks a place. Costs one comparison. */
export function crashPoint(point: CrashPoint): void {
  if (armed?.point === point && --armed.passagesLeft === 0) armed.die();
}
