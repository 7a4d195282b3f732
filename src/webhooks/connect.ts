import { Resolver } from 'node:dns/promises';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { isLocalhostName, mayConnectTo } from '../callback-address.ts';

/**
 * Connections that cannot be led astray by DNS: one resolution, every answer checked, the connection made to a checked
 * address, and the address that was reached checked once more. The name stays in SNI and in the certificate's check.
 */

/** All addresses of a name, IPv4 and IPv6. Rejects, or gives none, when there is no such name. */
export type Resolve = (hostname: string) => Promise<readonly string[]>;
/** Starts a TCP connection to an address; `net.connect` unless a test stands in for it. */
export type Dial = (options: { host: string; port: number }) => Socket;

export type ConnectFailure = 'dns_failed' | 'blocked_address' | 'connect_failed' | 'connect_timeout' | 'tls';
export type Connected = { ok: true; socket: Socket } | { ok: false; failure: ConnectFailure };
export type Target = { host: string; port: number; secure: boolean };
export type ConnectOptions = {
  allowLoopback: boolean;
  resolve: Resolve;
  dial: Dial;
  /** Certificate authorities (PEM) trusted in place of Node's own. */
  ca?: string | undefined;
  /** Ends the attempt at its deadline. */
  signal: AbortSignal;
  timeoutMs: number;
};

const DNS_TIMEOUT_MS = 2_000;
const DNS_TRIES = 2;
const ADDRESSES_MAX = 8;
const LOOPBACK_ADDRESSES = ['127.0.0.1', '::1'] as const;

/**
 * Asks DNS itself for A and AAAA. Not `dns.lookup`: that runs on a small pool of threads shared with every other look-up
 * of the process, where a few names with a silent name server would hold up the connections to providers.
 * @param servers `address:port` of name servers; those of the system when left out.
 */
export function createResolve(servers?: readonly string[]): Resolve {
  const resolver = new Resolver({ timeout: DNS_TIMEOUT_MS, tries: DNS_TRIES });
  if (servers) resolver.setServers(servers);
  return async (hostname) => {
    const answers = await Promise.allSettled([resolver.resolve4(hostname), resolver.resolve6(hostname)]);
    return answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
  };
}

export const dialTcp: Dial = (options) => connectTcp(options);

/** Rejects with the signal's reason when it is aborted first. */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
    if (signal.aborted) return abort();
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

async function addressesOf(host: string, options: ConnectOptions): Promise<readonly string[] | ConnectFailure> {
  if (isIP(host) !== 0) return [host];
  if (options.allowLoopback && isLocalhostName(host)) return LOOPBACK_ADDRESSES;
  try {
    const found = await unlessAborted(options.resolve(host), options.signal);
    if (found.length === 0) return 'dns_failed';
    // IPv4 first: a machine without IPv6 is more common than one without IPv4.
    return [...found].sort((a, b) => isIP(a) - isIP(b));
  } catch {
    return options.signal.aborted ? 'connect_timeout' : 'dns_failed';
  }
}

/** Waits for `event` on a socket that is connecting; the socket is destroyed when it fails or `timeoutMs` passes. */
function settled(
  socket: Socket,
  event: 'connect' | 'secureConnect',
  timeoutMs: number,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (error?: Error): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', timeout);
      socket.off(event, connected);
      if (error) {
        socket.destroy();
        reject(error);
      } else resolve();
    };
    const timeout = (): void => end(new DOMException('not connected in time', 'TimeoutError'));
    const connected = (): void => end();
    const timer = setTimeout(timeout, timeoutMs);
    signal.addEventListener('abort', timeout, { once: true });
    socket.once(event, connected);
    // Stays attached: an error between two owners of the socket must not end the process.
    socket.on('error', end);
    socket.once('close', () => end(new Error('closed while connecting')));
    if (signal.aborted) timeout();
  });
}

const isTimeout = (error: unknown): boolean => error instanceof DOMException && error.name === 'TimeoutError';

async function dialChecked(
  address: string,
  port: number,
  timeoutMs: number,
  options: ConnectOptions,
): Promise<Connected> {
  const socket = options.dial({ host: address, port });
  try {
    await settled(socket, 'connect', timeoutMs, options.signal);
  } catch (error) {
    return { ok: false, failure: isTimeout(error) ? 'connect_timeout' : 'connect_failed' };
  }
  if (socket.remoteAddress !== undefined && mayConnectTo(socket.remoteAddress, options)) return { ok: true, socket };
  socket.destroy();
  return { ok: false, failure: 'blocked_address' };
}

/** Tries the addresses in turn, each with its share of the time that is left. */
async function dialAny(
  addresses: readonly string[],
  port: number,
  endsAtMs: number,
  options: ConnectOptions,
): Promise<Connected> {
  let last: Connected = { ok: false, failure: 'connect_failed' };
  for (const [index, address] of addresses.entries()) {
    const leftMs = endsAtMs - performance.now();
    if (leftMs <= 0 || options.signal.aborted) return { ok: false, failure: 'connect_timeout' };
    last = await dialChecked(address, port, leftMs / (addresses.length - index), options);
    if (last.ok || last.failure === 'blocked_address') return last;
  }
  return last;
}

async function secured(socket: Socket, host: string, endsAtMs: number, options: ConnectOptions): Promise<Connected> {
  const tls = connectTls({
    socket,
    host,
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(options.ca === undefined ? {} : { ca: options.ca }),
    ALPNProtocols: ['http/1.1'],
    minVersion: 'TLSv1.2',
    rejectUnauthorized: true,
  });
  try {
    await settled(tls, 'secureConnect', Math.max(endsAtMs - performance.now(), 0), options.signal);
    return { ok: true, socket: tls };
  } catch (error) {
    socket.destroy();
    return { ok: false, failure: isTimeout(error) ? 'connect_timeout' : 'tls' };
  }
}

/**
 * A connection to a checked address of the target, ready for HTTP; or why there is none. Refuses when any of the name's
 * addresses is forbidden, because a name with one good and one bad answer is an attack, not a mistake.
 */
export async function connectGuarded(target: Target, options: ConnectOptions): Promise<Connected> {
  const endsAtMs = performance.now() + options.timeoutMs;
  const deadline = new AbortController();
  const abort = (): void => deadline.abort();
  const timer = setTimeout(abort, options.timeoutMs);
  options.signal.addEventListener('abort', abort, { once: true });
  const bounded = { ...options, signal: deadline.signal };
  try {
    const addresses = await addressesOf(target.host, bounded);
    if (typeof addresses === 'string') return { ok: false, failure: addresses };
    if (!addresses.every((address) => mayConnectTo(address, options))) return { ok: false, failure: 'blocked_address' };
    const dialled = await dialAny(addresses.slice(0, ADDRESSES_MAX), target.port, endsAtMs, bounded);
    if (!dialled.ok || !target.secure) return dialled;
    return await secured(dialled.socket, target.host, endsAtMs, bounded);
  } finally {
    clearTimeout(timer);
    options.signal.removeEventListener('abort', abort);
  }
}
