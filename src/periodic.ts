/** Work that repeats: never twice at once, the next run `intervalMs` after the last one's end, failures reported. */
export type Periodic = {
  /** No run starts after this; resolves when the one under way has ended. */
  stop(): Promise<void>;
};

/** @param jitter share of the interval by which runs are spread, so that many processes do not work in step. */
export function runPeriodically(
  options: { intervalMs: number; jitter?: number },
  act: () => Promise<unknown>,
  onError: (error: unknown) => void,
): Periodic {
  const { intervalMs, jitter = 0 } = options;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> = Promise.resolve();
  let stopped = false;

  function schedule(): void {
    if (stopped) return;
    timer = setTimeout(run, intervalMs * (1 - jitter + Math.random() * 2 * jitter));
    timer.unref();
  }

  function run(): void {
    running = act()
      .then(() => undefined, onError)
      .then(schedule);
  }

  schedule();
  return {
    stop: () => {
      stopped = true;
      clearTimeout(timer);
      return running;
    },
  };
}
