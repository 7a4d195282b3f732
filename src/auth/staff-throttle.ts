import { createHash } from 'node:crypto';
import { MongoServerError } from 'mongodb';
import { AppError } from '../errors.ts';
import { nativeCollection } from '../models/connect.ts';
import { StaffThrottle, type StaffThrottleDocument } from '../models/staff.ts';

/**
 * Slows guessing down: some tries are free, then each one costs a pause twice as long as the one before. Nobody is
 * locked out for good. Kept in MongoDB, so that a restart forgives nothing, and counted before the try, so that many
 * at once do not get more.
 */

const MINUTE_MS = 60_000;
const PAUSE_FIRST_MS = 15_000;
const PAUSE_MAX_MS = 15 * MINUTE_MS;
const ROUNDS_MAX = 5;
const DUPLICATE_KEY = 11_000;

type Rule = {
  freeTries: number;
  windowMs: number /** Beyond them the window is waited for, no longer. */;
  isFlat?: true;
};

/** How many tries a window has for nothing. */
export const THROTTLE_RULES = {
  address: { freeTries: 20, windowMs: 15 * MINUTE_MS },
  account: { freeTries: 5, windowMs: 15 * MINUTE_MS },
  device: { freeTries: 5, windowMs: 15 * MINUTE_MS },
  code: { freeTries: 5, windowMs: 5 * MINUTE_MS },
  /** All who come from browsers in which nobody has signed in yet, together. */
  strangers: { freeTries: 120, windowMs: MINUTE_MS, isFlat: true },
} as const satisfies Record<string, Rule>;

export type ThrottleKind = keyof typeof THROTTLE_RULES;

const throttles = () => nativeCollection<StaffThrottleDocument>(StaffThrottle);

/** What was typed as a name is not kept as text. */
function throttleId(kind: ThrottleKind, name: string): string {
  return `${kind}|${createHash('sha256').update(name).digest('base64url')}`;
}

function countUpdate({ freeTries, isFlat }: Rule, now: Date) {
  const after = { $add: ['$count', 1] };
  const beyond = { $min: [{ $max: [{ $subtract: [after, freeTries] }, 0] }, 10] };
  const pauseMs = { $min: [{ $multiply: [PAUSE_FIRST_MS, { $pow: [2, beyond] }] }, PAUSE_MAX_MS] };
  const isBeyond = { $gte: [after, freeTries] };
  const blockedUntil = isFlat ? '$windowEndsAt' : { $add: [now, { $toLong: pauseMs }] };
  // A pause does not end with a fresh start.
  const windowEndsAt = isFlat ? '$windowEndsAt' : { $add: [now, { $toLong: { $multiply: [pauseMs, 2] } }] };
  return [
    {
      $set: {
        count: after,
        blockedUntil: { $cond: [isBeyond, blockedUntil, '$blockedUntil'] },
        windowEndsAt: { $cond: [isBeyond, windowEndsAt, '$windowEndsAt'] },
        expiresAt: new Date(now.getTime() + 2 * PAUSE_MAX_MS),
      },
    },
  ];
}

/** Opens a new window with one try in it. False when somebody else did, or a window is open. */
async function openWindow(id: string, windowMs: number, now: Date): Promise<boolean> {
  const windowEndsAt = new Date(now.getTime() + windowMs);
  const fresh = { count: 1, windowEndsAt, blockedUntil: new Date(0), expiresAt: windowEndsAt };
  try {
    const result = await throttles().updateOne(
      { _id: id, windowEndsAt: { $lte: now } },
      { $set: fresh },
      { upsert: true },
    );
    return result.upsertedCount + result.modifiedCount === 1;
  } catch (error) {
    if (error instanceof MongoServerError && error.code === DUPLICATE_KEY) return false;
    throw error;
  }
}

/**
 * Counts one try. Throws `rate_limit_exceeded` with the pause that is left when it may not be made.
 * @param name the address, account, browser or member that tries; its hash is kept.
 */
export async function takeTry(kind: ThrottleKind, name: string, now: Date = new Date()): Promise<void> {
  const rule: Rule = THROTTLE_RULES[kind];
  const id = throttleId(kind, name);
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const open = { _id: id, windowEndsAt: { $gt: now }, blockedUntil: { $lte: now } };
    const { matchedCount } = await throttles().updateOne(open, countUpdate(rule, now));
    if (matchedCount === 1) return;
    const found = await throttles().findOne({ _id: id });
    if (found && found.blockedUntil > now) {
      const retryAfterMs = found.blockedUntil.getTime() - now.getTime();
      throw new AppError('rate_limit_exceeded', { message: 'Too many tries. Wait a little.', retryAfterMs });
    }
    if (await openWindow(id, rule.windowMs, now)) return;
  }
  throw new AppError('overloaded');
}

/** What many share gets one try back; the others start afresh. */
const SHARED: ReadonlySet<ThrottleKind> = new Set(['address', 'strangers']);

/** The try succeeded. */
export async function forgiveTries(kind: ThrottleKind, name: string): Promise<void> {
  const id = throttleId(kind, name);
  if (SHARED.has(kind)) await throttles().updateOne({ _id: id, count: { $gt: 0 } }, { $inc: { count: -1 } });
  else await throttles().deleteOne({ _id: id });
}
