import { setImmediate as nextTurn } from 'node:timers/promises';

/** Work that nobody waits for holds a turn of the event loop no longer than this: chunks of streams wait behind it. */
const TURN_MS = 1;

/**
 * For a loop over many rows: to be called after each of them.
 * @returns a function that gives a promise to wait for when the loop has held its turn long enough, `undefined` otherwise.
 */
export function takeTurns(): () => Promise<void> | undefined {
  let beganAtMs = performance.now();
  return () => {
    if (performance.now() - beganAtMs < TURN_MS) return undefined;
    return nextTurn().then(() => {
      beganAtMs = performance.now();
    });
  };
}
