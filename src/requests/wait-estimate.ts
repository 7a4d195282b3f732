import { type Backlog, PLACES } from '../queue/backlog.ts';

/**
 * How long a new request would wait for a worker: the jobs in front of it, divided by how many jobs the workers start per
 * second. Of later places only those starts count that are left for them: while jobs of earlier places keep waiting, later
 * ones are overtaken by all that arrive. Pure; samples come from outside.
 *
 * A queue's speed can be seen only while something waits in it: otherwise jobs start as fast as they come. So there is no
 * estimate before a backlog has lasted from one sample to the next, and none some time after the last one is gone.
 */
export type WaitEstimate = {
  /**
   * @param accepting requests on their way into the queue at this moment, for each place those that count for it.
   * @param atMs monotonic time of the sample.
   */
  sampled(backlog: Backlog, accepting: readonly number[], atMs: number): void;
  /** A request was let in since the last sample: it stands before all later ones of its place and of later places. */
  admitted(place: number): void;
  /** Milliseconds; 0 when nothing waits, undefined when nobody can say. */
  waitMs(place: number, nowMs: number): number | undefined;
  /** Jobs that waited at the last sample, of all places. */
  waiting(): number;
};

/** How fast a change of speed is believed. */
const SPEED_TIME_MS = 2_000;
/** The same for being overtaken: sooner, because who is let in by mistake waits as long as the overload lasts. */
const OVERTAKEN_TIME_MS = 750;
/** A speed that was not seen for so long says nothing any more. */
const SPEED_MEMORY_MS = 10_000;
/** So many requests on their way into the queue are no sign of a backlog: they are there for milliseconds. */
const ACCEPTING_MANY = 32;

type Sample = { backlog: Backlog; accepting: readonly number[]; admitted: number[]; atMs: number };

/** @param staleMs age at which a sample says nothing any more. */
export function createWaitEstimate(staleMs: number): WaitEstimate {
  let sample: Sample | undefined;
  let perSecond: number | undefined;
  /** For each place, the share of the starts that went to jobs of earlier places which had only just come. */
  let overtaken = PLACES.map(() => 0);
  let backloggedAtMs = Number.NEGATIVE_INFINITY;

  function learn(before: Sample, after: Sample): void {
    const elapsedMs = after.atMs - before.atMs;
    const started = after.backlog.started - before.backlog.started;
    if (started < 0 || elapsedMs <= 0) return;
    const weight = weightOf(elapsedMs, SPEED_TIME_MS);
    overtaken = overtaken.map((share, place) => {
      const seen = started === 0 ? share : overtakingShare(before, after, place, started);
      return share + (seen - share) * weightOf(elapsedMs, OVERTAKEN_TIME_MS);
    });
    const seen = (started * 1_000) / elapsedMs;
    if (!isBacklogged(before) || !isBacklogged(after)) {
      // As fast as they came; workers may be able to do more.
      if (perSecond !== undefined) perSecond = Math.max(perSecond, seen);
    } else if (perSecond !== undefined) {
      perSecond += (seen - perSecond) * weight;
    } else if (seen > 0) perSecond = seen;
  }

  return {
    sampled: (backlog, accepting, atMs) => {
      const now: Sample = { backlog, accepting: [...accepting], admitted: accepting.map(() => 0), atMs };
      if (sample && atMs - sample.atMs <= staleMs) learn(sample, now);
      if (isBacklogged(now)) backloggedAtMs = atMs;
      else if (atMs - backloggedAtMs > SPEED_MEMORY_MS) perSecond = undefined;
      sample = now;
    },
    admitted: (place) => {
      if (!sample) return;
      for (let later = place; later < sample.admitted.length; later++)
        sample.admitted[later] = (sample.admitted[later] ?? 0) + 1;
    },
    waitMs: (place, nowMs) => {
      if (!sample || nowMs - sample.atMs > staleMs) return undefined;
      if (!isBacklogged(sample)) return 0;
      if (perSecond === undefined) return undefined;
      const { backlog, accepting, admitted, atMs } = sample;
      const known = (backlog.ahead[place] ?? 0) + (accepting[place] ?? 0) + (admitted[place] ?? 0);
      const speed = perSecond * (1 - (overtaken[place] ?? 0));
      const ahead = Math.max(0, known - (speed * (nowMs - atMs)) / 1_000);
      return ahead === 0 ? 0 : (ahead * 1_000) / speed;
    },
    waiting: () => sample?.backlog.ahead.at(-1) ?? 0,
  };
}

/**
 * How much of what was started went to newcomers of earlier places, while some of those kept waiting: 1 means that a job of
 * this place gets no turn as long as that goes on.
 */
function overtakingShare(before: Sample, after: Sample, place: number, started: number): number {
  const [earlierBefore, earlierAfter] = [before, after].map(({ backlog }) => backlog.ahead[place - 1] ?? 0);
  if (!earlierBefore || !earlierAfter) return 0;
  const came = earlierAfter - earlierBefore + started;
  return Math.min(1, Math.max(0, came / started));
}

/** What a new value counts against the average so far. */
function weightOf(elapsedMs: number, timeMs: number): number {
  return 1 - Math.exp(-elapsedMs / timeMs);
}

function isBacklogged({ backlog, accepting }: Sample): boolean {
  return (backlog.ahead.at(-1) ?? 0) > 0 || (accepting.at(-1) ?? 0) >= ACCEPTING_MANY;
}
