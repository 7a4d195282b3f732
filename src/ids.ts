import { randomBytes } from 'node:crypto';

/**
 * Identifiers: a type prefix and a lower-case ULID (48 bits of milliseconds, 80 random bits). They sort by time, so a
 * range of `_id` is a range of time, and they hold no `.` or `$`, because request and key ids become field names.
 */

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
const TIME_CHARACTERS = 10;
const RANDOM_CHARACTERS = 16;
const POOL_BYTES = RANDOM_CHARACTERS * 256;

export type IdPrefix =
  | 'acc'
  | 'key'
  | 'req'
  | 'evt'
  | 'adj'
  | 'api'
  | 'wrk'
  | 'pay'
  | 'alr'
  | 'ret'
  | 'rst'
  | 'des'
  | 'hld'
  | 'sig'
  | 'dsr'
  | 'stf'
  | 'cns'
  | 'inc'
  | 'ppr'
  | 'sus'
  | 'tkt'
  | 'cgr'
  | 'rol'
  | 'ann';

let pool = Buffer.alloc(0);
let poolOffset = 0;

function randomCharacters(): string {
  if (poolOffset + RANDOM_CHARACTERS > pool.length) {
    pool = randomBytes(POOL_BYTES);
    poolOffset = 0;
  }
  let text = '';
  for (let i = 0; i < RANDOM_CHARACTERS; i++) text += ALPHABET[(pool[poolOffset++] ?? 0) & 31];
  return text;
}

function timeCharacters(timeMs: number): string {
  let rest = timeMs;
  let text = '';
  for (let i = 0; i < TIME_CHARACTERS; i++) {
    text = ALPHABET[rest % 32] + text;
    rest = Math.floor(rest / 32);
  }
  return text;
}

/** A new identifier such as `req_01kb…` (prefix, underscore, 26 characters). */
export function newId(prefix: IdPrefix, timeMs: number = Date.now()): string {
  return `${prefix}_${timeCharacters(timeMs)}${randomCharacters()}`;
}

/** The smallest identifier of that type made at `timeMs`: the bound of a range over `_id`. */
export function lowestIdAt(prefix: IdPrefix, timeMs: number): string {
  return `${prefix}_${timeCharacters(timeMs)}${'0'.repeat(RANDOM_CHARACTERS)}`;
}

/** When an identifier was made, in milliseconds since the epoch. */
export function timeOfId(id: string): number {
  let timeMs = 0;
  for (const character of id.slice(-26, -16)) timeMs = timeMs * 32 + ALPHABET.indexOf(character);
  return timeMs;
}

export function isId(prefix: IdPrefix, text: string): boolean {
  return (
    text.length === prefix.length + 27 &&
    text.startsWith(`${prefix}_`) &&
    /^[0-9a-hjkmnp-tv-z]{26}$/.test(text.slice(-26))
  );
}
