import { createRequire } from 'node:module';
import type { Socket } from 'node:net';

/**
 * The driver (7.8.0, and 7.9.0) can wait for ever on a connection that the other side has closed: between the end of the
 * socket and the event that tells of it, or in the microtask in which a pool is cleared, a command is still written. The
 * write returns false, and the driver waits for 'drain', which a destroyed socket never sends; no time limit covers that
 * wait. Here the wait ends when the connection does, and the driver's own check then throws the network error.
 */

type DriverConnection = { socket: Socket; closed: boolean; error: Error | null; cleanup(error: Error): void };

const MENDED = Symbol.for('ocelotiq.closed-connection');

/** Mends the driver's class of connections, once per process. Throws when a new version no longer has what is mended. */
export function mendClosedConnections(): void {
  const load = createRequire(import.meta.url);
  const { Connection } = load('mongodb/lib/cmap/connection.js') as {
    Connection: { prototype: DriverConnection & { [MENDED]?: true } };
  };
  const { prototype } = Connection;
  if (prototype[MENDED]) return;
  if (typeof prototype.cleanup !== 'function')
    throw new Error('the MongoDB driver has changed: see closed-connection.ts');
  const { cleanup } = prototype;
  prototype[MENDED] = true;
  prototype.cleanup = function (this: DriverConnection, error: Error): void {
    cleanup.call(this, error);
    const { socket, error: reason } = this;
    // For a command that is about to be written, and for one that waits already.
    socket.write = () => {
      throw reason ?? error;
    };
    socket.emit('drain');
  };
}
