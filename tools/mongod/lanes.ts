/**
 * Writes to one document take turns here, before they reach postgres: waiting in a queue of our own is far cheaper than waiting
 * for a row lock, and the waiting ones occupy no connection.
 */
export type Lanes = {
  /** Runs `work` when every earlier work on any of these keys has ended. All keys are taken at once, so turns cannot deadlock. */
  run<Result>(keys: readonly string[], work: () => Promise<Result>): Promise<Result>;
};

export function createLanes(): Lanes {
  const last = new Map<string, Promise<void>>();
  return {
    async run(keys, work) {
      const earlier = new Set<Promise<void>>();
      let finish = (): void => undefined;
      const turn = new Promise<void>((resolve) => {
        finish = resolve;
      });
      for (const key of keys) {
        const before = last.get(key);
        if (before !== undefined && before !== turn) earlier.add(before);
        last.set(key, turn);
      }
      if (earlier.size > 0) await Promise.all(earlier);
      try {
        return await work();
      } finally {
        for (const key of keys) if (last.get(key) === turn) last.delete(key);
        finish();
      }
    },
  };
}
