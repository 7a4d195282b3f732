import { createHash } from 'node:crypto';
import { MongoServerError } from 'mongodb';
import { AppError } from '../errors.ts';
import { newId } from '../ids.ts';
import { ActSignature, type ActSignatureDocument, type SignatureKind } from '../models/act-signature.ts';
import { nativeCollection } from '../models/connect.ts';
import type { ContentCipher } from './content-key.ts';
import { findAct } from './destruction-acts.ts';

/** Signed copies of acts of destruction. They come as bytes, are sealed in memory, and never touch a disk. */

export const SIGNATURE_BYTES_MAX = 8 * 1024 * 1024;
const PER_ACT_MAX = 10;
const READ_TIMEOUT_MS = 5_000;
const DUPLICATE_KEY = 11_000;
/** One data key for all of them: they are the operator's, and no subject's erasure may take them. */
const KEY_OWNER = 'act_signatures';

/** How a file of each type begins. What it claims to be is not asked. */
const BEGINNINGS: Readonly<Record<SignatureKind, readonly (readonly [beginning: string, mediaType: string])[]>> = {
  scan: [
    ['%PDF-', 'application/pdf'],
    ['\x89PNG\r\n\x1a\n', 'image/png'],
    ['\xff\xd8\xff', 'image/jpeg'],
  ],
  // CMS (PKCS #7) as DER, or in PEM.
  detached: [
    ['\x30\x82', 'application/pkcs7-signature'],
    ['\x30\x83', 'application/pkcs7-signature'],
    ['-----BEGIN ', 'application/x-pem-file'],
  ],
};

export type SignatureFile = Omit<ActSignatureDocument, 'content'>;
export type NewSignature = { actNumber: number; kind: SignatureKind; content: Uint8Array; by: string };

const store = () => nativeCollection<ActSignatureDocument>(ActSignature);
const contextOf = (id: string) => `act_signatures|${id}|content`;

function mediaTypeOf(kind: SignatureKind, content: Uint8Array): string {
  const beginning = Buffer.from(content.subarray(0, 16)).toString('latin1');
  const found = BEGINNINGS[kind].find(([start]) => beginning.startsWith(start));
  if (found) return found[1];
  const wanted = kind === 'scan' ? 'a PDF, PNG or JPEG' : 'a CMS signature (.p7s, .sig) as DER or PEM';
  throw new AppError('invalid_request', { message: `The file is not ${wanted}.`, param: 'file' });
}

/**
 * Keeps a signed copy with its act, sealed. The same file once more changes nothing.
 * @throws `not_found` for the act, `invalid_request` for an empty, too large or unknown file, `state_conflict` when the
 *   act has ten.
 */
export async function addSignature(
  { actNumber, kind, content, by }: NewSignature,
  cipher: Pick<ContentCipher, 'seal'>,
): Promise<SignatureFile> {
  await findAct(actNumber);
  if (content.length === 0 || content.length > SIGNATURE_BYTES_MAX)
    throw new AppError('invalid_request', { message: 'The file is empty, or over 8 MiB.', param: 'file' });
  const mediaType = mediaTypeOf(kind, content);
  const sha256 = createHash('sha256').update(content).digest('hex');
  const there = await store().findOne({ actNumber, sha256 }, { projection: { content: 0 } });
  if (there) return there;
  if ((await store().countDocuments({ actNumber }, { limit: PER_ACT_MAX })) === PER_ACT_MAX)
    throw new AppError('state_conflict', { message: `The act has ${PER_ACT_MAX} signed copies already.` });
  const _id = newId('sig');
  const file = { _id, actNumber, kind, mediaType, bytes: content.length, sha256, by, at: new Date() };
  try {
    await store().insertOne({ ...file, content: await cipher.seal(KEY_OWNER, contextOf(_id), content) });
  } catch (error) {
    if (!(error instanceof MongoServerError && error.code === DUPLICATE_KEY)) throw error;
  }
  return file;
}

/** The signed copies of an act, without their content, in the order in which they came. */
export function signaturesOf(actNumber: number): Promise<SignatureFile[]> {
  return store()
    .find({ actNumber }, { projection: { content: 0 } })
    .sort({ _id: 1 })
    .limit(PER_ACT_MAX)
    .toArray();
}

/** Numbers of the acts that have a signed copy. */
export function signedActs(): Promise<number[]> {
  return store().distinct('actNumber', {}, { maxTimeMS: READ_TIMEOUT_MS });
}

/** @throws `not_found`. */
export async function openSignature(
  signatureId: string,
  cipher: Pick<ContentCipher, 'open'>,
): Promise<{ file: SignatureFile; content: Buffer }> {
  const found = await store().findOne({ _id: signatureId }, { promoteBuffers: true });
  if (!found) throw new AppError('not_found', { message: 'There is no such signed copy.' });
  const { content, ...file } = found;
  return { file, content: await cipher.open(KEY_OWNER, contextOf(signatureId), content) };
}
