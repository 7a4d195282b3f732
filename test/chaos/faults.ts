import type { System, SystemProcess } from '../helpers/system.ts';
import type { TcpProxy } from '../helpers/tcp-proxy.ts';
import type { PrivateRedis } from './private-redis.ts';
import type { Random } from './random.ts';
import type { Fault } from './schedule.ts';

/** Carries the schedule out against real processes, and remembers what was done and when. */
export type Victims = {
  system: System;
  redis: PrivateRedis;
  mongo: TcpProxy;
  provider: TcpProxy;
  random: Random;
};

export type Done = { at: number; kind: string };

const STARTS_MAX = 5;
const RESTART_MS = 1_000;

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

export async function carryOut(schedule: readonly Fault[], victims: Victims, done: Done[]): Promise<void> {
  const startedMs = performance.now();
  const underWay: Promise<void>[] = [];
  for (const fault of schedule) {
    await pause(Math.max(0, fault.atMs - (performance.now() - startedMs)));
    underWay.push(carryOutOne(fault, victims, done));
  }
  await Promise.all(underWay);
}

async function carryOutOne(fault: Fault, victims: Victims, done: Done[]): Promise<void> {
  const { system, redis, mongo, provider } = victims;
  const note = (kind: string) => done.push({ at: Date.now(), kind });
  switch (fault.kind) {
    case 'kill-worker':
      return killOne(system.workers, system.startWorker, victims, () => note(fault.kind));
    case 'kill-api':
      return killOne(system.apis, system.startApi, victims, () => note(fault.kind));
    case 'pause-worker':
      return pauseOne(fault.lastsMs, victims, () => note(fault.kind));
    case 'restart-all':
      note(fault.kind);
      return restartAll(system);
    case 'copy-redis':
      return redis.copy();
    case 'redis':
      note(`redis ${fault.how}`);
      return redisFault(fault, redis);
    case 'cut-mongo':
    case 'freeze-mongo':
    case 'cut-provider':
      note(fault.kind);
      return breakLine(fault.kind === 'cut-provider' ? provider : mongo, fault);
  }
}

/** Its place is taken by a new one. The last of its kind is spared until another is up. */
async function killOne(
  all: SystemProcess[],
  startOne: () => Promise<SystemProcess>,
  { random }: Victims,
  note: () => void,
): Promise<void> {
  if (all.length < 2) return;
  const [victim] = all.splice(random.between(0, all.length - 1), 1);
  note();
  await victim?.kill();
  await supervised(startOne);
}

/** Longer than locks and leases: when it wakes up, others have its work. */
async function pauseOne(lastsMs: number, { system, random }: Victims, note: () => void): Promise<void> {
  const victim = system.workers[random.between(0, system.workers.length - 1)];
  if (!victim) return;
  note();
  victim.process.child.kill('SIGSTOP');
  await pause(lastsMs);
  victim.process.child.kill('SIGCONT');
}

/** What cannot start because a store is away at that moment ends and says why; a supervisor starts it again. */
async function supervised(startOne: () => Promise<SystemProcess>): Promise<SystemProcess> {
  for (let left = STARTS_MAX - 1; ; left--) {
    try {
      return await startOne();
    } catch (error) {
      if (left === 0) throw error;
      await pause(RESTART_MS);
    }
  }
}

/** As a deployment does it: workers first, one by one, each replaced before the next. */
async function restartAll({ workers, apis, startWorker, startApi }: System): Promise<void> {
  for (const [all, startOne] of [
    [workers, startWorker],
    [apis, startApi],
  ] as const) {
    for (const old of all.slice()) {
      if (!all.includes(old)) continue;
      const fresh = await supervised(startOne);
      // Who was killed meanwhile has a replacement already: there must not be more and more of them.
      const leaving = all.includes(old) ? old : fresh;
      const index = all.indexOf(leaving);
      if (index < 0) continue;
      all.splice(index, 1);
      await leaving.terminate();
    }
  }
}

async function redisFault(fault: Extract<Fault, { kind: 'redis' }>, redis: PrivateRedis): Promise<void> {
  if (fault.how === 'flush') return redis.flush().catch(() => undefined);
  await redis.kill();
  if (fault.how === 'truncate') redis.truncate(fault.bytes);
  if (fault.how === 'older-copy') redis.restoreCopy();
  await pause(fault.lastsMs);
  await redis.start();
}

async function breakLine(line: TcpProxy, { kind, lastsMs }: Fault): Promise<void> {
  if (kind === 'freeze-mongo') line.freeze();
  else line.cut();
  await pause(lastsMs);
  line.mend();
}
