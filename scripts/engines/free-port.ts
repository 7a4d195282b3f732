import { randomInt } from 'node:crypto';
import dgram from 'node:dgram';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';

/** Below the ports that systems give to outgoing connections: none of those can take a port before its server does. */
const PORT_MIN = 20_000;
const PORT_MAX = 32_000;
const TRIES_MAX = 200;
/** Far longer than any server needs until it listens. */
const RESERVED_MS = 300_000;

/**
 * A port on 127.0.0.1 that nobody listens on at this moment, and that no process on this machine is given meanwhile: two
 * servers told to use one port would each be taken for the other while the first of them starts.
 */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < TRIES_MAX; attempt++) {
    const port = randomInt(PORT_MIN, PORT_MAX);
    if ((await reservePort(port)) && (await isPortFree(port))) return port;
  }
  throw new Error(`no free port between ${PORT_MIN} and ${PORT_MAX}`);
}

/**
 * Holds the UDP port of that number, which no server here uses and the system gives to one process only: whoever reserves
 * its ports so before use cannot meet another. It ends by itself, at the latest with this process.
 * @returns false when another has reserved it.
 */
export function reservePort(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = dgram.createSocket('udp4');
    socket.once('error', () => {
      socket.close();
      resolve(false);
    });
    socket.bind({ port, address: '127.0.0.1', exclusive: true }, () => {
      socket.unref();
      setTimeout(() => socket.close(), RESERVED_MS).unref();
      resolve(true);
    });
  });
}

export function isPortFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = net.createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/**
 * The port for an engine: the wanted one, else the one it had the last time, else a new one. It is kept in the file `port` of the
 * engine's folder, so that addresses stay the same from one start to the next.
 * @param mayMove whether the engine's data allow another port than the last time.
 * @throws Error when they do not, and that port is not to be had.
 */
export async function keptPort(folder: string, wanted: number | undefined, mayMove = true): Promise<number> {
  const file = path.join(folder, 'port');
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const earlier = /^\d+$/.test(text.trim()) ? Number(text) : undefined;
  if (earlier !== undefined && !mayMove) {
    if (wanted !== undefined && wanted !== earlier)
      throw new Error(`the data in ${folder} are bound to port ${earlier}, not ${wanted}`);
    if (!(await isPortFree(earlier)))
      throw new Error(`port ${earlier}, which the data in ${folder} are bound to, is taken`);
  }
  const port = wanted ?? (earlier !== undefined && (await isPortFree(earlier)) ? earlier : await freePort());
  mkdirSync(folder, { recursive: true });
  writeFileSync(file, `${port}\n`);
  return port;
}
