/**
 * Group commit (natural batching): an idle writer sends what one turn of the event loop brings; what arrives while a
 * send is in flight waits and goes out together in the next one. No timer, so no latency when idle, and few round trips
 * under load.
 */

export type GroupCommit<Item, Result> = {
  /** Resolves with this item's own result, or rejects with what `flush` threw or returned for it. */
  submit(item: Item): Promise<Result>;
  /** Items that wait or are in flight. */
  pending(): number;
};

type Waiting<Item, Result> = { item: Item; resolve: (result: Result) => void; reject: (error: unknown) => void };

/**
 * @param flush writes a batch and returns one result per item, in order. An `Error` as a result rejects that item
 *   alone; a throw rejects the whole batch. It must have its own deadline.
 * @param itemsMax bound of one batch.
 * @param flightsMax batches in flight at once; more than one keeps a slow round trip from stalling the next.
 */
export function createGroupCommit<Item, Result>(options: {
  flush: (items: Item[]) => Promise<(Result | Error)[]>;
  itemsMax: number;
  flightsMax?: number;
}): GroupCommit<Item, Result> {
  const { flush, itemsMax, flightsMax = 1 } = options;
  let queue: Waiting<Item, Result>[] = [];
  let flights = 0;
  let flying = 0;
  let scheduled = false;

  /** What one turn of the event loop brings goes out together; an idle writer waits no longer than that. */
  function schedule(): void {
    if (scheduled) return;
    scheduled = true;
    setImmediate(launch);
  }

  function launch(): void {
    scheduled = false;
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
      launch();
    }
  }

  return {
    submit: (item) =>
      new Promise<Result>((resolve, reject) => {
        queue.push({ item, resolve, reject });
        schedule();
      }),
    pending: () => queue.length + flying,
  };
}
