/** Keeps a local engine running: started again when it dies, a bounded number of times. */

export type Log = (line: string) => void;

export type Running = {
  pid: number | undefined;
  /** Resolves when the process has gone, for whatever reason. */
  ended: Promise<void>;
  stop(): Promise<void>;
};

export type SuperviseOptions = {
  /** For the log, such as "redis". */
  name: string;
  /** Starts the engine on the same port and data each time; resolves when it answers. */
  start: () => Promise<Running>;
  log: Log;
  /** How often it may die within `windowMs` before it is given up. */
  restartsMax?: number;
  windowMs?: number;
  /** Called once when the engine is given up. */
  onGiveUp?: ((error: Error) => void) | undefined;
};

export type Supervised = {
  /** The process at this moment; undefined between two starts. */
  pid(): number | undefined;
  stop(): Promise<void>;
};

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 3000;

/** Resolves when the engine runs. @throws what the first `start` throws. */
export async function supervise(options: SuperviseOptions): Promise<Supervised> {
  const { restartsMax = 10, windowMs = 60_000 } = options;
  let running: Running | undefined = await options.start();
  let isStopping = false;
  let wake = (): void => undefined;

  const pause = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });

  async function watch(): Promise<void> {
    const deaths: number[] = [];
    let reason = 'it ended';
    while (!isStopping) {
      await running?.ended;
      running = undefined;
      if (isStopping) return;
      const now = Date.now();
      deaths.push(now);
      const recent = deaths.filter((at) => now - at < windowMs).length;
      if (recent > restartsMax)
        throw new Error(`${options.name} died ${recent} times in ${windowMs / 1000} s and is given up: ${reason}`);
      options.log(`${options.name} has died, starting it again (${recent} of at most ${restartsMax})`);
      await pause(Math.min(FIRST_PAUSE_MS * 2 ** (recent - 1), LONGEST_PAUSE_MS));
      if (isStopping) return;
      try {
        running = await options.start();
        options.log(`${options.name} runs again`);
      } catch (error) {
        reason = error instanceof Error ? error.message : String(error);
        options.log(`${options.name} did not start: ${reason}`);
      }
    }
  }

  const watching = watch().catch((error: unknown) => {
    const given = error instanceof Error ? error : new Error(String(error));
    options.log(given.message);
    options.onGiveUp?.(given);
  });

  return {
    pid: () => running?.pid,
    async stop() {
      isStopping = true;
      wake();
      await running?.stop();
      await watching;
      await running?.stop(); // It may have been starting just then.
    },
  };
}
