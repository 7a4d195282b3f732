import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import ipaddr from 'ipaddr.js';
import { checkCallbackUrl, isForbiddenAddress, mayConnectTo } from '../../src/callback-address.ts';
import { runs } from '../helpers/property-runs.ts';

const strict = { allowLoopback: false };
const evaluation = { allowLoopback: true };

function reasonFor(text: string, options = strict): string {
  const check = checkCallbackUrl(text, options);
  return check.ok ? 'ok' : check.reason;
}

describe('a callback URL', () => {
  test.each([
    'https://hooks.example.com/path?token=1',
    'https://hooks.example.com:8443/',
    'https://hooks.example.com:1024/',
    'HTTPS://Hooks.Example.COM',
    'https://приём.рф/событие',
    'https://a-b_c.example.co.uk:65535/%2e%2e/x',
  ])('may be %s', (text) => {
    expect(reasonFor(text)).toBe('ok');
  });

  test.each([
    ['http://hooks.example.com/', 'scheme'],
    ['ftp://hooks.example.com/', 'scheme'],
    ['file:///etc/passwd', 'scheme'],
    ['javascript:alert(1)', 'scheme'],
    ['hooks.example.com/', 'not_a_url'],
    ['//hooks.example.com/', 'not_a_url'],
    ['', 'not_a_url'],
    ['https://', 'not_a_url'],
    ['https://hooks.example.com/\u0000', 'not_a_url'],
    ['https://hooks.exam\tple.com/', 'not_a_url'],
    ['https://hooks.example.com/\r\nHost: a', 'not_a_url'],
    [' https://hooks.example.com/', 'not_a_url'],
    ['https://hooks.example\u200b.com/', 'not_a_url'],
    ['https://user@hooks.example.com/', 'credentials'],
    ['https://user:password@hooks.example.com/', 'credentials'],
    ['https://@hooks.example.com/', 'credentials'],
    ['https://hooks.example.com/#', 'fragment'],
    ['https://hooks.example.com/#top', 'fragment'],
    ['https://hooks.example.com:80/', 'port'],
    ['https://hooks.example.com:22/', 'port'],
    ['https://hooks.example.com:25/', 'port'],
    ['https://hooks.example.com:0/', 'port'],
    ['https://hooks.example.com:2375/', 'port'],
    ['https://hooks.example.com:6379/', 'port'],
    ['https://hooks.example.com:9200/', 'port'],
    ['https://hooks.example.com:11211/', 'port'],
    ['https://hooks.example.com:27017/', 'port'],
    ['https://hooks.example.com:65536/', 'not_a_url'],
    ['https://localhost/', 'host_name'],
    ['https://localhost.localdomain/', 'host_name'],
    ['https://app.localhost/', 'host_name'],
    ['https://intranet/', 'host_name'],
    ['https://hooks.example.com./', 'host_name'],
    ['https://hooks..example.com/', 'host_name'],
    ['https://.example.com/', 'host_name'],
    ['https://printer.local/', 'host_name'],
    ['https://redis.internal/', 'host_name'],
    ['https://host.docker.internal/', 'host_name'],
    ['https://metadata.google.internal/computeMetadata/v1/', 'host_name'],
    ['https://METADATA.GOOGLE.INTERNAL/', 'host_name'],
    ['https://metadata.goog/', 'host_name'],
    ['https://kubernetes.default.svc/', 'host_name'],
    ['https://1.0.0.127.in-addr.arpa/', 'host_name'],
    ['https://a;b.example.com/', 'host_name'],
    [`https://${'a'.repeat(64)}.example.com/`, 'host_name'],
    [`https://${'a.'.repeat(130)}com/`, 'host_name'],
    [`https://hooks.example.com/${'a'.repeat(2_048)}`, 'too_long'],
    [`https://hooks.example.com/${'я'.repeat(500)}`, 'too_long'],
  ])('may not be %j (%s)', (text, reason) => {
    expect(reasonFor(text)).toBe(reason);
  });

  test('may not be an address, public ones included', () => {
    for (const text of [
      'https://8.8.8.8/',
      'https://[2606:4700::1111]/',
      'https://127.0.0.1:8443/',
      'https://[::1]/',
    ]) {
      expect(reasonFor(text)).toBe('ip_literal');
    }
  });

  test.each([
    'https://2130706433/',
    'https://0x7f000001/',
    'https://0x7f.1/',
    'https://0x7f.0x0.0x0.0x1/',
    'https://0177.0.0.1/',
    'https://017700000001/',
    'https://127.1/',
    'https://127.0.1/',
    'https://127.0.0.1./',
    'https://①②⑦.⓪.⓪.①/',
    'https://１２７.０.０.１/',
    'https://127。0。0。1/',
    'https://%31%32%37.0.0.1/',
    'https://[::ffff:127.0.0.1]/',
    'https://[::ffff:7f00:1]/',
    'https://[0:0:0:0:0:ffff:127.0.0.1]/',
    'https://[::127.0.0.1]/',
    'https://[64:ff9b::127.0.0.1]/',
    'https://[::1]/',
    'https://[0000:0000:0000:0000:0000:0000:0000:0001]/',
    'https://0/',
    'https://0.0.0.0/',
    'https:\\\\127.0.0.1\\x',
    'https:/\\127.0.0.1/',
    'https:127.0.0.1',
    'https:///127.0.0.1/',
    'https://hooks.example.com@127.0.0.1/',
    'https://hooks.example.com:443@127.0.0.1/',
    'https://hooks.example.com\\@127.0.0.1/',
    'https://127.0.0.1\\@hooks.example.com/',
    'https://127.0.0.1#@hooks.example.com/',
    'https://127.0.0.1%00.example.com/',
    'https://[fe80::1%25eth0]/',
    'https://256.256.256.256/',
    'https://127.0.0.1.1/',
  ])('may not spell loopback as %s', (text) => {
    expect(reasonFor(text)).not.toBe('ok');
  });

  test('in evaluation may also be this machine, over http, and still no other private place', () => {
    for (const text of [
      'http://127.0.0.1:40000/',
      'http://localhost/',
      'http://[::1]:40000/',
      'https://127.1.2.3:8443/',
    ]) {
      expect(reasonFor(text, evaluation)).toBe('ok');
    }
    expect(reasonFor('http://127.0.0.1:6379/', evaluation)).toBe('port');
    expect(reasonFor('http://10.0.0.1/', evaluation)).toBe('scheme');
    expect(reasonFor('https://10.0.0.1/', evaluation)).toBe('ip_literal');
    expect(reasonFor('https://[::ffff:127.0.0.1]/', evaluation)).toBe('ip_literal');
    expect(reasonFor('http://user@127.0.0.1:40000/', evaluation)).toBe('credentials');
    expect(reasonFor('http://hooks.example.com/', evaluation)).toBe('scheme');
  });

  test('of any random spelling never throws, and when accepted names a public host on https', () => {
    const piece = fc.constantFrom(
      'https:', 'http:', '//', '/', '\\', '@', ':', '.', '#', '?', '[', ']', '::', '127', '0', '0x7f', '１', '。', 'localhost', 'com', 'a', '%31', '443', '\t',
    ); // biome-ignore format: a table of pieces
    const text = fc.oneof(
      fc.webUrl({ withFragments: true, withQueryParameters: true }),
      fc.array(piece, { maxLength: 14 }).map((p) => p.join('')),
    );
    fc.assert(
      fc.property(text, (url) => {
        const check = checkCallbackUrl(url, strict);
        if (!check.ok) return true;
        const { protocol, hostname, username, password, hash } = check.url;
        return (
          protocol === 'https:' &&
          !ipaddr.isValid(hostname) &&
          hostname.includes('.') &&
          username + password + hash === ''
        );
      }),
      runs(2_000),
    );
  });
});

/** What ipaddr.js calls unicast, less what it does not know. */
function isPublic(ip: string): boolean {
  const address = ipaddr.parse(ip);
  if (address.kind() === 'ipv4') return address.range() === 'unicast' && ip !== '168.63.129.16';
  return address.range() === 'unicast' && ((address.toByteArray()[0] ?? 0) & 0xe0) === 0x20;
}

const FORBIDDEN_EDGES = [
  '0.0.0.0', '0.255.255.255', '10.0.0.0', '10.255.255.255', '100.64.0.0', '100.100.100.200', '100.127.255.255', '127.0.0.1', '127.255.255.255',
  '168.63.129.16', '169.254.0.0', '169.254.169.254', '172.16.0.0', '172.31.255.255', '192.0.0.0', '192.0.0.192', '192.0.2.1', '192.88.99.1', '192.168.0.0',
  '192.168.255.255', '198.18.0.0', '198.19.255.255', '198.51.100.1', '203.0.113.1', '224.0.0.1', '239.255.255.255', '240.0.0.1', '255.255.255.255',
  '::', '::1', '::7f00:1', '::127.0.0.1', '::ffff:127.0.0.1', '::ffff:8.8.8.8', '::ffff:a9fe:a9fe', '::ffff:0:8.8.8.8', '64:ff9b::7f00:1', '64:ff9b::8.8.8.8',
  '64:ff9b:1::1', '100::1', '2001::1', '2001:0:7f00:1::', '2001:2::1', '2001:10::1', '2001:20::1', '2001:db8::1', '2002:7f00:1::', '2002:a00:1::1', '2620:4f:8000::1',
  '3fff::1', '4000::1', '5f00::1', '8000::1', 'c000::1', 'fc00::1', 'fd00:ec2::254', 'fe80::1', 'fe80::1%eth0', 'febf::1', 'fec0::1', 'ff02::1',
  '', 'x', '1.2.3', '01.2.3.4', '8.8.8.8 ', '[::1]', '2606:4700::1111%eth0', '127.0.0.1/8',
]; // biome-ignore format: a table of addresses
const PUBLIC_EDGES = [
  '1.1.1.1', '8.8.8.8', '9.255.255.255', '11.0.0.0', '100.63.255.255', '100.128.0.0', '126.255.255.255', '128.0.0.0', '168.63.129.15', '169.253.255.255',
  '169.255.0.0', '172.15.255.255', '172.32.0.0', '192.0.1.0', '192.167.255.255', '192.169.0.0', '198.17.255.255', '198.20.0.0', '223.255.255.255',
  '2001:200::1', '2001:4860:4860::8888', '2606:4700::1111', '2a02:6b8::2:242', '2003::1', '3ffe:ffff::1', '2000::1',
]; // biome-ignore format: a table of addresses

describe('an address', () => {
  test.each(FORBIDDEN_EDGES)('%j is not public', (ip) => {
    expect(isForbiddenAddress(ip)).toBe(true);
  });

  test.each(PUBLIC_EDGES)('%s is public', (ip) => {
    expect(isForbiddenAddress(ip)).toBe(false);
  });

  test('in any spelling is judged as an independent library judges it', () => {
    const octet = fc.oneof(
      fc.constantFrom(0, 1, 10, 100, 127, 168, 169, 172, 192, 198, 203, 224, 240, 255),
      fc.nat(255),
    );
    const v4 = fc.tuple(octet, octet, octet, octet).map((octets) => octets.join('.'));
    const head = fc.constantFrom(
      0,
      0x64,
      0x100,
      0x2000,
      0x2001,
      0x2002,
      0x2620,
      0x3fff,
      0x5f00,
      0xfc00,
      0xfe80,
      0xfec0,
      0xff00,
    );
    const group = fc.oneof(fc.constantFrom(0, 1, 2, 0x10, 0x4f, 0xdb8, 0x8000, 0xff9b, 0xffff), fc.nat(0xffff));
    const groups = fc.tuple(fc.oneof(head, fc.nat(0xffff)), group, group, group, group, group, group, group);
    const v6 = groups.chain((parts) => {
      const full = parts.map((part) => part.toString(16).padStart(4, '0')).join(':');
      return fc.constantFrom(
        full,
        full.toUpperCase(),
        ipaddr.parse(full).toString(),
        parts.map((part) => part.toString(16)).join(':'),
      );
    });
    const embedded = fc
      .tuple(fc.constantFrom('::', '::ffff:', '::ffff:0:', '64:ff9b::', '2001:4860::'), v4)
      .map(([prefix, ip]) => prefix + ip);
    fc.assert(
      fc.property(fc.oneof(v4, v6, embedded, fc.ipV4(), fc.ipV6()), (ip) => {
        expect([ip, isForbiddenAddress(ip)]).toEqual([ip, !isPublic(ip)]);
      }),
      runs(20_000),
    );
  });

  test('of this machine may be reached in evaluation only', () => {
    for (const ip of ['127.0.0.1', '127.9.9.9', '::1']) {
      expect(mayConnectTo(ip, evaluation)).toBe(true);
      expect(mayConnectTo(ip, strict)).toBe(false);
    }
    for (const ip of ['10.0.0.1', '0.0.0.0', '::ffff:127.0.0.1', '169.254.169.254', '::', 'fe80::1']) {
      expect(mayConnectTo(ip, evaluation)).toBe(false);
    }
    expect(mayConnectTo('8.8.8.8', strict)).toBe(true);
  });
});
