import { isIPv4, isIPv6 } from 'node:net';
import ipaddr from 'ipaddr.js';

const NETWORK_BYTES = 8;

/**
 * Whom to count an address as: an IPv4 address alone, an IPv6 address with its whole /64, because one subscriber has
 * all of that. IPv4 written as IPv6 (`::ffff:192.0.2.1`) is IPv4. What is no address counts as one group together.
 */
export function ipGroup(ip: string | undefined): string {
  if (ip === undefined) return 'unknown';
  if (isIPv4(ip)) return ip;
  if (!isIPv6(ip)) return 'unknown';
  const address = ipaddr.process(ip);
  if (address.kind() === 'ipv4') return address.toString();
  return `${Buffer.from(address.toByteArray().slice(0, NETWORK_BYTES)).toString('hex')}/64`;
}
