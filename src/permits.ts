/** Bounds how much runs at once; what finds no room waits its turn, in the order of coming. */
export type Permits = {
  /** Runs `work` when there is room. */
  run<T>(work: () => Promise<T>): Promise<T>;
};

/** @param max how many run at once. The caller bounds how many wait. */
export function createPermits(max: number): Permits {
  const waiting: (() => void)[] = [];
  let free = max;

  function give(): void {
    const next = waiting.shift();
    if (next) next();
    else free++;
  }

  return {
    run: async (work) => {
      if (free > 0) free--;
      else await new Promise<void>((resolve) => waiting.push(resolve));
      try {
        return await work();
      } finally {
        give();
      }
    },
  };
}
