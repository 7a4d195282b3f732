import type { Logger } from '../log.ts';
import { nativeCollection } from '../models/connect.ts';
import { Request, type RequestDocument } from '../models/request.ts';
import { runPeriodically } from '../periodic.ts';
import { heartbeatUpdate } from './updates.ts';

/** What this worker is running now: extends all leases together, and stops what was cancelled or lost. */

export type RunningRequest = {
  requestId: string;
  attempt: number;
  abort: AbortController;
  outputTokens: number;
  seq: number;
};

export type RunningRequests = {
  add(running: RunningRequest): void;
  remove(requestId: string): void;
  /** A client wants it stopped; unknown ids are someone else's. */
  cancel(requestId: string): void;
  size(): number;
  close(): Promise<void>;
};

/** Why a running request was aborted; the runner decides its end by it. */
export class Aborted extends Error {
  override readonly name = 'Aborted';
  readonly reason: 'cancelled' | 'lease_lost' | 'deadline';
  constructor(reason: 'cancelled' | 'lease_lost' | 'deadline') {
    super(reason);
    this.reason = reason;
  }
}

export function createRunningRequests(options: { leaseMs: number; heartbeatMs: number; log: Logger }): RunningRequests {
  const { leaseMs, heartbeatMs, log } = options;
  const running = new Map<string, RunningRequest>();
  const requests = () => nativeCollection<RequestDocument>(Request);

  async function beat(): Promise<void> {
    const current = [...running.values()];
    if (current.length === 0) return;
    await requests().bulkWrite(
      current.map((one) => ({
        updateOne: heartbeatUpdate(one, leaseMs, { outputTokens: one.outputTokens, seq: one.seq }) as never,
      })),
      { ordered: false, writeConcern: { w: 1 } },
    );
    const rows = await requests()
      .find(
        { _id: { $in: current.map((one) => one.requestId) } },
        { projection: { attempt: 1, state: 1, cancelRequestedAt: 1 } },
      )
      .toArray();
    const byId = new Map(rows.map((row) => [row._id, row]));
    for (const one of current) {
      const row = byId.get(one.requestId);
      if (!running.has(one.requestId)) continue;
      if (row?.state === 'running' && row.attempt !== one.attempt) one.abort.abort(new Aborted('lease_lost'));
      else if (row?.cancelRequestedAt) one.abort.abort(new Aborted('cancelled'));
    }
  }

  const heart = runPeriodically({ intervalMs: heartbeatMs }, beat, (error) =>
    log.warn({ err: error }, 'leases not extended'),
  );

  return {
    add: (one) => {
      running.set(one.requestId, one);
    },
    remove: (requestId) => {
      running.delete(requestId);
    },
    cancel: (requestId) => running.get(requestId)?.abort.abort(new Aborted('cancelled')),
    size: () => running.size,
    close: heart.stop,
  };
}
