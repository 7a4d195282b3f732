/**
 * Group commit (natural batching): an idle writer sends what one turn of the event loop brings; what arrives while a
 * send is in flight waits and goes out together in the next one. No timer, so no latency when idle, and few round trips
 * under load. Only what nobody waits for may be given a time to gather in: alone, a write costs ten times its share of a group.
 */

export type GroupCommit<Item, Result> = {
  /** Resolves with this item's own result, or rejects with what `flush` threw or returned for it. */
  submit(item: Item): Promise<Result>;
  /** Items that wait or are in flight. */
  pending(): number;
  /** Sends what waits at once; resolves when nothing waits or flies any more. Never rejects. */
  drain(): Promise<void>;
};

type Waiting<Item, Result> = { item: Item; resolve: (result: Result) => void; reject: (error: unknown) => void };

/**
 * @param flush writes a batch and returns one result per item, in order. An `Error` as a result rejects that item
 *   alone; a throw rejects the whole batch. It must have its own deadline.
 * @param itemsMax bound of one batch.
 * @param flightsMax batches in flight at once; more than one keeps a slow round trip from stalling the next.
 * @param gatherMs how long the first item of a batch waits for company; none when left out.
 */
export function createGroupCommit<Item, Result>(options: {
  flush: (items: Item[]) => Promise<(Result | Error)[]>;
  itemsMax: number;
  flightsMax?: number;
  gatherMs?: number;
}): GroupCommit<Item, Result> {
  const { flush, itemsMax, flightsMax = 1, gatherMs } = options;
  let queue: Waiting<Item, Result>[] = [];
  let flights = 0;
  let flying = 0;
  let scheduled = false;
  let gathering: NodeJS.Timeout | undefined;
  const drained: (() => void)[] = [];

  /** What one turn of the event loop brings goes out together; an idle writer waits no longer than that. */
  function schedule(): void {
    if (gatherMs !== undefined && queue.length < itemsMax) gathering ??= setTimeout(launch, gatherMs);
    else if (!scheduled) {
      scheduled = true;
      setImmediate(launch);
    }
  }

  function launch(): void {
    scheduled = false;
    clearTimeout(gathering);
    gathering = undefined;
    while (flights < flightsMax && queue.length > 0) {
      const batch = queue.length <= itemsMax ? queue : queue.slice(0, itemsMax);
      queue = queue.length <= itemsMax ? [] : queue.slice(itemsMax);
      flights++;
      flying += batch.length;
      void fly(batch);
    }
  }

  async function fly(batch: Waiting<Item, Result>[]): Promise<void> {
    try {
      const results = await flush(batch.map((waiting) => waiting.item));
      batch.forEach((waiting, index) => {
        const result = results[index];
        if (result instanceof Error) waiting.reject(result);
        else if (index >= results.length) waiting.reject(new Error('group commit: a result is missing'));
        else waiting.resolve(result as Result);
      });
    } catch (error) {
      for (const waiting of batch) waiting.reject(error);
    } finally {
      flights--;
      flying -= batch.length;
      landed();
    }
  }

  function landed(): void {
    if (drained.length > 0 || gatherMs === undefined) launch();
    else if (queue.length > 0) schedule();
    if (pending() > 0) return;
    for (const resolve of drained.splice(0)) resolve();
  }

  function pending(): number {
    return queue.length + flying;
  }

  return {
    submit: (item) =>
      new Promise<Result>((resolve, reject) => {
        queue.push({ item, resolve, reject });
        schedule();
      }),
    pending,
    drain: async () => {
      if (pending() === 0) return;
      const over = new Promise<void>((resolve) => drained.push(resolve));
      launch();
      await over;
    },
  };
}
