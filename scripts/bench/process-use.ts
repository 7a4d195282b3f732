import { readdirSync, readFileSync } from 'node:fs';

/** CPU and memory of processes and their children, and how busy the machine is, from /proc (Linux; 0 elsewhere). */

/** Role -> the processes that do its work at this moment; their children are counted with them. */
export type Roles = Readonly<Record<string, () => readonly number[]>>;

export type Use = {
  seconds: number;
  /** CPU seconds per role. */
  cpuSeconds: Record<string, number>;
  /** Resident memory per role, in MB. Memory that processes share is counted in each. */
  residentMb: Record<string, number>;
  /** Cores kept busy by the whole machine, and by whatever is not in the roles. */
  busyCores: number;
  foreignCores: number;
};

export type Snapshot = { atMs: number; busySeconds: number; cpuNs: Map<string, Map<number, number>> };

const TICKS_PER_SECOND = 100;

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // It ended meanwhile, or this is not Linux.
  }
}

function entries(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

/** A process and everything it started that still lives. */
function withChildren(pid: number): number[] {
  const children = entries(`/proc/${pid}/task`).flatMap((task) =>
    read(`/proc/${pid}/task/${task}/children`)
      .split(' ')
      .filter((text) => text.trim() !== '')
      .map(Number),
  );
  return [pid, ...children.flatMap(withChildren)];
}

/** CPU time of all threads in nanoseconds; of threads that ended, only as precisely as the scheduler's ticks. */
function cpuNsOf(pid: number): number {
  const threads = entries(`/proc/${pid}/task`).reduce(
    (sum, task) => sum + Number(read(`/proc/${pid}/task/${task}/schedstat`).split(' ')[0] || 0),
    0,
  );
  const stat = read(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticksNs = ((Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) * 1e9) / TICKS_PER_SECOND;
  return ticksNs > threads + 5e7 ? ticksNs : threads;
}

function residentKb(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(read(`/proc/${pid}/status`))?.[1] ?? 0);
}

function machineBusySeconds(): number {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softIrq = 0] =
    read('/proc/stat').split('\n')[0]?.split(/\s+/).slice(1).map(Number) ?? [];
  return (user + nice + system + irq + softIrq) / TICKS_PER_SECOND;
}

/** A process belongs to the first role that names it or its parent, so the harness, parent of all, stands last. */
export function takeSnapshot(roles: Roles): Snapshot {
  const cpuNs = new Map<string, Map<number, number>>();
  const taken = new Set<number>();
  for (const [role, pids] of Object.entries(roles)) {
    const all = [...new Set(pids().flatMap(withChildren))].filter((pid) => !taken.has(pid));
    cpuNs.set(role, new Map(all.map((pid) => [pid, cpuNsOf(pid)])));
    for (const pid of all) taken.add(pid);
  }
  return { atMs: performance.now(), busySeconds: machineBusySeconds(), cpuNs };
}

/** What was used between two snapshots of the same roles. Memory is that of the second. */
export function useBetween(before: Snapshot, after: Snapshot): Use {
  const seconds = (after.atMs - before.atMs) / 1_000;
  const cpuSeconds: Record<string, number> = {};
  const residentMb: Record<string, number> = {};
  for (const [role, pids] of after.cpuNs) {
    const earlier = before.cpuNs.get(role);
    let ns = 0;
    let kb = 0;
    for (const [pid, total] of pids) {
      ns += total - (earlier?.get(pid) ?? 0);
      kb += residentKb(pid);
    }
    cpuSeconds[role] = ns / 1e9;
    residentMb[role] = Math.round(kb / 1_024);
  }
  const own = Object.values(cpuSeconds).reduce((sum, one) => sum + one, 0);
  const busy = after.busySeconds - before.busySeconds;
  return {
    seconds,
    cpuSeconds,
    residentMb,
    busyCores: busy / seconds,
    foreignCores: Math.max(0, (busy - own) / seconds),
  };
}
