/** Thrown out of a start that was told to stop. */
export class Stopped extends Error {
  override readonly name = 'Stopped';
}

export type StopSignal = {
  /** Resolves with the signal's name. */
  readonly requested: Promise<string>;
  /** Waits for `work`, but not once a stop is requested: then it rejects with `Stopped`. */
  during<T>(work: Promise<T>): Promise<T>;
};

/** npm passes on a Ctrl-C that the terminal has already given to everybody: within this time they are one. */
const SAME_REQUEST_MS = 1_000;
const PARENT_POLL_MS = 1_000;

/** npm killed with -9 tells nobody; its child would live on and hold the ports. */
function watchNpm(gone: () => void): void {
  if (process.env.npm_lifecycle_event !== 'start') return;
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    gone();
  }, PARENT_POLL_MS);
  timer.unref();
}

/**
 * Listens to SIGINT, SIGTERM and SIGHUP.
 * @param insist called when it is asked for again: the person does not want to wait.
 */
export function listenForStop(insist: () => void): StopSignal {
  let requestedAtMs: number | undefined;
  let request: (signal: string) => void = () => {};
  const requested = new Promise<string>((resolve) => {
    request = resolve;
  });
  const hear = (signal: string): void => {
    if (requestedAtMs === undefined) {
      requestedAtMs = Date.now();
      request(signal);
    } else if (Date.now() - requestedAtMs > SAME_REQUEST_MS) insist();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, hear);
  watchNpm(() => hear('npm has gone'));
  const stopped = requested.then((signal): never => {
    throw new Stopped(signal);
  });
  stopped.catch(() => {});
  return { requested, during: (work) => Promise.race([work, stopped]) };
}
