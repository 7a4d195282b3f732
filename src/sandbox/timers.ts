/** One pending action. Only `createTimers` makes them. */
export type Timer = { readonly dueMs: number; readonly run: () => void; pending: boolean };

export type Timers = {
  /** Runs `run` once when `performance.now()` reaches `dueMs`; a time in the past means the next tick. */
  at(dueMs: number, run: () => void): Timer;
  /** Forgets a timer; harmless when it has run or was cancelled before. */
  cancel(timer: Timer): void;
  /** Forgets all timers. */
  clear(): void;
  /** How many timers wait. */
  pending(): number;
};

const slotCount = 4096;
const tickMs = 1;

/**
 * A hashed timer wheel: one interval of 1 ms drives every delayed action, so ten thousand paced streams cost one system
 * timer. Times are absolute, therefore a late tick does not shift the ticks after it. The interval runs only while
 * something waits.
 */
export function createTimers(): Timers {
  const slots: Timer[][] = Array.from({ length: slotCount }, () => []);
  let cursorMs = 0;
  let pending = 0;
  let cancelled = 0;
  let interval: NodeJS.Timeout | undefined;

  function at(dueMs: number, run: () => void): Timer {
    if (interval === undefined) {
      cursorMs = Math.floor(performance.now());
      interval = setInterval(tick, tickMs);
    }
    const timer: Timer = { dueMs, run, pending: true };
    const slotMs = Math.max(Math.ceil(dueMs), cursorMs + 1);
    slots[slotMs % slotCount]?.push(timer);
    pending += 1;
    return timer;
  }

  function tick(): void {
    const nowMs = performance.now();
    const lastMs = Math.floor(nowMs);
    // After a long pause one full turn visits every slot; more turns would find nothing new.
    cursorMs = Math.max(cursorMs, lastMs - slotCount);
    while (cursorMs < lastMs) {
      cursorMs += 1;
      runSlot(cursorMs % slotCount, nowMs);
    }
    stopWhenIdle();
  }

  function runSlot(index: number, nowMs: number): void {
    const due = slots[index];
    if (due === undefined || due.length === 0) return;
    const later: Timer[] = [];
    slots[index] = later;
    for (const timer of due) {
      if (!timer.pending) {
        cancelled -= 1;
      } else if (timer.dueMs > nowMs) {
        later.push(timer);
      } else {
        timer.pending = false;
        pending -= 1;
        timer.run();
      }
    }
  }

  function stopWhenIdle(): void {
    if (pending > 0) return;
    clearInterval(interval);
    interval = undefined;
    if (cancelled === 0) return;
    for (const slot of slots) slot.length = 0;
    cancelled = 0;
  }

  function cancel(timer: Timer): void {
    if (!timer.pending) return;
    timer.pending = false;
    pending -= 1;
    cancelled += 1;
  }

  function clear(): void {
    for (const slot of slots) {
      for (const timer of slot) timer.pending = false;
      slot.length = 0;
    }
    pending = 0;
    cancelled = 0;
    stopWhenIdle();
  }

  return { at, cancel, clear, pending: () => pending };
}
