import { AppError } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import type { RequestMode } from '../models/request.ts';
import { runPeriodically } from '../periodic.ts';
import { type Backlog, type BacklogStore, PLACES, placeOf } from '../queue/backlog.ts';
import type { QueueName } from '../queue/define-job.ts';
import { fairPriority } from './accept.ts';
import { createWaitEstimate, type WaitEstimate } from './wait-estimate.ts';

/**
 * Refuses requests that would wait too long, before anything is written for them: a client that hears so at once can go
 * elsewhere or come again, and those who were let in keep their latency. Everything is decided from memory; Redis is asked
 * by a timer, and while it does not answer nobody is refused for waiting.
 *
 * An account with many open requests queues behind those with few (`fairPriority`), and is refused by its own place: a
 * flood does not make the others be refused.
 */
export type Admission = {
  /** Whether no plain request and no stream could be let in now, whoever sends it. For a look before anything is read. */
  refusalOfAll(): AppError | undefined;
  /**
   * Lets a request in.
   * @param isRepeat tells whether the request was accepted before; then it brings no new work and is not refused for
   *   waiting. Asked only when it would be.
   * @throws AppError overloaded, or too_many_open_requests when it is the account's own queue that is too long.
   */
  admit(call: { accountId: string; mode: RequestMode }, isRepeat?: () => Promise<boolean>): Promise<Ticket>;
  /** Whether more than a few requests of waiting clients were in the queue when it was last looked at. */
  isQueueing(): boolean;
  /** Requests that were let in here and have not left. */
  inFlight(): number;
  close(): Promise<void>;
};

/** A request that was let in. Both may be called more than once; `left` includes `accepted`. */
export type Ticket = {
  /**
   * It is in the queue.
   * @param open what its account has open with it, in all processes.
   */
  accepted(open?: number): void;
  /** Its client has the answer or a refusal, or is gone. */
  left(): void;
};

export type AdmissionSettings = {
  inFlightMax: number;
  sampleMs: number;
  waitMsMax: Record<RequestMode, number>;
};

type QueueOfMode = Extract<QueueName, 'interactive' | 'background'>;
type Reason = keyof typeof CODES;
/** What an account has in flight here, and how much more it had open when it was last known: elsewhere, or not settled. */
type AccountInFlight = { here: number; elsewhere: number };
type Refusal = { reason: Reason; waitMs: number };
/** An estimate and the requests of this process that are on their way into the queue, by place. */
type Line = { queue: QueueOfMode; estimate: WaitEstimate; accepting: number[] };

const CODES = {
  in_flight: 'overloaded',
  queue_wait: 'overloaded',
  account_queue_wait: 'too_many_open_requests',
} as const;
/** Repeats that are looked up at once while new requests are refused; beyond that they are refused as well. */
const LOOKUPS_MAX = 32;
/** Shorter waits than so many samples cannot be told apart. */
const SAMPLES_MIN = 4;
const STALE_MS_MIN = 2_000;
const RETRY_MS_MIN = 1_000;
const RETRY_MS_MAX = 30_000;
/** Those refused at one time must not come again at one time. */
const RETRY_SPREAD = 0.5;
const CALM_MS = 10_000;
const LAST_PLACE = PLACES.length - 1;
/** Workers that keep up leave so many between two looks. */
const WAITING_FEW = 8;

export function createAdmission(options: {
  backlog: Pick<BacklogStore, 'read'>;
  settings: AdmissionSettings;
  metrics: Pick<Metrics, 'inFlight' | 'estimatedWait' | 'refused'>;
  log: Logger;
  /** Monotonic, in ms. */
  now?: () => number;
}): Admission {
  const { backlog, settings, metrics, log, now = () => performance.now() } = options;
  const staleMs = Math.max(STALE_MS_MIN, SAMPLES_MIN * settings.sampleMs);
  const waitMsMax = (mode: RequestMode) => Math.max(settings.waitMsMax[mode], SAMPLES_MIN * settings.sampleMs);
  const waitMsMaxOfAll = Math.max(waitMsMax('sync'), waitMsMax('stream'));
  const line = (queue: QueueOfMode): Line => ({
    queue,
    estimate: createWaitEstimate(staleMs),
    accepting: PLACES.map(() => 0),
  });
  const lines = { interactive: line('interactive'), background: line('background') };
  const accounts = new Map<string, AccountInFlight>();
  let inFlight = 0;
  let lookups = 0;
  const shedding = createSheddingLog(log, now);

  function refuse({ reason, waitMs }: Refusal): AppError {
    metrics.refused.inc({ reason });
    shedding.refused();
    const retryAfterMs = Math.min(RETRY_MS_MAX, Math.max(RETRY_MS_MIN, waitMs)) * (1 + Math.random() * RETRY_SPREAD);
    return new AppError(CODES[reason], { retryAfterMs });
  }

  const full = (): Refusal | undefined =>
    inFlight >= settings.inFlightMax ? { reason: 'in_flight', waitMs: RETRY_MS_MIN } : undefined;

  /** How much longer than allowed a request of this place would wait; undefined when it may come in. */
  function excessMs({ estimate }: Line, place: number, maxMs: number): number | undefined {
    const waitMs = estimate.waitMs(place, now());
    return waitMs !== undefined && waitMs > maxMs ? waitMs - maxMs : undefined;
  }

  function tooLong(of: Line, place: number, maxMs: number): Refusal | undefined {
    const waitMs = excessMs(of, place, maxMs);
    if (waitMs === undefined) return undefined;
    const isForAll = place === 0 || excessMs(of, 0, maxMs) !== undefined;
    return { reason: isForAll ? 'queue_wait' : 'account_queue_wait', waitMs };
  }

  function enter(accountId: string, into?: { line: Line; place: number }): Ticket {
    const account = accounts.get(accountId) ?? { here: 0, elsewhere: 0 };
    accounts.set(accountId, account);
    const count = (change: number) => {
      account.here += change;
      if (account.here === 0) accounts.delete(accountId);
      inFlight += change;
      metrics.inFlight.set(inFlight);
    };
    const accepting = (change: number) => {
      if (!into) return;
      for (let place = into.place; place <= LAST_PLACE; place++)
        into.line.accepting[place] = (into.line.accepting[place] ?? 0) + change;
    };
    count(1);
    accepting(1);
    into?.line.estimate.admitted(into.place);
    const arrived = once(() => accepting(-1));
    const accepted = (open?: number) => {
      arrived();
      if (open !== undefined) account.elsewhere = Math.max(0, open - account.here);
    };
    const left = once(() => {
      arrived();
      count(-1);
    });
    return { accepted, left };
  }

  async function sample({ queue, estimate, accepting }: Line): Promise<void> {
    const read: Backlog = await backlog.read(queue);
    estimate.sampled(read, accepting, now());
    metrics.estimatedWait.set({ queue }, (estimate.waitMs(0, now()) ?? 0) / 1_000);
  }

  const sampling = runPeriodically(
    { intervalMs: settings.sampleMs },
    async () => {
      shedding.tick();
      await Promise.all(Object.values(lines).map(sample));
    },
    // Redis is away, which redis.ts has logged; estimates become stale by themselves.
    () => undefined,
  );

  return {
    refusalOfAll: () => {
      const refusal = full() ?? tooLong(lines.interactive, 0, waitMsMaxOfAll);
      return refusal && refuse(refusal);
    },
    admit: async ({ accountId, mode }, isRepeat) => {
      const of = mode === 'async' ? lines.background : lines.interactive;
      const { here, elsewhere } = accounts.get(accountId) ?? { here: 0, elsewhere: 0 };
      const place = placeOf(fairPriority(here + elsewhere + 1));
      const refusal = full() ?? tooLong(of, place, waitMsMax(mode));
      if (!refusal) return enter(accountId, { line: of, place });
      if (refusal.reason === 'in_flight' || !isRepeat || lookups >= LOOKUPS_MAX) throw refuse(refusal);
      lookups++;
      const repeated = await isRepeat().finally(() => lookups--);
      const still = repeated ? full() : refusal;
      if (still) throw refuse(still);
      return enter(accountId);
    },
    inFlight: () => inFlight,
    isQueueing: () => lines.interactive.estimate.waiting() > WAITING_FEW,
    close: sampling.stop,
  };
}

function once(act: () => void): () => void {
  let over = false;
  return () => {
    if (over) return;
    over = true;
    act();
  };
}

/** Says in two lines what would else be thousands: that requests are being refused, and that it is over. */
function createSheddingLog(log: Logger, now: () => number): { refused(): void; tick(): void } {
  let count = 0;
  let startedMs: number | undefined;
  let lastMs = Number.NEGATIVE_INFINITY;
  return {
    refused: () => {
      count++;
      lastMs = now();
      if (startedMs !== undefined) return;
      startedMs = lastMs;
      log.warn('requests are refused: the queue is too long');
    },
    tick: () => {
      if (startedMs === undefined || now() - lastMs < CALM_MS) return;
      log.info({ count, ms: Math.round(lastMs - startedMs) }, 'requests are no longer refused');
      startedMs = undefined;
      count = 0;
    },
  };
}
