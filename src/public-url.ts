/** Addresses as settings give them. */

const EVERYWHERE = new Set(['0.0.0.0', '::']);
const THIS_MACHINE = new Set(['localhost', '127.0.0.1', '[::1]']);

/** `a, b` as words. */
export function words(text: string): string[] {
  return text
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');
}

/** Where people open it: as given, else where it listens. An address to listen on everywhere is none to go to. */
export function publicUrl(given: string | undefined, host: string, port: number): string {
  const reachable = EVERYWHERE.has(host) ? '127.0.0.1' : host;
  return given ?? `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`;
}

/** A cookie that goes over a network in the clear is anybody's: only this machine may do without TLS. */
export function isSafeForCookies(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  return protocol === 'https:' || THIS_MACHINE.has(hostname);
}
