import { createCipheriv, createDecipheriv, type KeyObject, randomBytes } from 'node:crypto';
import { Binary } from 'mongodb';

/**
 * AES-256-GCM as everything at rest uses it. Sealed bytes are `format(1) | key version(2) | nonce(12) | tag(16) |
 * ciphertext`; the place they belong to and the key's version are associated data, so that a ciphertext cannot be moved
 * to another account, document or field, nor be passed off as one of another key.
 */

const ALGORITHM = 'aes-256-gcm';
const FORMAT_VERSION = 2;
const VERSION_OFFSET = 1;
const NONCE_OFFSET = 3;
const NONCE_BYTES = 12;
const TAG_OFFSET = NONCE_OFFSET + NONCE_BYTES;
const HEADER_BYTES = TAG_OFFSET + 16;
const NONCES_PER_FILL = 256;

export const KEY_BYTES = 32;
export type CipherKey = Uint8Array | KeyObject;

let noncePool = Buffer.alloc(0);
let nonceOffset = 0;

/** A random nonce; the generator is asked for many at once, because each asking costs more than the bytes. */
function nextNonce(): Buffer {
  if (nonceOffset + NONCE_BYTES > noncePool.length) {
    noncePool = randomBytes(NONCE_BYTES * NONCES_PER_FILL);
    nonceOffset = 0;
  }
  nonceOffset += NONCE_BYTES;
  return noncePool.subarray(nonceOffset - NONCE_BYTES, nonceOffset);
}

/** Associated data of a place: key version, whose it is, where it is kept. */
export function placeOf(version: number, owner: string, context: string): Buffer {
  return Buffer.from(`${version}|${owner}|${context}`);
}

/** @param place from `placeOf`, with the same version. */
export function sealWith(key: CipherKey, version: number, place: Uint8Array, plain: Uint8Array): Buffer {
  const nonce = nextNonce();
  const cipher = createCipheriv(ALGORITHM, key, nonce);
  cipher.setAAD(place);
  const body = cipher.update(plain);
  cipher.final();
  const sealed = Buffer.allocUnsafe(HEADER_BYTES + body.length);
  sealed[0] = FORMAT_VERSION;
  sealed.writeUInt16BE(version, VERSION_OFFSET);
  sealed.set(nonce, NONCE_OFFSET);
  sealed.set(cipher.getAuthTag(), TAG_OFFSET);
  sealed.set(body, HEADER_BYTES);
  return sealed;
}

/** Throws when the bytes were changed, or belong to another place or key. */
export function openWith(key: CipherKey, place: Uint8Array, sealed: Uint8Array): Buffer {
  const decipher = createDecipheriv(ALGORITHM, key, sealed.subarray(NONCE_OFFSET, TAG_OFFSET));
  decipher.setAAD(place);
  decipher.setAuthTag(sealed.subarray(TAG_OFFSET, HEADER_BYTES));
  return Buffer.concat([decipher.update(sealed.subarray(HEADER_BYTES)), decipher.final()]);
}

/** The version of the key that sealed the bytes. Throws when they are not sealed bytes at all. */
export function keyVersionOf(sealed: Uint8Array): number {
  if (sealed.length < HEADER_BYTES || sealed[0] !== FORMAT_VERSION)
    throw new Error('sealed content has an unknown format');
  return ((sealed[VERSION_OFFSET] ?? 0) << 8) | (sealed[VERSION_OFFSET + 1] ?? 0);
}

/** BSON binaries come back as `Binary` from the driver and as Buffer from mongoose; both become plain bytes. */
export function toBytes(value: Uint8Array | Binary): Uint8Array {
  return value instanceof Binary ? value.buffer.subarray(0, value.position) : value;
}
