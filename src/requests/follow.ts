import { toAppError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { nativeCollection } from '../models/connect.ts';
import { Request, type RequestDocument, TERMINAL_STATES } from '../models/request.ts';
import { runPeriodically } from '../periodic.ts';
import type { ContentCipher } from '../privacy/content-key.ts';
import type { EndOfAnswer } from '../stream/events.ts';
import type { Relay, Subscription } from '../stream/subscribe.ts';
import { findRequest, isTerminal, storedAnswer } from './stored-answer.ts';

/**
 * Follows one request to its end, whatever happens to the relay: live events first, the kept log for what was missed,
 * and the row itself when both are gone. `onEnd` is called once, after all events.
 */
export type FollowSink = {
  onEvent(seq: number, payload: Buffer): void;
  onEnd(end: EndOfAnswer): void;
  /** When the client has not taken what it was given yet: resolves when it has, or is gone. */
  room(): Promise<void> | undefined;
  /** The answer cannot be had from anywhere, e.g. its content was erased meanwhile. */
  onLost(error: unknown): void;
};

export type Following = { close(): void };

export type Follower = {
  /**
   * @param afterSeq events up to this number were seen already.
   * @param attach the request was there before this client: catch up on what it has said.
   */
  follow(
    request: RequestDocument,
    options: { afterSeq: number; attach: boolean },
    sink: FollowSink,
  ): Promise<Following>;
  open(): number;
  close(): Promise<void>;
};

type Entry = {
  requestId: string;
  sink: FollowSink;
  subscription: Subscription;
  sinceMs: number;
  suspect: boolean;
  over: boolean;
};

type StoredEvent = [seq: number, payload: Buffer];

const CHECK_MS = 1_000;
const ROWS_PER_CHECK_MAX = 1_000;

async function replay(events: readonly StoredEvent[], end: EndOfAnswer, sink: FollowSink): Promise<void> {
  for (const [seq, payload] of events) {
    sink.onEvent(seq, payload);
    const pause = sink.room();
    if (pause) await pause;
  }
  sink.onEnd(end);
}

export function createFollower(options: { relay: Relay; cipher: ContentCipher; log: Logger }): Follower {
  const { relay, cipher, log } = options;
  const entries = new Set<Entry>();

  /** The relay stayed silent about a request that is terminal: its row has everything. */
  async function deliverFromRow(entry: Entry): Promise<void> {
    try {
      const request = await findRequest(entry.requestId);
      if (entry.over || !request || !isTerminal(request)) return;
      await deliverStored(request, entry);
    } catch (error) {
      // While the database is away nothing is lost: the next check asks again.
      if (toAppError(error).code !== 'unavailable') lose(entry, error);
    }
  }

  async function deliverStored(request: RequestDocument, entry: Entry): Promise<void> {
    const { firstSeq, payloads, end } = await storedAnswer(request, cipher);
    if (entry.over) return;
    const seen = entry.subscription.lastSeq();
    finish(entry);
    const events = payloads.map((payload, index): StoredEvent => [firstSeq + index, payload]);
    const unheard = events.filter(([seq]) => seq > seen);
    const last = events.at(-1);
    // A client that saw more than was kept (the row alone tells, or the log lost its tail) still has to hear the failure.
    if (end.state !== 'done' && last && unheard.length === 0 && (last[0] < seen || !request.result))
      unheard.push([seen + 1, last[1]]);
    // Not waited for: the client takes it at its own pace.
    void replay(unheard, end, entry.sink);
  }

  function finish(entry: Entry): void {
    entry.over = true;
    entries.delete(entry);
    entry.subscription.close();
  }

  function lose(entry: Entry, error: unknown): void {
    if (entry.over) return;
    finish(entry);
    entry.sink.onLost(error);
  }

  /** One query for many followers of the process: which of their requests ended without their hearing of it? */
  async function check(): Promise<void> {
    const now = performance.now();
    const waiting = [...entries].filter((entry) => now - entry.sinceMs > CHECK_MS);
    for (let from = 0; from < waiting.length; from += ROWS_PER_CHECK_MAX)
      await checkRows(waiting.slice(from, from + ROWS_PER_CHECK_MAX));
  }

  async function checkRows(waiting: readonly Entry[]): Promise<void> {
    const ids = [...new Set(waiting.map((entry) => entry.requestId))];
    const rows = await nativeCollection<RequestDocument>(Request)
      .find({ _id: { $in: ids }, state: { $in: [...TERMINAL_STATES] } }, { projection: { _id: 1 } })
      .toArray();
    const ended = new Set(rows.map((row) => row._id));
    for (const entry of waiting) {
      // The first time it may still be on its way; the second time it is lost.
      if (ended.has(entry.requestId) && entry.suspect) await deliverFromRow(entry);
      entry.suspect = ended.has(entry.requestId);
    }
  }

  const watch = runPeriodically({ intervalMs: CHECK_MS }, check, (error) =>
    log.warn({ err: error }, 'followed requests not checked'),
  );

  return {
    follow: async (request, { afterSeq, attach }, sink) => {
      const entry: Entry = {
        requestId: request._id,
        sink,
        sinceMs: performance.now(),
        suspect: attach,
        over: false,
        subscription: { lastSeq: () => afterSeq, ended: () => false, close: () => undefined },
      };
      if (isTerminal(request)) {
        await deliverStored(request, entry).catch((error: unknown) => lose(entry, error));
        return { close: () => undefined };
      }
      const { accountId, _id, streamKey } = request;
      const logCipher = request.stream ? await cipher.forRequest(accountId, _id, streamKey) : undefined;
      entries.add(entry);
      entry.subscription = relay.subscribe(
        {
          requestId: request._id,
          afterSeq,
          catchUp: attach && logCipher !== undefined,
          ...(logCipher ? { open: logCipher.open } : {}),
        },
        {
          onEvent: (seq, payload) => sink.onEvent(seq, payload),
          room: () => sink.room(),
          onEnd: (end) => {
            finish(entry);
            sink.onEnd(end);
          },
          onGap: () => void deliverFromRow(entry),
        },
      );
      // A plain answer leaves no log: it may have ended between the reading of its row and the subscription.
      if (attach) await deliverFromRow(entry);
      return { close: () => finish(entry) };
    },
    open: () => entries.size,
    close: watch.stop,
  };
}
