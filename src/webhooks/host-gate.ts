/**
 * Few connections to one host at a time, so that a slow receiver cannot take every delivery slot of the process. A
 * caller waits in a short line; one that finds the line full, or waits too long, is told when to come back instead.
 */

export type HostPass = { entered: true; leave(): void } | { entered: false; retryAfterMs: number };
export type HostGate = {
  /** Waits for room at `host`, at most `waitMs`. */
  enter(host: string): Promise<HostPass>;
  /** Hosts with any state; for tests. */
  size(): number;
};

/** `callMs` is how long the host takes for one caller, once that is known; `nextMs` the time the next one sent away is due. */
type Host = { active: number; line: (() => void)[]; callMs: number | undefined; nextMs: number };

/** A host of which nothing is known yet is taken for a quick one: in this part of the time that one may wait. */
const QUICK_PART = 10;
/** How much of a slower call goes into what is expected; a quicker one is believed at once. */
const SLOWER_SHARE = 0.25;
const RETRY_MS_MAX = 600_000;
const HOSTS_MAX = 1_000;

/**
 * @param options.lineMax how many may wait for a host in any case.
 * @param options.quickLineMs more may, as long as the host, at the pace it is known to have, is through with the line in this
 *   time: they take their slots from nobody for long, and sending them away costs a claim and a job each.
 */
export function createHostGate(options: {
  concurrencyMax: number;
  lineMax: number;
  quickLineMs: number;
  waitMs: number;
  now?: () => number;
}): HostGate {
  const { concurrencyMax, lineMax, quickLineMs, waitMs, now = () => performance.now() } = options;
  const hosts = new Map<string, Host>();

  function stateOf(name: string): Host {
    const known = hosts.get(name);
    if (known) return known;
    if (hosts.size >= HOSTS_MAX) prune();
    const host: Host = { active: 0, line: [], callMs: undefined, nextMs: 0 };
    hosts.set(name, host);
    return host;
  }

  function prune(): void {
    const time = now();
    for (const [name, host] of hosts) if (host.active === 0 && host.nextMs <= time) hosts.delete(name);
  }

  function admit(name: string, host: Host): HostPass {
    host.active++;
    const startedMs = now();
    let left = false;
    const leave = (): void => {
      if (left) return;
      left = true;
      host.active--;
      learn(host, now() - startedMs);
      host.line.shift()?.();
      if (host.active === 0 && host.nextMs <= now()) hosts.delete(name);
    };
    return { entered: true, leave };
  }

  /**
   * A burst makes the first calls slow: what comes after them must not wait at their pace when the host keeps up again. So
   * the time for which others have been sent away shrinks with what a call takes.
   */
  function learn(host: Host, tookMs: number): void {
    const { callMs } = host;
    if (callMs === undefined || tookMs < callMs) {
      const time = now();
      if (callMs !== undefined && host.nextMs > time) host.nextMs = time + ((host.nextMs - time) * tookMs) / callMs;
      host.callMs = tookMs;
    } else host.callMs = callMs + (tookMs - callMs) * SLOWER_SHARE;
  }

  /** Those sent away are spread out at the pace the host answers, rather than all coming back together. */
  function sendAway(host: Host): HostPass {
    const time = now();
    const spacingMs = (host.callMs ?? waitMs / QUICK_PART) / concurrencyMax;
    host.nextMs = Math.min(Math.max(host.nextMs, time) + spacingMs, time + RETRY_MS_MAX);
    return { entered: false, retryAfterMs: Math.ceil(host.nextMs - time) };
  }

  function waitInLine(name: string, host: Host): Promise<HostPass> {
    return new Promise((resolve) => {
      const turn = (): void => {
        clearTimeout(timer);
        resolve(admit(name, host));
      };
      const timer = setTimeout(() => {
        host.line.splice(host.line.indexOf(turn), 1);
        resolve(sendAway(host));
      }, waitMs);
      host.line.push(turn);
    });
  }

  function mayWait({ line, callMs }: Host): boolean {
    if (line.length < lineMax) return true;
    return callMs !== undefined && ((line.length + 1) * callMs) / concurrencyMax <= quickLineMs;
  }

  return {
    enter: async (name) => {
      const host = stateOf(name);
      if (host.active < concurrencyMax) return admit(name, host);
      return mayWait(host) ? waitInLine(name, host) : sendAway(host);
    },
    size: () => hosts.size,
  };
}
