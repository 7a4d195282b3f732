/**
 * A breaker per route: after several failures in a row it stays open for a while, then lets one call probe. It also knows
 * how a route's last calls went, for people to look at.
 */

export type BreakerState = 'closed' | 'open' | 'half_open';

/** How a route stands in one process. */
export type RouteHealth = {
  routeId: string;
  state: BreakerState;
  /** When it came into this state; absent for one that was never anything but closed. */
  sinceMs?: number;
  /** Calls of the last minutes whose end says something about the route, and those of them that failed. */
  calls: number;
  failed: number;
};

export type Breaker = {
  /** False while open; true once per `probeIntervalMs` to probe. */
  allows(routeId: string, nowMs: number): boolean;
  succeeded(routeId: string, nowMs: number): void;
  failed(routeId: string, nowMs: number): void;
  /** Milliseconds until the route may be tried again; 0 when it may. */
  waitMs(routeId: string, nowMs: number): number;
  openRoutes(nowMs: number): string[];
  /** Every route that was called lately or is not closed. */
  health(nowMs: number): RouteHealth[];
};

const FAILURES_TO_OPEN = 5;
const OPEN_MS_FIRST = 2_000;
const OPEN_MS_MAX = 60_000;
const MINUTE_MS = 60_000;
/** So far back calls are counted. */
const HEALTH_MINUTES = 5;

type Minute = { minute: number; calls: number; failed: number };
type State = {
  failures: number;
  openUntilMs: number;
  openMs: number;
  isProbing: boolean;
  sinceMs?: number;
  minutes: Minute[];
};

function lately(minutes: readonly Minute[], nowMs: number): Minute[] {
  return minutes.filter(({ minute }) => minute > Math.floor(nowMs / MINUTE_MS) - HEALTH_MINUTES);
}

/** Counts one call; what is too old goes. */
function count(state: State, nowMs: number, failed: 0 | 1): void {
  const minute = Math.floor(nowMs / MINUTE_MS);
  state.minutes = lately(state.minutes, nowMs);
  let current = state.minutes.find((one) => one.minute === minute);
  if (!current) {
    current = { minute, calls: 0, failed: 0 };
    state.minutes.push(current);
  }
  current.calls++;
  current.failed += failed;
}

function stateOf({ failures, openUntilMs, isProbing }: State, nowMs: number): BreakerState {
  if (failures < FAILURES_TO_OPEN) return 'closed';
  return isProbing || nowMs >= openUntilMs ? 'half_open' : 'open';
}

export function createBreaker(): Breaker {
  const states = new Map<string, State>();
  function of(routeId: string): State {
    const fresh = { failures: 0, openUntilMs: 0, openMs: OPEN_MS_FIRST / 2, isProbing: false, minutes: [] };
    const state = states.get(routeId) ?? fresh;
    states.set(routeId, state);
    return state;
  }
  return {
    allows: (routeId, nowMs) => {
      const state = states.get(routeId);
      if (!state || state.failures < FAILURES_TO_OPEN) return true;
      if (nowMs < state.openUntilMs) return false;
      // Half open: this caller probes, the others wait for its result.
      if (!state.isProbing) state.sinceMs = state.openUntilMs;
      state.isProbing = true;
      state.openUntilMs = nowMs + state.openMs;
      return true;
    },
    succeeded: (routeId, nowMs) => {
      const state = of(routeId);
      count(state, nowMs, 0);
      if (state.failures >= FAILURES_TO_OPEN) state.sinceMs = nowMs;
      Object.assign(state, { failures: 0, openUntilMs: 0, openMs: OPEN_MS_FIRST / 2, isProbing: false });
    },
    failed: (routeId, nowMs) => {
      const state = of(routeId);
      count(state, nowMs, 1);
      state.failures++;
      if (state.failures < FAILURES_TO_OPEN) return;
      if (state.failures === FAILURES_TO_OPEN || state.isProbing) state.sinceMs = nowMs;
      state.isProbing = false;
      state.openMs = Math.min(state.openMs * 2, OPEN_MS_MAX);
      state.openUntilMs = nowMs + state.openMs;
    },
    waitMs: (routeId, nowMs) => {
      const state = states.get(routeId);
      return state && state.failures >= FAILURES_TO_OPEN ? Math.max(0, state.openUntilMs - nowMs) : 0;
    },
    openRoutes: (nowMs) =>
      [...states].filter(([, s]) => s.failures >= FAILURES_TO_OPEN && s.openUntilMs > nowMs).map(([id]) => id),
    health: (nowMs) =>
      [...states].flatMap(([routeId, state]) => {
        const minutes = lately(state.minutes, nowMs);
        const now = stateOf(state, nowMs);
        if (now === 'closed' && minutes.length === 0) return [];
        const sinceMs = now === 'half_open' && !state.isProbing ? state.openUntilMs : state.sinceMs;
        const calls = minutes.reduce((sum, one) => sum + one.calls, 0);
        const failed = minutes.reduce((sum, one) => sum + one.failed, 0);
        return [{ routeId, state: now, calls, failed, ...(sinceMs === undefined ? {} : { sinceMs }) }];
      }),
  };
}
