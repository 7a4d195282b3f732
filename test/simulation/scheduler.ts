import { AsyncLocalStorage } from 'node:async_hooks';
import { createHash } from 'node:crypto';
import { createRandom, type Random } from '../chaos/random.ts';

/**
 * One thread of simulated time. Whatever a simulated process waits for (a store, a timer, the provider) is a step here, and
 * the seed decides which of the steps that are due comes next. A dead process' steps never come, a paused one's wait.
 */
export type Process = { name: string; alive: boolean; pausedUntilMs: number };

export type Step = { owner: Process | undefined; dueMs: number; label: string; cancelled: boolean; run: () => void };

export type Scheduler = {
  random: Random;
  nowMs(): number;
  add(step: { owner?: Process | undefined; delayMs: number; label: string; run: () => void }): Step;
  /** Runs one step and everything that follows from it until the next wait. */
  step(): Promise<void>;
  steps(): number;
  note(line: string): void;
  /** Over everything that happened: equal for equal seeds. */
  hash(): string;
};

const realSetImmediate = setImmediate;
const settled = () => new Promise<void>((resolve) => realSetImmediate(resolve));

/** Without `Math`: asked of every waiting step at every step, and a global is slow to look up in Jest's realm. */
function dueOf({ dueMs, owner }: Step): number {
  return owner && owner.pausedUntilMs > dueMs ? owner.pausedUntilMs : dueMs;
}

export function createScheduler(seed: number, startMs: number, trace?: (line: string) => void): Scheduler {
  const random = createRandom(seed);
  const hash = createHash('sha256');
  let pending: Step[] = [];
  let nowMs = startMs;
  let count = 0;

  const note = (line: string) => {
    hash.update(`${nowMs - startMs} ${line}\n`);
    trace?.(`${String(nowMs - startMs).padStart(6)} ${line}`);
  };

  function take(): Step {
    pending = pending.filter((step) => !step.cancelled && step.owner?.alive !== false);
    if (pending.length === 0) throw new Error('nothing can happen any more');
    let nextMs = dueOf(pending[0] as Step);
    for (const step of pending) if (dueOf(step) < nextMs) nextMs = dueOf(step);
    if (nextMs > nowMs) nowMs = nextMs;
    const due = pending.filter((step) => dueOf(step) <= nowMs);
    const chosen = due[random.between(0, due.length - 1)] as Step;
    pending.splice(pending.indexOf(chosen), 1);
    return chosen;
  }

  return {
    random,
    nowMs: () => nowMs,
    add: ({ owner, delayMs, label, run }) => {
      const step: Step = { owner, dueMs: nowMs + delayMs, label, cancelled: false, run };
      pending.push(step);
      return step;
    },
    step: async () => {
      const { owner, label, run } = take();
      count++;
      note(`${owner?.name ?? '-'} ${label}`);
      run();
      await settled();
    },
    steps: () => count,
    note,
    hash: () => hash.copy().digest('hex'),
  };
}

/** Which simulated process the running code belongs to; kept across every `await`. */
export const processes = new AsyncLocalStorage<{ scheduler: Scheduler; process: Process }>();

export function inProcess<T>(scheduler: Scheduler, process: Process, act: () => T): T {
  return processes.run({ scheduler, process }, act);
}

/**
 * Clock and timers of code that runs in a simulated process become the scheduler's; everybody else keeps the real ones.
 * @returns the function that puts the real ones back.
 */
export function installClock(): () => void {
  const real = { Date, setTimeout, clearTimeout, now: performance.now.bind(performance) };
  const simulatedMs = () => processes.getStore()?.scheduler.nowMs();
  globalThis.Date = new Proxy(Date, {
    construct: (target, args: unknown[]) => {
      const now = args.length === 0 ? simulatedMs() : undefined;
      return Reflect.construct(target, now === undefined ? args : [now]) as object;
    },
    get: (target, name) =>
      name === 'now' ? () => simulatedMs() ?? target.now() : (Reflect.get(target, name) as unknown),
  });
  performance.now = () => simulatedMs() ?? real.now();
  globalThis.setTimeout = ((act: () => void, delayMs = 0, ...rest: unknown[]) => {
    const here = processes.getStore();
    if (!here) return (real.setTimeout as (...args: unknown[]) => unknown)(act, delayMs, ...rest);
    const run = () => processes.run(here, act);
    const step = here.scheduler.add({ owner: here.process, delayMs: Math.ceil(delayMs), label: 'timer', run });
    const timer = { step, unref: () => timer, ref: () => timer };
    return timer;
  }) as unknown as typeof setTimeout;
  globalThis.setImmediate = ((act: () => void, ...rest: unknown[]) => {
    const here = processes.getStore();
    if (!here) return (realSetImmediate as (...args: unknown[]) => unknown)(act, ...rest);
    const run = () => processes.run(here, act);
    return here.scheduler.add({ owner: here.process, delayMs: 0, label: 'turn', run });
  }) as unknown as typeof setImmediate;
  globalThis.clearTimeout = ((timer: { step?: Step } | undefined) => {
    if (timer?.step) timer.step.cancelled = true;
    else real.clearTimeout(timer as unknown as NodeJS.Timeout);
  }) as typeof clearTimeout;
  return () => {
    globalThis.Date = real.Date;
    globalThis.setTimeout = real.setTimeout;
    globalThis.clearTimeout = real.clearTimeout;
    globalThis.setImmediate = realSetImmediate;
    performance.now = real.now;
  };
}
