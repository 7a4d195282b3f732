import { randomBytes } from 'node:crypto';
import { generate } from 'otplib';
import { inviteStaff } from '../../src/auth/staff.ts';
import { createPasswordHasher } from '../../src/auth/staff-password.ts';
import { findSession } from '../../src/auth/staff-session.ts';
import {
  acceptInvitation,
  confirmEnrolment,
  type SignInDependencies,
  showEnrolment,
} from '../../src/auth/staff-sign-in.ts';
import type { StaffRole } from '../../src/models/staff.ts';
import { createContentCipher } from '../../src/privacy/content-key.ts';

/** What tests of staff need: the dependencies of the sign-in, and members who have gone all the way through it. */

export const PASSWORD = 'correct horse battery';
const STEP_MS = 30_000;

export function signInDependencies(): SignInDependencies {
  const pepper = randomBytes(32);
  return {
    hasher: createPasswordHasher(pepper),
    cipher: createContentCipher(new Map([[1, randomBytes(32)]])),
    pepper,
    limits: { idleMs: 1_800_000, absoluteMs: 43_200_000 },
  };
}

/** The code of a device, `steps` time steps from now. */
export function codeOf(secret: string, steps = 0): Promise<string> {
  return generate({ secret, epoch: Math.floor((Date.now() + steps * STEP_MS) / 1_000) });
}

export type Enrolled = { staffId: string; email: string; secret: string; recoveryCodes: string[]; token: string };

let members = 0;

/** The session of a token; throws when there is none. */
export async function sessionOf(token: string, deps: SignInDependencies): Promise<{ staffId: string; digest: string }> {
  const session = await findSession(token, deps.limits);
  if (!session) throw new Error('no session');
  return { staffId: session.member.staffId, digest: session.digest };
}

/** Invites a member and walks through password and device; used is the code of the time step before this one. */
export async function enrolStaff(role: StaffRole, deps: SignInDependencies): Promise<Enrolled> {
  const email = `${role}-${++members}@example.com`;
  const { staffId, token: invitation } = await inviteStaff(email, role);
  const step = await acceptInvitation({ token: invitation, password: PASSWORD, address: `enrol-${members}` }, deps);
  const { secret } = await showEnrolment(staffId, deps);
  const { token, recoveryCodes } = await confirmEnrolment(
    await sessionOf(step.token, deps),
    await codeOf(secret),
    deps,
  );
  return { staffId, email, secret, recoveryCodes, token };
}
