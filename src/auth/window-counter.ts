import { createRecentMap } from './recent-map.ts';

/**
 * Counts events per name in fixed windows, in this process only: synchronous, without timers, and bounded, so that it
 * may face hostile input.
 */
export type WindowCounter = {
  /** Counts one more, or `amount`, and says how many this window has seen and when it ends. */
  add(name: string, atMs: number, amount?: number): Window;
  /** The open window, if there is one. */
  get(name: string, atMs: number): Window | undefined;
  /** Sets a count that was learned elsewhere. */
  set(name: string, window: Window): void;
  size(): number;
};

export type Window = { count: number; endsAtMs: number };

/** @param options.namesMax beyond it, names that were not seen lately are forgotten. */
export function createWindowCounter(options: { windowMs: number; namesMax: number }): WindowCounter {
  const { windowMs, namesMax } = options;
  const windows = createRecentMap<string, Window>(namesMax);

  function get(name: string, atMs: number): Window | undefined {
    const window = windows.get(name);
    return window && window.endsAtMs > atMs ? window : undefined;
  }

  return {
    add: (name, atMs, amount = 1) => {
      const open = get(name, atMs);
      const window = open ?? { count: 0, endsAtMs: atMs + windowMs };
      window.count += amount;
      if (!open) windows.set(name, window);
      return window;
    },
    get,
    set: (name, window) => windows.set(name, window),
    size: () => windows.size(),
  };
}
