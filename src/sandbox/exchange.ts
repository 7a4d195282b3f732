import type { ServerResponse } from 'node:http';
import type { Call } from './calls.ts';
import type { ChatRequest } from './request.ts';
import type { Script } from './script.ts';
import type { Identity } from './shape.ts';
import type { Timer, Timers } from './timers.ts';

/** One chat call from its arrival to the close of its connection. */
export type Exchange = {
  readonly response: ServerResponse;
  readonly request: ChatRequest;
  readonly script: Script;
  readonly identity: Identity;
  readonly receivedUs: number;
  /** False once the connection is gone; nothing may be written then. */
  open(): boolean;
  /** Runs an action at a time of `performance.now()`, unless the connection is gone by then. One at a time. */
  at(dueMs: number, run: () => void): void;
  /** Closes the connection after what was written has left. `reset` sends RST instead of FIN. */
  cut(how: 'close' | 'reset'): void;
  /** Keeps the connection as it is, silent, until the client leaves or a quarter of an hour is over. */
  hold(): void;
};

/** No exchange lives longer than this, whatever its script says. */
export const holdMsMax = 900_000;
const resetDelayMs = 50;

type Parts = Pick<Exchange, 'response' | 'request' | 'script' | 'identity' | 'receivedUs'>;

/** Opens the exchange and tells `call` how it ended: completed, aborted by the client, or cut from here. */
export function openExchange(parts: Parts, call: Call, timers: Timers): Exchange {
  const { response } = parts;
  let open = true;
  let cutHere = false;
  let timer: Timer | undefined;

  response.on('close', () => {
    open = false;
    if (timer !== undefined) timers.cancel(timer);
    if (cutHere) call.end('cut');
    else call.end(response.writableFinished ? 'completed' : 'aborted');
  });

  function at(dueMs: number, run: () => void): void {
    if (open) timer = timers.at(dueMs, run);
  }

  function cut(how: 'close' | 'reset'): void {
    const { socket } = response;
    if (!open || socket === null) return;
    cutHere = true;
    if (how === 'close') {
      socket.destroySoon();
      return;
    }
    // A reset right behind the data often reaches the reader as a plain end, so the data gets time to be read.
    if (response.headersSent) at(performance.now() + resetDelayMs, () => socket.resetAndDestroy());
    else socket.resetAndDestroy();
  }

  function hold(): void {
    at(performance.now() + holdMsMax, () => cut('close'));
  }

  return { open: () => open, at, cut, hold, ...parts };
}
