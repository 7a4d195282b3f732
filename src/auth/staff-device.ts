import { createHmac, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto';

/**
 * Browsers in which a member has signed in before. Such a browser carries a mark, and its tries are counted by
 * themselves: whoever guesses at the account, or at all accounts at once, does not keep the member out. The mark lets
 * nobody in; password and code are asked for all the same.
 */

export const DEVICE_DAYS = 180;
const DAY_MS = 86_400_000;
const KEY_BYTES = 32;
const ID_BYTES = 16;
const MARK = /^([0-9a-z]{1,12})\.([\w-]{22})\.([\w-]{43})$/;

function seal(pepper: Uint8Array, issued: string, id: string, email: string): Buffer {
  const key = new Uint8Array(hkdfSync('sha256', pepper, '', 'ocelotiq staff device', KEY_BYTES));
  return createHmac('sha256', key).update(`${issued}.${id}.${email.trim().toLowerCase()}`).digest();
}

/** A mark for the browser in which the member with this e-mail has just signed in. It names nobody. */
export function newDevice(pepper: Uint8Array, email: string, nowMs: number = Date.now()): string {
  const [issued, id] = [nowMs.toString(36), randomBytes(ID_BYTES).toString('base64url')];
  return `${issued}.${id}.${seal(pepper, issued, id, email).toString('base64url')}`;
}

/** The id of the browser, for counting; `undefined` for a mark that is not ours, of another member, or too old. */
export function deviceOf(
  pepper: Uint8Array,
  mark: string | undefined,
  email: string,
  nowMs: number = Date.now(),
): string | undefined {
  const [, issued = '', id = '', sealed = ''] = MARK.exec(mark ?? '') ?? [];
  if (id === '' || nowMs - Number.parseInt(issued, 36) > DEVICE_DAYS * DAY_MS) return undefined;
  return timingSafeEqual(Buffer.from(sealed, 'base64url'), seal(pepper, issued, id, email)) ? id : undefined;
}
