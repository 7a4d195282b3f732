import { type AccountWriter, createAccountWriter } from '../../src/billing/account.ts';
import { creditAccount } from '../../src/billing/credit.ts';
import { flushOutboxes, flushPage } from '../../src/billing/ledger.ts';
import { type Acceptance, acceptRequest } from '../../src/requests/accept.ts';
import { cancelRequest, watcherLeft, withdrawRequest } from '../../src/requests/cancel.ts';
import { runRequest } from '../../src/requests/run.ts';
import { createRunningRequests } from '../../src/requests/running.ts';
import { type SweepDependencies, sweepHolds, sweepRequests } from '../../src/requests/sweep.ts';
import { createRequestWriter, type RequestWriter } from '../../src/requests/writer.ts';
import type { Faults } from './faults.ts';
import type { Invariants } from './invariants.ts';
import type { Steps } from './mutants.ts';
import { inProcess, type Process, type Scheduler } from './scheduler.ts';
import { catalogue, cipher, createProvider, createSilentPublisher, type Jobs, log, metrics } from './world.ts';

/** The product's processes, made of its own modules, and the clients and payments that keep them busy. */

export type World = {
  scheduler: Scheduler;
  faults: Faults;
  jobs: Jobs;
  invariants: Invariants;
  steps: Steps;
  /** Ids sort by simulated time, as the sweeper expects, and are the same for the same seed. */
  newRequestId(): string;
};

export const TIMES = {
  leaseMs: 1_500,
  heartbeatMs: 400,
  lockMs: 1_000,
  deadlineMs: 8_000,
  holdGraceMs: 2_000,
  acceptedMs: 1_500,
  settleMs: 500,
};

type Parts = { process: Process; accounts: AccountWriter; writer: RequestWriter };

function partsOf(world: World, name: string): Parts {
  const process: Process = { name, alive: true, pausedUntilMs: 0 };
  const writer = createRequestWriter({ worker: name, leaseMs: TIMES.leaseMs });
  const accounts = createAccountWriter();
  return { process, accounts: world.steps.accounts(accounts), writer: world.steps.writer(writer, accounts) };
}

/** Work that repeats in a process; what it throws is the store's trouble, and the next time comes. */
function every(
  { scheduler }: World,
  process: Process,
  label: string,
  everyMs: number,
  act: () => Promise<unknown>,
): void {
  const again = () =>
    scheduler.add({ owner: process, delayMs: scheduler.random.between(everyMs / 2, everyMs * 1.5), label, run });
  const run = () => {
    void inProcess(scheduler, process, () => act().then(again, again));
  };
  again();
}

export type Api = {
  process: Process;
  accept(acceptance: Acceptance): ReturnType<typeof acceptRequest>;
  cancel(accountId: string, requestId: string): Promise<unknown>;
  leave(requestId: string): Promise<unknown>;
};

export function startApi(world: World, name: string): Api {
  const { scheduler, jobs, steps } = world;
  const { process, accounts, writer } = partsOf(world, name);
  const cancel = { accounts, writer, sendCancel: () => Promise.resolve() };
  const settings = {
    deadlineMs: { sync: TIMES.deadlineMs, stream: TIMES.deadlineMs, async: TIMES.deadlineMs },
    holdGraceMs: TIMES.holdGraceMs,
    openMax: 40,
    confirmAfterMs: TIMES.acceptedMs / 2,
  };
  const withdraw = (request: Parameters<typeof withdrawRequest>[0]) => withdrawRequest(request, cancel);
  const deps = { writer, accounts, producer: jobs.producer, cipher, withdraw, settings };
  const here = <T>(act: () => T) => inProcess(scheduler, process, act);
  return {
    process,
    accept: (acceptance) => here(() => steps.accept(acceptRequest)(acceptance, deps)),
    cancel: (accountId, requestId) => here(() => cancelRequest(accountId, requestId, 'asked', cancel)),
    leave: (requestId) => here(() => watcherLeft(requestId, cancel)),
  };
}

const RUNNING_MAX = 6;

export function startWorker(world: World, name: string, isHeard: (channel: string) => boolean): Process {
  const { scheduler, jobs, faults, invariants, steps } = world;
  const { process, accounts, writer } = partsOf(world, name);
  const running = inProcess(scheduler, process, () =>
    createRunningRequests({ leaseMs: TIMES.leaseMs, heartbeatMs: TIMES.heartbeatMs, log }),
  );
  const run = {
    writer,
    accounts,
    running,
    catalogue,
    cipher,
    metrics,
    log,
    publisher: createSilentPublisher(),
    logReader: { read: () => Promise.resolve([]) },
    provider: createProvider(scheduler, faults, () => invariants),
    breaker: {
      allows: () => true,
      succeeded: () => undefined,
      failed: () => undefined,
      waitMs: () => 0,
      openRoutes: () => [],
      health: () => [],
    },
    notify: () => Promise.resolve(),
  };
  const sweep: SweepDependencies = {
    accounts,
    writer,
    log,
    producer: steps.sweepProducer(jobs.producer),
    notify: () => Promise.resolve(),
    isHeard: (channel) => Promise.resolve(isHeard(channel)),
    settings: {
      acceptedMs: TIMES.acceptedMs,
      settleMs: TIMES.settleMs,
    },
  };
  const now = () => scheduler.nowMs();
  let busy = 0;

  function keepLock(id: string): () => void {
    let over = false;
    const renew = () => {
      if (over) return;
      jobs.renew(id, TIMES.lockMs);
      next();
    };
    const next = () => scheduler.add({ owner: process, delayMs: TIMES.lockMs / 2, label: 'renew', run: renew });
    next();
    return () => {
      over = true;
    };
  }

  async function work(): Promise<void> {
    if (busy >= RUNNING_MAX) return;
    const job = jobs.take(TIMES.lockMs);
    if (!job) return;
    busy++;
    const release = keepLock(job.id);
    // The processor goes on while the loop fetches the next one.
    void runRequest(job.requestId, new AbortController(), run)
      .then(
        (outcome) => (outcome.kind === 'snooze' ? jobs.again(job.id, outcome.delayMs) : jobs.done(job.id)),
        () => jobs.again(job.id, 500),
      )
      .finally(() => {
        busy--;
        release();
      });
  }

  async function walkHolds(): Promise<void> {
    let afterId: string | undefined;
    do {
      const page = await steps.sweepHolds(sweepHolds)(afterId, now(), sweep);
      afterId = page.nextId;
    } while (afterId !== undefined);
  }

  every(world, process, 'fetch', 25, work);
  every(world, process, 'sweep requests', 400, () => sweepRequests(now(), sweep));
  every(world, process, 'sweep holds', 600, walkHolds);
  every(world, process, 'flush', 120, () => steps.flush(flushOutboxes)(accounts.takeDirty(), log));
  every(world, process, 'flush all', 1_000, () => flushPage(undefined, 100, now(), log));
  return process;
}

export type Payment = { entryId: string; accountId: string; amountMicros: bigint };

/** A partner tells of a payment again and again until it hears that it is known. */
export function startPayments(world: World, payments: readonly Payment[]): Process {
  const { steps, invariants } = world;
  const process: Process = { name: 'payments', alive: true, pausedUntilMs: 0 };
  const open = new Set(payments);
  every(world, process, 'notification', 150, async () => {
    const payment = [...open][world.scheduler.random.between(0, open.size - 1)];
    if (!payment) return;
    const credit = () => steps.credit(creditAccount)({ ...payment, kind: 'top_up' });
    await Promise.all([credit(), credit()]);
    invariants.credited(payment.entryId);
    open.delete(payment);
  });
  return process;
}
