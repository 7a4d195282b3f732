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

/** `spacingMs` is the time one slot of this host needs for one caller; `nextMs` the time the next one sent away is due. */
type Host = { active: number; line: (() => void)[]; spacingMs: number; nextMs: number };

const RETRY_MS_MAX = 600_000;
const HOSTS_MAX = 1_000;

export function createHostGate(options: {
  concurrencyMax: number;
  lineMax: number;
  waitMs: number;
  now?: () => number;
}): HostGate {
  const { concurrencyMax, lineMax, waitMs, now = () => performance.now() } = options;
  const hosts = new Map<string, Host>();

  function stateOf(name: string): Host {
    const known = hosts.get(name);
    if (known) return known;
    if (hosts.size >= HOSTS_MAX) prune();
    const host: Host = { active: 0, line: [], spacingMs: waitMs / concurrencyMax, nextMs: 0 };
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
      host.spacingMs = (now() - startedMs) / concurrencyMax;
      host.line.shift()?.();
      if (host.active === 0 && host.nextMs <= now()) hosts.delete(name);
    };
    return { entered: true, leave };
  }

  /** Those sent away are spread out at the pace the host answers, rather than all coming back together. */
  function sendAway(host: Host): HostPass {
    const time = now();
    host.nextMs = Math.min(Math.max(host.nextMs, time) + host.spacingMs, time + RETRY_MS_MAX);
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

  return {
    enter: async (name) => {
      const host = stateOf(name);
      if (host.active < concurrencyMax) return admit(name, host);
      return host.line.length < lineMax ? waitInLine(name, host) : sendAway(host);
    },
    size: () => hosts.size,
  };
}
