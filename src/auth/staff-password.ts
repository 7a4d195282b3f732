import { hkdfSync, randomBytes } from 'node:crypto';
import { hash, verify } from '@node-rs/argon2';
import { AppError } from '../errors.ts';

/**
 * Passwords of staff: argon2id under a pepper, computed by few at a time, so that a flood of sign-ins stays cheap: one for
 * members in browsers that are known, one for everybody else, so that the flood is not waited for by members.
 */

const MEMORY_KIB = 65_536;
const PASSES = 3;
const ALGORITHM_ARGON2ID = 2;
const AT_ONCE_MAX = 1;
const WAITING_MAX = 16;
const BUSY_MS = 5_000;
const PEPPER_BYTES = 32;

export const PASSWORD_CHARACTERS_MIN = 12;
export const PASSWORD_CHARACTERS_MAX = 128;
const DISTINCT_CHARACTERS_MIN = 6;
const GUESSED_FIRST = /password|qwerty|123456|ocelotiq|admin|letmein|welcome|iloveyou|пароль|йцукен/i;
const GUESSABLE_REST_MIN = 8;

export type PasswordHasher = {
  hash(password: string): Promise<string>;
  /** Takes the same time when there is no hash, so that nobody learns who exists. Throws `overloaded`. */
  verify(passwordHash: string | undefined, password: string, from: 'stranger' | 'known'): Promise<boolean>;
};

/** @param pepper secret bytes that are not in the database. @param waitingMax how many wait in each of the two queues. */
export function createPasswordHasher(pepper: Uint8Array, waitingMax: number = WAITING_MAX): PasswordHasher {
  const secret = new Uint8Array(hkdfSync('sha256', pepper, '', 'ocelotiq staff password', PEPPER_BYTES));
  const options = {
    memoryCost: MEMORY_KIB,
    timeCost: PASSES,
    parallelism: 1,
    algorithm: ALGORITHM_ARGON2ID,
    secret,
  } as const;
  const queues = {
    known: createBoundedQueue(AT_ONCE_MAX, waitingMax),
    stranger: createBoundedQueue(AT_ONCE_MAX, waitingMax),
  };
  let nobody: Promise<string> | undefined;

  return {
    // Of somebody whose invitation is good.
    hash: (password) => queues.known(() => hash(password.normalize('NFC'), options)),
    verify: async (passwordHash, password, from) => {
      const limited = queues[from];
      nobody ??= queues.known(() => hash(randomBytes(PEPPER_BYTES), options));
      const against = passwordHash ?? (await nobody);
      const matches = await limited(() => verify(against, password.normalize('NFC'), { secret }));
      return matches && passwordHash !== undefined;
    },
  };
}

/** Runs at most `atOnce` works at a time; refuses with `overloaded` when `waitingMax` wait already. */
export function createBoundedQueue(atOnce: number, waitingMax: number): <T>(work: () => Promise<T>) => Promise<T> {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (running >= atOnce) {
      if (waiting.length >= waitingMax) throw new AppError('overloaded', { retryAfterMs: BUSY_MS });
      await new Promise<void>((resolve) => waiting.push(resolve));
    } else running++;
    try {
      return await work();
    } finally {
      // The place is handed over, so that nobody who comes in between can take it.
      const next = waiting.shift();
      if (next) next();
      else running--;
    }
  };
}

/** Why a password is not good enough; `undefined` when it is. */
export function passwordProblem(password: string, email: string): 'length' | 'simple' | undefined {
  const text = password.normalize('NFC');
  const characters = Array.from(text);
  if (characters.length < PASSWORD_CHARACTERS_MIN || characters.length > PASSWORD_CHARACTERS_MAX) return 'length';
  if (new Set(characters).size < DISTINCT_CHARACTERS_MIN) return 'simple';
  const [name = ''] = email.split('@');
  const rest = text.replace(email, '').replace(name, '').replace(GUESSED_FIRST, '');
  return rest.length < GUESSABLE_REST_MIN ? 'simple' : undefined;
}
