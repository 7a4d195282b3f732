import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import ipaddr from 'ipaddr.js';
import { checkCallbackUrl, hostOf, isForbiddenAddress, mayConnectTo } from '../../src/callback-address.ts';
import { runs } from '../helpers/property-runs.ts';

/** Every way to write an address into a URL: none of them is taken for a name, or for another address. */

const strict = { allowLoopback: false };
const evaluation = { allowLoopback: true };

type Quad = readonly [number, number, number, number];
const octet = fc.oneof(fc.constantFrom(0, 1, 10, 100, 127, 168, 169, 172, 192, 254, 255), fc.nat(255));
const loopback = fc.tuple(fc.constant(127), octet, octet, octet);
const quad: fc.Arbitrary<Quad> = fc.oneof(fc.tuple(octet, octet, octet, octet), loopback);

const radix = fc.constantFrom(
  (part: number) => String(part),
  (part: number) => `0${part.toString(8)}`,
  (part: number) => `0x${part.toString(16)}`,
  (part: number) => `0X${part.toString(16).toUpperCase()}`,
  (part: number) => `000${part.toString(8)}`,
  (part: number) => `0x0000${part.toString(16)}`,
);

/** One to four numbers, the last of which holds all bytes that are left, as `inet_aton` reads them. */
function numbersOf([a, b, c, d]: Quad, count: number): number[] {
  if (count === 1) return [((a * 256 + b) * 256 + c) * 256 + d];
  if (count === 2) return [a, (b * 256 + c) * 256 + d];
  return count === 3 ? [a, b, c * 256 + d] : [a, b, c, d];
}

/** Decimal, octal, hexadecimal, short and whole, in any mixture, with or without a dot at the end. */
const numeric = (address: Quad) =>
  fc
    .tuple(fc.integer({ min: 1, max: 4 }), fc.array(radix, { minLength: 4, maxLength: 4 }), fc.constantFrom('', '.'))
    .map(([count, write, dot]) =>
      numbersOf(address, count)
        .map((part, index) => write[index]?.(part))
        .join('.')
        .concat(dot),
    );

/** Characters that the mapping of host names turns into the plain one. */
const LOOKALIKES: Readonly<Record<string, readonly string[]>> = {
  '.': ['。', '．', '｡', '%2e', '%2E', '%EF%BC%8E'],
  0: ['０', '⓪', '⁰', '₀', '𝟎', '𝟘', '𝟬', '%30'],
  1: ['１', '①', '¹', '₁', '𝟏', '𝟙', '𝟭', '%31'],
  2: ['２', '②', '²', '𝟐', '%32'],
  7: ['７', '⑦', '⁷', '𝟕', '%37'],
  x: ['ｘ', 'ˣ', '𝐱', '%78'],
};

const disguised = (text: string) =>
  fc.array(fc.nat(99), { minLength: text.length, maxLength: text.length }).map((picks) =>
    Array.from(text, (character, index) => {
      const others = LOOKALIKES[character] ?? [];
      const pick = picks[index] ?? 99;
      return pick < 60 ? character : (others[pick % (others.length + 1)] ?? character);
    }).join(''),
  );

const hex = (high = 0, low = 0) => (high * 256 + low).toString(16);
const tail = ([a, b, c, d]: Quad) => fc.constantFrom(`${a}.${b}.${c}.${d}`, `${hex(a, b)}:${hex(c, d)}`);

/** An IPv4 address inside an IPv6 one: mapped, compatible, translated, NAT64, 6to4, Teredo, ISATAP. */
const embedded = (address: Quad) => {
  const [a, b, c, d] = address;
  const behind = fc
    .tuple(
      fc.constantFrom(
        '::',
        '::ffff:',
        '0:0:0:0:0:FFFF:',
        '::ffff:0:',
        '64:ff9b::',
        '64:ff9b:1::',
        '0064:ff9b:0:0:0:0:',
      ),
      tail(address),
    )
    .map((parts) => parts.join(''));
  return fc.oneof(
    behind,
    fc.constantFrom(
      `2002:${hex(a, b)}:${hex(c, d)}::1`,
      `2002:${hex(a, b)}:${hex(c, d)}:0:0:0:0:0`,
      `2001:0:4136:e378:8000:63bf:${hex(255 - a, 255 - b)}:${hex(255 - c, 255 - d)}`,
      `fe80::5efe:${a}.${b}.${c}.${d}`,
    ),
  );
};

const v6Text = fc.ipV6().chain((ip) => {
  const parsed = ipaddr.parse(ip);
  return fc.constantFrom(ip, ip.toUpperCase(), parsed.toString(), parsed.toNormalizedString());
});
const bracketed = fc
  .tuple(
    fc.oneof(v6Text, quad.chain(embedded), fc.constantFrom('::1', '0:0::1', '::', '::0001')),
    fc.constantFrom('', '', '%eth0', '%25eth0', '%251'),
  )
  .map(([ip, zone]) => `[${ip}${zone}]`);

const scheme = fc.constantFrom(
  'https://',
  'https://',
  'HTTPS://',
  'http://',
  'https:',
  'https:/',
  'https:\\\\',
  'https:///',
  'ws://',
);
const user = fc.constantFrom(
  '',
  '',
  '',
  '@',
  'a@',
  'a:b@',
  'hooks.example.com@',
  'hooks.example.com:443@',
  'hooks.example.com\\@',
  'hooks.example.com%40',
  '%40',
);
const port = fc.constantFrom('', ':443', ':8443', ':40000', ':0443', ':', ':65536');
const rest = fc.constantFrom(
  '',
  '/',
  '/x?y=1',
  '#hooks.example.com',
  '#@hooks.example.com/',
  '?@hooks.example.com',
  '/@hooks.example.com',
  '\\@hooks.example.com',
  '%00.example.com',
  '%2f.example.com',
);

const host = fc.oneof(quad.chain(numeric), quad.chain(numeric).chain(disguised), bracketed, bracketed.chain(disguised));
const url = fc.tuple(scheme, user, host, port, rest).map((parts) => parts.join(''));

/** A name may stand for any address, and is judged when it is connected to; an address must not pass for a name. */
test('is refused as a callback, under every disguise', () => {
  fc.assert(
    fc.property(url, (text) => {
      const check = checkCallbackUrl(text, strict);
      if (!check.ok) return;
      const { hostname, protocol, username, password, hash } = check.url;
      expect([text, ipaddr.isValid(hostOf(check.url)), protocol]).toEqual([text, false, 'https:']);
      // Only what an oddity before or after the address made part of a longer name is one.
      expect(hostname).toMatch(/\.example\.com$/);
      expect(username + password + hash).toBe('');
    }),
    runs(5_000),
  );
});

test('is never accepted when nothing stands around it', () => {
  fc.assert(
    fc.property(host, port, (text, where) => {
      for (const before of ['https://', 'http://'])
        expect(checkCallbackUrl(before + text + where, strict).ok).toBe(false);
    }),
    runs(5_000),
  );
});

test('in evaluation is accepted for this machine only, and is then that very address', () => {
  fc.assert(
    fc.property(url, (text) => {
      const check = checkCallbackUrl(text, evaluation);
      if (!check.ok || !ipaddr.isValid(hostOf(check.url))) return;
      expect([text, ipaddr.parse(hostOf(check.url)).range()]).toEqual([text, 'loopback']);
      expect(mayConnectTo(hostOf(check.url), evaluation)).toBe(true);
    }),
    runs(5_000),
  );
  fc.assert(
    fc.property(
      loopback.chain((address) => fc.tuple(fc.constant(address), numeric(address).chain(disguised))),
      ([address, text]) => {
        const check = checkCallbackUrl(`http://${text}:40000/`, evaluation);
        expect([text, check.ok && hostOf(check.url)]).toEqual([text, address.join('.')]);
      },
    ),
    runs(2_000),
  );
});

test('inside an IPv6 address leads nowhere, a public one neither', () => {
  fc.assert(
    fc.property(quad.chain(embedded), (ip) => {
      expect([ip, isForbiddenAddress(ip)]).toEqual([ip, true]);
      expect(mayConnectTo(ip, evaluation)).toBe(ipaddr.parse(ip).range() === 'loopback');
    }),
    runs(2_000),
  );
});

test('in digits of other scripts is a name or nothing', () => {
  const digits = fc.constantFrom('٠١٢٣٤٥٦٧٨٩', '۰۱۲۳۴۵۶۷۸۹', '०१२३४५६७८९', '๐๑๒๓๔๕๖๗๘๙', '〇一二三四五六七八九');
  fc.assert(
    fc.property(quad, digits, ([...octets], script) => {
      const letters = Array.from(script);
      const text = octets.join('.').replace(/\d/g, (digit) => letters[Number(digit)] ?? '');
      const check = checkCallbackUrl(`https://${text}/`, strict);
      if (check.ok) expect([text, ipaddr.isValid(check.url.hostname)]).toEqual([text, false]);
    }),
    runs(1_000),
  );
});
