import { createHmac, randomBytes } from 'node:crypto';
import { Binary } from 'mongodb';
import { generateSecret, generateURI, verify } from 'otplib';
import { nativeCollection } from '../models/connect.ts';
import { Staff, type StaffDocument } from '../models/staff.ts';

/** The second factor: time-based codes (RFC 6238), each accepted once, and recovery codes for a lost device. */

const ISSUER = 'Ocelotiq';
const STEP_SECONDS = 30;
const RECOVERY_CODES = 10;
const RECOVERY_BYTES = 10;
const RECOVERY_ALPHABET = 'abcdefghijkmnpqrstuvwxyz23456789';
const CODE = /^\d{6}$/;

/** ContentCipher's seal and open; every member has a data key like an account has. */
export type StaffCipher = {
  seal(ownerId: string, context: string, plain: Uint8Array): Promise<Buffer>;
  open(ownerId: string, context: string, sealed: Uint8Array): Promise<Buffer>;
};

const staff = () => nativeCollection<StaffDocument>(Staff);
const secretContext = (staffId: string) => `staff|${staffId}|totp`;

/** The driver gives what was stored as bytes back as `Binary`. */
function bytesOf(value: Uint8Array | Binary): Uint8Array {
  return value instanceof Binary ? value.buffer.subarray(0, value.position) : value;
}

async function openSecret(member: StaffDocument, cipher: StaffCipher): Promise<string | undefined> {
  if (!member.totp) return undefined;
  return (await cipher.open(member._id, secretContext(member._id), bytesOf(member.totp.secret))).toString();
}

export type Enrolment = { secret: string; uri: string };

/** Makes the secret a member is to put into a device; an unconfirmed one that exists is kept. */
export async function prepareEnrolment(member: StaffDocument, cipher: StaffCipher): Promise<void> {
  if (member.totp) return;
  const secret = await cipher.seal(member._id, secretContext(member._id), Buffer.from(generateSecret()));
  await staff().updateOne({ _id: member._id, totp: { $exists: false } }, { $set: { totp: { secret, lastStep: 0 } } });
}

/** What to show a member who sets up a device; `undefined` when there is nothing to set up. */
export async function enrolmentOf(member: StaffDocument, cipher: StaffCipher): Promise<Enrolment | undefined> {
  if (member.totp?.confirmedAt) return undefined;
  const secret = await openSecret(member, cipher);
  return secret === undefined
    ? undefined
    : { secret, uri: generateURI({ issuer: ISSUER, label: member.email, secret }) };
}

/** The time step a code belongs to, when it is right, recent, and later than the last accepted one. */
async function matchingStep(secret: string, code: string, lastStep: number): Promise<number | undefined> {
  if (!CODE.test(code)) return undefined;
  try {
    const result = await verify({ secret, token: code, epochTolerance: STEP_SECONDS, afterTimeStep: lastStep });
    return result.valid && 'timeStep' in result ? result.timeStep : undefined;
  } catch {
    // The clock was set back behind the last accepted step: nothing is accepted until it has caught up.
    return undefined;
  }
}

/** Accepts a code once: of two that arrive together, one. */
export async function acceptCode(member: StaffDocument, code: string, cipher: StaffCipher): Promise<boolean> {
  const secret = await openSecret(member, cipher);
  if (secret === undefined || !member.totp) return false;
  const step = await matchingStep(secret, code, member.totp.lastStep);
  if (step === undefined) return false;
  const confirmed = member.totp.confirmedAt ? {} : { 'totp.confirmedAt': new Date() };
  const { matchedCount } = await staff().updateOne(
    { _id: member._id, 'totp.secret': member.totp.secret, 'totp.lastStep': { $lt: step } },
    { $set: { 'totp.lastStep': step, ...confirmed } },
  );
  return matchedCount === 1;
}

/** Ten codes such as `abcde-fghjk`. */
export function newRecoveryCodes(): string[] {
  return Array.from({ length: RECOVERY_CODES }, () => {
    const letters = [...randomBytes(RECOVERY_BYTES)].map(
      (byte) => RECOVERY_ALPHABET[byte % RECOVERY_ALPHABET.length] ?? '',
    );
    return `${letters.slice(0, 5).join('')}-${letters.slice(5).join('')}`;
  });
}

/** Keyed, so that the short codes cannot be found by trying from a stolen database. */
export function recoveryHash(pepper: Uint8Array, code: string): string {
  const text = code.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
  return createHmac('sha256', pepper).update(`recovery|${text}`).digest('base64url');
}

/** Uses a recovery code up. True once. */
export async function acceptRecoveryCode(staffId: string, code: string, pepper: Uint8Array): Promise<boolean> {
  const hash = recoveryHash(pepper, code);
  const { modifiedCount } = await staff().updateOne(
    { _id: staffId, recoveryCodes: hash },
    { $pull: { recoveryCodes: hash } },
  );
  return modifiedCount === 1;
}
