import { createHmac, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';

/**
 * The text of an API key: `ocq_live_` or `ocq_test_`, 32 random base62 characters (190 bits) and a CRC32 of all that
 * in 6 more. The prefix makes leaked keys findable; the checksum turns typing errors and guesses away before any
 * database is asked. It is no secret: only the digest decides whether a key exists.
 */

export const KEY_KINDS = ['live', 'test'] as const;
export type KeyKind = (typeof KEY_KINDS)[number];

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const PREFIXES: Record<KeyKind, string> = { live: 'ocq_live_', test: 'ocq_test_' };
const PREFIX_CHARACTERS = 9;
const RANDOM_CHARACTERS = 32;
const CHECKSUM_CHARACTERS = 6;
const BODY_CHARACTERS = PREFIX_CHARACTERS + RANDOM_CHARACTERS;
const KEY_CHARACTERS = BODY_CHARACTERS + CHECKSUM_CHARACTERS;
/** Bytes from here on would make the first characters of the alphabet more likely than the others. */
const UNBIASED_BYTE_END = 256 - (256 % BASE62.length);

function randomBase62(length: number): string {
  let text = '';
  while (text.length < length) {
    for (const byte of randomBytes(length)) {
      if (byte < UNBIASED_BYTE_END && text.length < length) text += BASE62[byte % BASE62.length];
    }
  }
  return text;
}

function checksumText(body: string): string {
  let rest = crc32(body);
  let text = '';
  for (let i = 0; i < CHECKSUM_CHARACTERS; i++) {
    text = `${BASE62[rest % BASE62.length]}${text}`;
    rest = Math.floor(rest / BASE62.length);
  }
  return text;
}

/** A new key. It exists in this text only: store its digest and show it once. */
export function generateKey(kind: KeyKind): string {
  const body = `${PREFIXES[kind]}${randomBase62(RANDOM_CHARACTERS)}`;
  return `${body}${checksumText(body)}`;
}

function isBase62(code: number): boolean {
  return (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122);
}

/** Whether a text could be a key of ours: length, prefix, alphabet and checksum. Cheap enough for hostile input. */
export function checkKeyFormat(text: string): boolean {
  if (text.length !== KEY_CHARACTERS) return false;
  if (!text.startsWith(PREFIXES.live) && !text.startsWith(PREFIXES.test)) return false;
  for (let i = PREFIX_CHARACTERS; i < KEY_CHARACTERS; i++) if (!isBase62(text.charCodeAt(i))) return false;
  let rest = crc32(text.slice(0, BODY_CHARACTERS));
  for (let i = KEY_CHARACTERS - 1; i >= BODY_CHARACTERS; i--) {
    if (text.charCodeAt(i) !== BASE62.charCodeAt(rest % BASE62.length)) return false;
    rest = Math.floor(rest / BASE62.length);
  }
  return true;
}

/** What is stored and looked up instead of the key: HMAC-SHA256 in hex. Without the pepper a stolen digest says nothing. */
export function keyDigest(pepper: Uint8Array, key: string): string {
  return createHmac('sha256', pepper).update(key).digest('hex');
}

/** The two ends of a key by which its owner recognises it: `ocq_live_ab3` and the last four characters. */
export function keyEnds(key: string): { prefix: string; last4: string } {
  return { prefix: key.slice(0, PREFIX_CHARACTERS + 3), last4: key.slice(-4) };
}
