import { createHash } from 'node:crypto';
import { MongoServerError } from 'mongodb';
import { z } from 'zod';
import { AppError } from '../errors.ts';
import { isId, newId } from '../ids.ts';
import { nativeCollection } from '../models/connect.ts';
import { STAFF_ROLES, Staff, type StaffDocument, type StaffRole, type StaffStatus } from '../models/staff.ts';
import { endSessions, newToken } from './staff-session.ts';

/** Staff: inviting, listing, changing roles, resetting, disabling. The commands behind script and back-office. */

const INVITATION_MS = 3 * 24 * 3_600_000;
const LISTED_MAX = 1_000;
const DUPLICATE_KEY = 11_000;

const staff = () => nativeCollection<StaffDocument>(Staff);

export const staffEmail = z
  .string()
  .trim()
  .toLowerCase()
  .max(254)
  .regex(/^[^\s@<>"']+@[^\s@<>"']+$/, 'is not an e-mail address');
export const staffRole = z.enum(STAFF_ROLES);

export type Invitation = { staffId: string; token: string; expiresAt: Date };
export type ListedStaff = {
  id: string;
  email: string;
  role: StaffRole;
  status: StaffStatus;
  enrolled: boolean;
  createdAt: Date;
  lastSignInAt?: Date;
};

/** How a token of an invitation is kept. */
export function invitationDigest(token: string): string {
  return createHash('sha256').update(`invitation|${token}`).digest('base64url');
}

function newInvitation(): { token: string; kept: { digest: string; expiresAt: Date } } {
  const token = newToken();
  return { token, kept: { digest: invitationDigest(token), expiresAt: new Date(Date.now() + INVITATION_MS) } };
}

const noSuchMember = () => new AppError('not_found', { message: 'There is no such staff member.' });

/** A member by id. Throws `not_found`. */
export async function findStaff(staffId: string): Promise<StaffDocument> {
  const member = isId('stf', staffId) ? await staff().findOne({ _id: staffId }) : null;
  if (!member) throw noSuchMember();
  return member;
}

/** A member by e-mail. Throws `not_found`. */
export async function findStaffByEmail(email: string): Promise<StaffDocument> {
  const member = await staff().findOne({ email: staffEmail.parse(email) });
  if (!member) throw noSuchMember();
  return member;
}

/**
 * Makes a member without a password. The token of the invitation is nowhere else: it is shown once, works once, and for
 * three days. Throws `state_conflict` when the address is taken.
 */
export async function inviteStaff(email: string, role: StaffRole): Promise<Invitation> {
  const { token, kept } = newInvitation();
  const document: StaffDocument = {
    _id: newId('stf'),
    email: staffEmail.parse(email),
    role: staffRole.parse(role),
    status: 'invited',
    recoveryCodes: [],
    invitation: kept,
    createdAt: new Date(),
  };
  try {
    await staff().insertOne(document);
  } catch (error) {
    if (error instanceof MongoServerError && error.code === DUPLICATE_KEY)
      throw new AppError('state_conflict', { message: 'A staff member with this e-mail exists.', param: 'email' });
    throw error;
  }
  return { staffId: document._id, token, expiresAt: kept.expiresAt };
}

/** Staff, oldest first, without anything secret. */
export async function listStaff(): Promise<ListedStaff[]> {
  const found = await staff().find({}).sort({ _id: 1 }).limit(LISTED_MAX).toArray();
  return found.map((member) => ({
    id: member._id,
    email: member.email,
    role: member.role,
    status: member.status,
    enrolled: member.totp?.confirmedAt !== undefined,
    createdAt: member.createdAt,
    ...(member.lastSignInAt ? { lastSignInAt: member.lastSignInAt } : {}),
  }));
}

/** Whether an admin who can sign in is left. */
async function anyAdmin(): Promise<boolean> {
  return (await staff().findOne({ role: 'admin', status: 'active' }, { projection: { _id: 1 } })) !== null;
}

/**
 * Changes a member in a way that may take the last admin away; then it is undone. Of two admins who remove each other
 * at once both are kept.
 */
async function changeKeepingAnAdmin(before: StaffDocument, change: Partial<StaffDocument>): Promise<void> {
  await staff().updateOne({ _id: before._id }, { $set: change });
  if (before.role !== 'admin' || before.status !== 'active' || (await anyAdmin())) return;
  const undo = change.role ? { $set: { role: before.role } } : { $set: { status: before.status } };
  await staff().updateOne({ _id: before._id }, undo);
  throw new AppError('state_conflict', { message: 'The last admin cannot be removed.' });
}

/** Takes a member's access away and ends the sessions. Throws `state_conflict` for the last admin. */
export async function disableStaff(staffId: string): Promise<void> {
  const before = await findStaff(staffId);
  await changeKeepingAnAdmin(before, { status: 'disabled', disabledAt: new Date() });
  await staff().updateOne({ _id: staffId }, { $unset: { invitation: 1 } });
  await endSessions(staffId);
}

/** Gives a member another role, effective with the next request. Throws `state_conflict` for the last admin. */
export async function changeStaffRole(staffId: string, role: StaffRole): Promise<void> {
  const before = await findStaff(staffId);
  await changeKeepingAnAdmin(before, { role: staffRole.parse(role) });
}

/**
 * Forgets password, device and recovery codes, ends the sessions and invites anew: for a lost device, a forgotten
 * password, or to let a disabled member in again. Throws `not_found`.
 */
export async function resetStaff(staffId: string): Promise<Invitation> {
  const { token, kept } = newInvitation();
  const { matchedCount } = await staff().updateOne(
    { _id: staffId },
    {
      $set: { status: 'invited', recoveryCodes: [], invitation: kept },
      $unset: { passwordHash: 1, totp: 1, disabledAt: 1 },
    },
  );
  if (matchedCount !== 1) throw noSuchMember();
  await endSessions(staffId);
  return { staffId, token, expiresAt: kept.expiresAt };
}
