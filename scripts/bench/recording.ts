import { type Summary, summarize } from './statistics.ts';

/** What one step of load has seen. Times are milliseconds; nothing from outside the measured window counts. */
export type LoadResult = {
  sent: number;
  answered: number;
  /** Why requests failed, e.g. `http_429`, `closed`. */
  failed: Record<string, number>;
  /** Still open when the drain time was over. */
  unfinished: number;
  answeredPerSecond: number;
  /** From the writing of the request to the last byte of its answer. */
  latency: Summary;
  /** How late the generator itself wrote requests: large values make the rest worthless. */
  scheduleLag: Summary;
  /** To the first chunk of a stream. */
  firstChunk: Summary;
  /** From the upstream's writing of a chunk to its arrival here. */
  oneWay: Summary;
  /** By how much the gap between two chunks differs from the gap at the upstream. */
  gapJitter: Summary;
  chunksPerSecond: number;
  lostChunks: number;
  missingDone: number;
  missingUsage: number;
};

/** One answer that has come to its end, whenever it was asked for. */
export type AnswerEnd = {
  status: number;
  latencyMs: number;
  hasRetryAfter: boolean;
  /** The request was sent in the measured window. */
  measured: boolean;
};

/** Collects samples, in microseconds, while its window is open. */
export class Recording {
  isOpen = false;
  onEnd: ((end: AnswerEnd) => void) | undefined;
  sent = 0;
  answered = 0;
  lostChunks = 0;
  missingDone = 0;
  missingUsage = 0;
  readonly failed: Record<string, number> = {};
  readonly latencyUs: number[] = [];
  readonly lagUs: number[] = [];
  readonly firstChunkUs: number[] = [];
  readonly oneWayUs: number[] = [];
  readonly gapJitterUs: number[] = [];

  fail(reason: string): void {
    this.failed[reason] = (this.failed[reason] ?? 0) + 1;
  }

  /** A chunk has arrived, of any stream: throughput is what arrives inside the window. */
  chunk(sentUs: number, arrivedUs: number, before: { sentUs: number; arrivedUs: number } | undefined): void {
    if (!this.isOpen) return;
    this.oneWayUs.push(arrivedUs - sentUs);
    if (before) this.gapJitterUs.push(Math.abs(arrivedUs - before.arrivedUs - (sentUs - before.sentUs)));
  }

  result(windowSeconds: number, unfinished: number): LoadResult {
    return {
      sent: this.sent,
      answered: this.answered,
      failed: { ...this.failed },
      unfinished,
      answeredPerSecond: this.answered / windowSeconds,
      latency: milliseconds(this.latencyUs),
      scheduleLag: milliseconds(this.lagUs),
      firstChunk: milliseconds(this.firstChunkUs),
      oneWay: milliseconds(this.oneWayUs),
      gapJitter: milliseconds(this.gapJitterUs),
      chunksPerSecond: this.oneWayUs.length / windowSeconds,
      lostChunks: this.lostChunks,
      missingDone: this.missingDone,
      missingUsage: this.missingUsage,
    };
  }
}

function milliseconds(samplesUs: readonly number[]): Summary {
  return summarize(samplesUs.map((sample) => sample / 1_000));
}
