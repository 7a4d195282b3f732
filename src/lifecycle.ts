import type { Logger } from './log.ts';

/**
 * What a process opened, closed in reverse order. Each closer is registered on the line after the thing is made, so
 * there is no hand-kept shutdown list to forget something in.
 */
export type Lifecycle = {
  /** Registers a closer with its own deadline; a closer that hangs or throws does not stop the others. */
  defer(name: string, close: () => unknown, timeoutMs?: number): void;
  /** Runs the closers, last first. A second call returns the first one's promise. */
  close(): Promise<void>;
};

const CLOSE_TIMEOUT_MS = 5_000;

export function createLifecycle(log: Logger): Lifecycle {
  const closers: { name: string; close: () => unknown; timeoutMs: number }[] = [];
  let closing: Promise<void> | undefined;

  async function closeAll(): Promise<void> {
    for (const { name, close, timeoutMs } of closers.reverse()) {
      let timer: NodeJS.Timeout | undefined;
      const timeout = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new Error(`not closed within ${timeoutMs} ms`)), timeoutMs);
      });
      try {
        await Promise.race([Promise.resolve().then(close), timeout]);
      } catch (error) {
        log.warn({ closer: name, err: error }, 'closing failed');
      } finally {
        clearTimeout(timer);
      }
    }
  }

  return {
    defer: (name, close, timeoutMs = CLOSE_TIMEOUT_MS) => {
      closers.push({ name, close, timeoutMs });
    },
    close: () => (closing ??= closeAll()),
  };
}

/**
 * Ends the process on SIGTERM or SIGINT after `lifecycle` is closed: exit code 0, or 1 when `deadlineMs` passes first.
 * Unhandled errors end it too, because a process in an unknown state must not touch money.
 */
export function runUntilSignal(lifecycle: Lifecycle, log: Logger, deadlineMs: number): void {
  let stopping = false;
  const stop = (reason: string, exitCode: number): void => {
    if (stopping) return;
    stopping = true;
    log.info({ reason }, 'stopping');
    setTimeout(() => {
      log.error({ deadlineMs }, 'not stopped in time');
      process.exit(1);
    }, deadlineMs).unref();
    void lifecycle.close().finally(() => {
      log.info('stopped');
      process.exit(exitCode);
    });
  };
  process.once('SIGTERM', () => stop('SIGTERM', 0));
  process.once('SIGINT', () => stop('SIGINT', 0));
  process.on('uncaughtException', (error) => {
    log.fatal({ err: error }, 'uncaught exception');
    stop('uncaughtException', 1);
  });
  process.on('unhandledRejection', (error) => {
    log.fatal({ err: error }, 'unhandled rejection');
    stop('unhandledRejection', 1);
  });
}
