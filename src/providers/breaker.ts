/** A breaker per route: after several failures in a row it stays open for a while, then lets one call probe. */

export type Breaker = {
  /** False while open; true once per `probeIntervalMs` to probe. */
  allows(routeId: string, nowMs: number): boolean;
  succeeded(routeId: string): void;
  failed(routeId: string, nowMs: number): void;
  /** Milliseconds until the route may be tried again; 0 when it may. */
  waitMs(routeId: string, nowMs: number): number;
  openRoutes(nowMs: number): string[];
};

const FAILURES_TO_OPEN = 5;
const OPEN_MS_FIRST = 2_000;
const OPEN_MS_MAX = 60_000;

type State = { failures: number; openUntilMs: number; openMs: number };

export function createBreaker(): Breaker {
  const states = new Map<string, State>();
  return {
    allows: (routeId, nowMs) => {
      const state = states.get(routeId);
      if (!state || state.failures < FAILURES_TO_OPEN) return true;
      if (nowMs < state.openUntilMs) return false;
      // Half open: this caller probes, the others wait for its result.
      state.openUntilMs = nowMs + state.openMs;
      return true;
    },
    succeeded: (routeId) => {
      states.delete(routeId);
    },
    failed: (routeId, nowMs) => {
      const state = states.get(routeId) ?? { failures: 0, openUntilMs: 0, openMs: OPEN_MS_FIRST / 2 };
      state.failures++;
      if (state.failures >= FAILURES_TO_OPEN) {
        state.openMs = Math.min(state.openMs * 2, OPEN_MS_MAX);
        state.openUntilMs = nowMs + state.openMs;
      }
      states.set(routeId, state);
    },
    waitMs: (routeId, nowMs) => {
      const state = states.get(routeId);
      return state && state.failures >= FAILURES_TO_OPEN ? Math.max(0, state.openUntilMs - nowMs) : 0;
    },
    openRoutes: (nowMs) =>
      [...states].filter(([, s]) => s.failures >= FAILURES_TO_OPEN && s.openUntilMs > nowMs).map(([id]) => id),
  };
}
