import { AppError } from '../errors.ts';
import { nativeCollection } from '../models/connect.ts';
import { Staff, type StaffDocument } from '../models/staff.ts';
import { findStaff, invitationDigest } from './staff.ts';
import { deviceOf } from './staff-device.ts';
import { type PasswordHasher, passwordProblem } from './staff-password.ts';
import { endSessions, type SessionLimits, startSession } from './staff-session.ts';
import { forgiveTries, type ThrottleKind, takeTry } from './staff-throttle.ts';
import {
  acceptCode,
  acceptRecoveryCode,
  type Enrolment,
  enrolmentOf,
  newRecoveryCodes,
  prepareEnrolment,
  recoveryHash,
  type StaffCipher,
} from './staff-totp.ts';

/**
 * The way in: password, then the second factor. Each step ends the session that led to it and starts one with a new
 * token. What is wrong is not told apart: neither by words nor by time.
 */

export type SignInDependencies = {
  hasher: PasswordHasher;
  cipher: StaffCipher;
  pepper: Uint8Array;
  limits: SessionLimits;
};

export type Step = { staffId: string; token: string; stage: 'code' | 'enrol' | 'open' };

const staff = () => nativeCollection<StaffDocument>(Staff);
const failed = () => new AppError('sign_in_failed');

async function afterPassword(member: StaffDocument, deps: SignInDependencies): Promise<Step> {
  const stage = member.totp?.confirmedAt ? 'code' : 'enrol';
  if (stage === 'enrol') await prepareEnrolment(member, deps.cipher);
  return { staffId: member._id, stage, token: await startSession(member._id, stage, deps.limits) };
}

/** All strangers are counted as one. */
const EVERYBODY = 'everybody';

/**
 * The first step. Throws `sign_in_failed`, `rate_limit_exceeded` or `overloaded`.
 * @param given.address group of the caller's address, for counting.
 * @param given.device the mark of a browser in which somebody has signed in before.
 */
export async function signInWithPassword(
  given: { email: string; password: string; address: string; device?: string | undefined },
  deps: SignInDependencies,
): Promise<Step> {
  const email = given.email.trim().toLowerCase();
  const device = deviceOf(deps.pepper, given.device, email);
  // A member who is refused because of others has not lost a try of the account.
  const counted: readonly (readonly [ThrottleKind, string])[] =
    device === undefined
      ? [['address', given.address], ['strangers', EVERYBODY], ['account', email]] // biome-ignore format: a table
      : [['device', device]];
  for (const [kind, name] of counted) await takeTry(kind, name);
  const member = await staff().findOne({ email });
  const hash = member?.status === 'active' ? member.passwordHash : undefined;
  const from = device === undefined ? 'stranger' : 'known';
  if (!(await deps.hasher.verify(hash, given.password, from)) || !member) throw failed();
  await Promise.all(counted.map(([kind, name]) => forgiveTries(kind, name)));
  return afterPassword(member, deps);
}

/**
 * Takes an invitation up with a password of the invited one's own. Throws `sign_in_failed` when the invitation is used,
 * too old or wrong, `invalid_request` (`param: password`) for a bad password.
 */
export async function acceptInvitation(
  given: { token: string; password: string; address: string },
  deps: SignInDependencies,
): Promise<Step> {
  await takeTry('address', given.address);
  const open = { 'invitation.digest': invitationDigest(given.token), 'invitation.expiresAt': { $gt: new Date() } };
  const invited = await staff().findOne({ ...open, status: 'invited' });
  if (!invited) throw failed();
  const problem = passwordProblem(given.password, invited.email);
  if (problem) throw new AppError('invalid_request', { param: 'password', details: { problem } });
  const passwordHash = await deps.hasher.hash(given.password);
  const member = await staff().findOneAndUpdate(
    { _id: invited._id, status: 'invited', ...open },
    { $set: { status: 'active', passwordHash, recoveryCodes: [] }, $unset: { invitation: 1, totp: 1 } },
    { returnDocument: 'after' },
  );
  if (!member) throw failed();
  await Promise.all([forgiveTries('address', given.address), endSessions(member._id)]);
  return afterPassword(member, deps);
}

/** What to show a member whose session is in the stage `enrol`. Throws `sign_in_failed` when there is nothing to set up. */
export async function showEnrolment(staffId: string, deps: SignInDependencies): Promise<Enrolment> {
  const enrolment = await enrolmentOf(await findStaff(staffId), deps.cipher);
  if (!enrolment) throw failed();
  return enrolment;
}

async function open(staffId: string, previousDigest: string, deps: SignInDependencies): Promise<Step> {
  await forgiveTries('code', staffId);
  await staff().updateOne({ _id: staffId }, { $set: { lastSignInAt: new Date() } });
  return { staffId, stage: 'open', token: await startSession(staffId, 'open', deps.limits, previousDigest) };
}

/**
 * Confirms the device with a code of it. Returns the recovery codes, which are shown once, and an open session; every
 * other session of the member ends. Throws `sign_in_failed`.
 */
export async function confirmEnrolment(
  session: { staffId: string; digest: string },
  code: string,
  deps: SignInDependencies,
): Promise<Step & { recoveryCodes: string[] }> {
  await takeTry('code', session.staffId);
  const member = await findStaff(session.staffId);
  if (member.totp?.confirmedAt || !(await acceptCode(member, code, deps.cipher))) throw failed();
  const recoveryCodes = newRecoveryCodes();
  const hashes = recoveryCodes.map((one) => recoveryHash(deps.pepper, one));
  await staff().updateOne({ _id: session.staffId }, { $set: { recoveryCodes: hashes } });
  await endSessions(session.staffId);
  return { ...(await open(session.staffId, session.digest, deps)), recoveryCodes };
}

/** The second step: a code of the device, or a recovery code. Throws `sign_in_failed` or `rate_limit_exceeded`. */
export async function signInWithCode(
  session: { staffId: string; digest: string },
  code: string,
  deps: SignInDependencies,
): Promise<Step & { recovered: boolean }> {
  await takeTry('code', session.staffId);
  const member = await findStaff(session.staffId);
  if (!member.totp?.confirmedAt) throw failed();
  const text = code.replaceAll(' ', '');
  const byDevice = await acceptCode(member, text, deps.cipher);
  const recovered = !byDevice && (await acceptRecoveryCode(session.staffId, text, deps.pepper));
  if (!byDevice && !recovered) throw failed();
  return { ...(await open(session.staffId, session.digest, deps)), recovered };
}
