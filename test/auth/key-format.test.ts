import { createHmac, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { checkKeyFormat, generateKey, keyDigest, keyEnds } from '../../src/auth/key-format.ts';
import { runs } from '../helpers/property-runs.ts';

const PUBLISHED = /^ocq_(live|test)_[0-9A-Za-z]{38}$/;
const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

function flipped(bytes: Uint8Array, bit: number): Buffer {
  const copy = Buffer.from(bytes);
  copy.writeUInt8(copy.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
  return copy;
}

/** CRC32 in six base62 digits, as anybody who reads the documentation can compute it. */
function checksumOf(body: string): string {
  const base = BigInt(ALPHABET.length);
  const digits = Array.from({ length: 6 }, (_, place) => (BigInt(crc32(body)) / base ** BigInt(5 - place)) % base);
  return digits.map((digit) => ALPHABET[Number(digit)]).join('');
}

describe('API key format', () => {
  test('generated keys match the published pattern and pass the check', () => {
    for (let i = 0; i < 500; i++) {
      const kind = i % 2 === 0 ? 'live' : 'test';
      const key = generateKey(kind);
      expect(key).toMatch(PUBLISHED);
      expect(key.startsWith(`ocq_${kind}_`)).toBe(true);
      expect(checkKeyFormat(key)).toBe(true);
    }
  });

  test('a thousand keys are a thousand different keys and use the whole alphabet evenly', () => {
    const keys = new Set(Array.from({ length: 1_000 }, () => generateKey('live')));
    expect(keys.size).toBe(1_000);
    const counts = new Map<string, number>();
    for (const key of keys) for (const letter of key.slice(9, 41)) counts.set(letter, (counts.get(letter) ?? 0) + 1);
    expect(counts.size).toBe(ALPHABET.length);
    // 32 000 letters, 516 expected of each, standard deviation 22.5; a modulo bias would give 25 % more to some.
    for (const count of counts.values()) expect(Math.abs(count - 516)).toBeLessThan(150);
  });

  test('every change of one character is refused by the checksum', () => {
    fc.assert(
      fc.property(fc.nat(46), fc.constantFrom(...ALPHABET.split(''), '_', '-', ' ', '$', 'é'), (position, letter) => {
        const key = generateKey('live');
        fc.pre(key[position] !== letter);
        expect(checkKeyFormat(key.slice(0, position) + letter + key.slice(position + 1))).toBe(false);
      }),
      runs(2_000),
    );
  });

  test('every change of one bit is refused by the checksum, and would have another digest', () => {
    const pepper = randomBytes(32);
    const key = generateKey('test');
    const digests = new Set([keyDigest(pepper, key)]);
    for (let bit = 0; bit < key.length * 8; bit++) {
      const changed = flipped(Buffer.from(key, 'latin1'), bit).toString('latin1');
      expect(checkKeyFormat(changed)).toBe(false);
      digests.add(keyDigest(pepper, changed));
    }
    expect(digests.size).toBe(1 + key.length * 8);
  });

  test('one bit of any key, or of the pepper, makes another digest', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.nat(), (pepper, at) => {
        const key = generateKey(at % 2 === 0 ? 'live' : 'test');
        const changed = flipped(Buffer.from(key, 'latin1'), at % (key.length * 8)).toString('latin1');
        expect(checkKeyFormat(changed)).toBe(false);
        const others = [keyDigest(pepper, changed), keyDigest(flipped(pepper, at % 256), key)];
        expect(others).not.toContain(keyDigest(pepper, key));
      }),
      runs(500),
    );
  });

  test('a key with one letter changed and its checksum made right again is another key', () => {
    fc.assert(
      fc.property(fc.integer({ min: 9, max: 40 }), fc.constantFrom(...ALPHABET.split('')), (position, letter) => {
        const key = generateKey('live');
        fc.pre(key[position] !== letter);
        const body = key.slice(0, position) + letter + key.slice(position + 1, 41);
        const forged = body + checksumOf(body);
        expect(checkKeyFormat(forged)).toBe(true);
        expect(keyDigest(Buffer.alloc(32, 7), forged)).not.toBe(keyDigest(Buffer.alloc(32, 7), key));
      }),
      runs(500),
    );
  });

  test('two neighbouring characters that changed places are refused', () => {
    const key = generateKey('live');
    for (let i = 9; i < key.length - 1; i++) {
      const swapped = key.slice(0, i) + key.charAt(i + 1) + key.charAt(i) + key.slice(i + 2);
      expect(checkKeyFormat(swapped)).toBe(swapped === key);
    }
  });

  test('no other text passes, whatever it is', () => {
    fc.assert(fc.property(fc.string({ maxLength: 100 }), (text) => !checkKeyFormat(text)));
    for (const text of [
      '',
      'ocq_live_',
      `${generateKey('live')}a`,
      generateKey('live').slice(1),
      'a'.repeat(1_000_000),
    ]) {
      expect(checkKeyFormat(text)).toBe(false);
    }
  });

  test('the digest is HMAC-SHA256 under the pepper', () => {
    const pepper = Buffer.alloc(32, 7);
    const key = generateKey('live');
    expect(keyDigest(pepper, key)).toBe(createHmac('sha256', pepper).update(key).digest('hex'));
    expect(keyDigest(Buffer.alloc(32, 8), key)).not.toBe(keyDigest(pepper, key));
  });

  test('the ends of a key give away 3 + 4 of its characters', () => {
    const key = generateKey('live');
    expect(keyEnds(key)).toEqual({ prefix: key.slice(0, 12), last4: key.slice(-4) });
  });
});
