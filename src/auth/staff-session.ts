import { createHash, randomBytes } from 'node:crypto';
import { nativeCollection } from '../models/connect.ts';
import {
  type SessionStage,
  Staff,
  type StaffDocument,
  type StaffRole,
  StaffSession,
  type StaffSessionDocument,
} from '../models/staff.ts';

/**
 * Sessions of staff. The cookie holds 256 random bits; the database holds their hash. A new token at each step of the
 * sign-in, a limit of silence and one of age; who it is, and in which role, is read again at every request.
 */

const TOKEN_BYTES = 32;
const TOKEN_CHARACTERS = 43;
/** Between password and second factor. */
const UNFINISHED_MS = 10 * 60_000;
/** Being seen is written down once in a while, not at each request. */
const SEEN_MS = 60_000;

export type SessionLimits = { idleMs: number; absoluteMs: number };
export type StaffMember = { staffId: string; email: string; role: StaffRole };
export type OpenSession = { digest: string; stage: SessionStage; member: StaffMember };

const sessions = () => nativeCollection<StaffSessionDocument>(StaffSession);
const staff = () => nativeCollection<StaffDocument>(Staff);

/** A token for a cookie or a form: 256 random bits. */
export function newToken(): string {
  return randomBytes(TOKEN_BYTES).toString('base64url');
}

function digestOf(token: string): string {
  return createHash('sha256').update(token).digest('base64url');
}

/** Starts a session and ends the one that led to it. Returns the token, which is nowhere else. */
export async function startSession(
  staffId: string,
  stage: SessionStage,
  limits: SessionLimits,
  previousDigest?: string,
): Promise<string> {
  const now = Date.now();
  const token = newToken();
  const lifeMs = stage === 'open' ? Math.min(limits.idleMs, limits.absoluteMs) : UNFINISHED_MS;
  if (previousDigest !== undefined) await sessions().deleteOne({ _id: previousDigest });
  await sessions().insertOne({
    _id: digestOf(token),
    staffId,
    stage,
    createdAt: new Date(now),
    lastSeenAt: new Date(now),
    expiresAt: new Date(now + lifeMs),
  });
  return token;
}

async function noteSeen(session: StaffSessionDocument, limits: SessionLimits, now: number): Promise<void> {
  if (session.stage !== 'open' || now - session.lastSeenAt.getTime() < Math.min(SEEN_MS, limits.idleMs / 4)) return;
  const expiresAt = new Date(Math.min(now + limits.idleMs, session.createdAt.getTime() + limits.absoluteMs));
  await sessions().updateOne({ _id: session._id }, { $set: { lastSeenAt: new Date(now), expiresAt } });
}

/** The session a cookie stands for, with the member as the database has it now; `undefined` when there is none. */
export async function findSession(
  token: string | undefined,
  limits: SessionLimits,
  now: number = Date.now(),
): Promise<OpenSession | undefined> {
  if (token?.length !== TOKEN_CHARACTERS) return undefined;
  const digest = digestOf(token);
  const session = await sessions().findOne({ _id: digest });
  if (!session || session.expiresAt.getTime() <= now) return undefined;
  const member = await staff().findOne({ _id: session.staffId }, { projection: { email: 1, role: 1, status: 1 } });
  if (member?.status !== 'active') return undefined;
  await noteSeen(session, limits, now);
  return { digest, stage: session.stage, member: { staffId: member._id, email: member.email, role: member.role } };
}

/** Ends one session. */
export async function endSession(digest: string): Promise<void> {
  await sessions().deleteOne({ _id: digest });
}

/** Ends every session of a member. Returns how many there were. */
export async function endSessions(staffId: string): Promise<number> {
  const { deletedCount } = await sessions().deleteMany({ staffId });
  return deletedCount;
}
