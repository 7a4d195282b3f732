import { BlockList, isIP } from 'node:net';

/**
 * Where webhooks may go. Pure checks: the spelling of a URL, and whether an address is public unicast. The address that
 * matters is the one that is connected to, so `connect.ts` asks again for every connection.
 */

/** Every range that is not public unicast, and why. Anything here is refused, whatever name led to it. */
const FORBIDDEN_RANGES: readonly (readonly [range: string, why: string])[] = [
  ['0.0.0.0/8', 'this network'],
  ['10.0.0.0/8', 'private'],
  ['100.64.0.0/10', 'carrier-grade NAT; cloud metadata of Alibaba'],
  ['127.0.0.0/8', 'loopback'],
  ['168.63.129.16/32', 'cloud metadata of Azure'],
  ['169.254.0.0/16', 'link-local; cloud metadata'],
  ['172.16.0.0/12', 'private'],
  ['192.0.0.0/24', 'IETF protocol assignments; cloud metadata of Oracle'],
  ['192.0.2.0/24', 'documentation'],
  ['192.31.196.0/24', 'AS112'],
  ['192.52.193.0/24', 'multicast tunnelling (AMT)'],
  ['192.88.99.0/24', '6to4 relays'],
  ['192.168.0.0/16', 'private'],
  ['192.175.48.0/24', 'AS112'],
  ['198.18.0.0/15', 'benchmarking'],
  ['198.51.100.0/24', 'documentation'],
  ['203.0.113.0/24', 'documentation'],
  ['224.0.0.0/4', 'multicast'],
  ['240.0.0.0/4', 'reserved; broadcast'],

  ['::/96', 'unspecified, loopback, IPv4-compatible'],
  ['::ffff:0:0/96', 'IPv4-mapped'],
  ['::ffff:0:0:0/96', 'IPv4-translated'],
  ['64:ff9b::/96', 'NAT64'],
  ['64:ff9b:1::/48', 'NAT64, local use'],
  ['100::/64', 'discard'],
  ['2001::/32', 'Teredo'],
  ['2001::/23', 'IETF protocol assignments: benchmarking, AMT, AS112, ORCHID, drone identifiers'],
  ['2001:db8::/32', 'documentation'],
  ['2002::/16', '6to4'],
  ['2620:4f:8000::/48', 'AS112'],
  ['3fff::/20', 'documentation'],
  ['5f00::/16', 'segment routing'],
  ['fc00::/7', 'unique local; cloud metadata of AWS'],
  ['fe80::/10', 'link-local'],
  ['fec0::/10', 'site-local, deprecated'],
  ['ff00::/8', 'multicast'],
  // Global unicast is allocated from 2000::/3 only. The complement is refused, so a range reserved tomorrow is too.
  ['::/3', 'not global unicast'],
  ['4000::/2', 'not global unicast'],
  ['8000::/1', 'not global unicast'],
];

const LOOPBACK_RANGES = ['127.0.0.0/8', '::1/128'] as const;

type AddressSet = (ip: string) => boolean;

/** One list per family: a shared one would compare IPv4 addresses with `::ffff:0:0/96` and find all of them there. */
function addressSet(ranges: Iterable<string>): AddressSet {
  const lists = { ipv4: new BlockList(), ipv6: new BlockList() };
  for (const range of ranges) {
    const [network = '', bits = ''] = range.split('/');
    const family = network.includes(':') ? 'ipv6' : 'ipv4';
    lists[family].addSubnet(network, Number(bits), family);
  }
  return (ip) => {
    const family = isIP(ip) === 6 ? 'ipv6' : 'ipv4';
    return lists[family].check(ip, family);
  };
}

const isListed = addressSet(FORBIDDEN_RANGES.map(([range]) => range));
const isLoopback = addressSet(LOOPBACK_RANGES);

/** True for everything that is not a plain public unicast address, text that is no address and scoped addresses included. */
export function isForbiddenAddress(ip: string): boolean {
  return isIP(ip) === 0 || ip.includes('%') || isListed(ip);
}

/** Whether a connection to `ip` may be made: public, or loopback where that is allowed (evaluation). */
export function mayConnectTo(ip: string, options: { allowLoopback: boolean }): boolean {
  return !isForbiddenAddress(ip) || (options.allowLoopback && isLoopbackAddress(ip));
}

function isLoopbackAddress(ip: string): boolean {
  return isIP(ip) !== 0 && !ip.includes('%') && isLoopback(ip);
}

const URL_CHARACTERS_MAX = 2_048;
const HOST_CHARACTERS_MAX = 253;
const PORT_UNPRIVILEGED = 1_024;
const PORTS_WELL_KNOWN: ReadonlySet<number> = new Set([443, 8_443]);

/** Ports from 1024 on where something other than a web server usually listens. */
const PORTS_DENIED: ReadonlySet<number> = new Set([
  1_433, 1_521, 1_883, 2_049, 2_181, 2_375, 2_376, 2_379, 2_380, 3_128, 3_268, 3_306, 3_389, 4_369, 4_646, 5_432,
  5_601, 5_672, 5_900, 5_984, 5_985, 5_986, 6_000, 6_379, 6_380, 6_443, 6_666, 6_667, 7_199, 7_473, 7_474, 7_687,
  8_086, 8_088, 8_125, 8_200, 8_300, 8_500, 8_600, 9_042, 9_090, 9_092, 9_100, 9_160, 9_200, 9_300, 9_418, 9_464, 9_465,
  10_250, 10_255, 10_256, 11_211, 11_434, 15_672, 16_379, 25_565, 26_379, 27_017, 27_018, 27_019, 28_017, 61_616,
]); // biome-ignore format: a table of ports

/** Names that stay inside a network, as last labels. */
const SUFFIXES_DENIED = [
  'local', 'localhost', 'localdomain', 'internal', 'intranet', 'private', 'corp', 'home', 'lan', 'svc', 'arpa', 'onion', 'alt',
] as const; // biome-ignore format: a table of names
const NAMES_DENIED: ReadonlySet<string> = new Set([
  'metadata.goog',
  'metadata.google.internal',
  'instance-data.ec2.internal',
]);
const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;
/** Controls, invisible characters, spaces and the backslash: URL parsers drop or turn these, so two may disagree. */
const AMBIGUOUS_CHARACTERS = /[\p{C}\p{Z}\\]/u;

export type UrlRefusal =
  | 'too_long'
  | 'not_a_url'
  | 'scheme'
  | 'credentials'
  | 'fragment'
  | 'port'
  | 'ip_literal'
  | 'host_name';
export type UrlCheck = { ok: true; url: URL } | { ok: false; reason: UrlRefusal };

/** The host of a URL as `isIP` and the resolver want it, without the brackets of IPv6. */
export function hostOf(url: URL): string {
  return url.hostname.startsWith('[') ? url.hostname.slice(1, -1) : url.hostname;
}

/** `localhost` and names under it mean this machine by standard, whatever DNS says. */
export function isLocalhostName(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost');
}

function refusedHost(host: string): UrlRefusal | undefined {
  if (isIP(host) !== 0) return 'ip_literal';
  const labels = host.split('.');
  if (labels.length < 2 || host.length > HOST_CHARACTERS_MAX || !labels.every((label) => LABEL.test(label)))
    return 'host_name';
  const last = labels.at(-1);
  return NAMES_DENIED.has(host) || SUFFIXES_DENIED.some((suffix) => suffix === last) ? 'host_name' : undefined;
}

function portAllowed(port: number, loopback: boolean): boolean {
  if (PORTS_DENIED.has(port)) return false;
  return PORTS_WELL_KNOWN.has(port) || port >= PORT_UNPRIVILEGED || (loopback && port === 80);
}

/**
 * Whether a callback URL may be stored and called, from its spelling alone: https with a public name (no IP literal), no
 * credentials, no fragment, a port where web servers live. Checked after WHATWG parsing, which has by then turned every
 * other spelling of an address (decimal, octal, hex, short, full-width) into the plain one.
 * @param options.allowLoopback evaluation only: also `http` and IP literals, to this machine itself.
 */
export function checkCallbackUrl(text: string, options: { allowLoopback: boolean }): UrlCheck {
  if (text.length > URL_CHARACTERS_MAX) return { ok: false, reason: 'too_long' };
  if (AMBIGUOUS_CHARACTERS.test(text) || !URL.canParse(text)) return { ok: false, reason: 'not_a_url' };
  const url = new URL(text);
  if (url.href.length > URL_CHARACTERS_MAX) return { ok: false, reason: 'too_long' };
  const host = hostOf(url);
  const loopback = options.allowLoopback && (isLoopbackAddress(host) || isLocalhostName(host));
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && loopback)) return { ok: false, reason: 'scheme' };
  const authority = /^[a-z]+:\/*([^/?#]*)/i.exec(text)?.[1] ?? '';
  if (url.username !== '' || url.password !== '' || authority.includes('@'))
    return { ok: false, reason: 'credentials' };
  if (text.includes('#')) return { ok: false, reason: 'fragment' };
  const refusal = loopback ? undefined : refusedHost(host);
  if (refusal) return { ok: false, reason: refusal };
  const port = url.port === '' ? { 'https:': 443, 'http:': 80 }[url.protocol as 'https:' | 'http:'] : Number(url.port);
  return portAllowed(port, loopback) ? { ok: true, url } : { ok: false, reason: 'port' };
}
