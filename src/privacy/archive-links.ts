import { createHash, randomBytes } from 'node:crypto';
import { AppError } from '../errors.ts';
import { nativeCollection } from '../models/connect.ts';
import { type Archive, PrivacyRequest, type PrivacyRequestDocument } from '../models/privacy-request.ts';
import { type Build, hasPieces, readPieces } from './archive-pieces.ts';
import { entryOf } from './archives.ts';
import type { ContentCipher } from './content-key.ts';
import { findPrivacyRequest, moveRequest } from './privacy-requests.ts';

/** Links to archives: each gives the file once, and there is one at a time. Only a hash of its token is kept. */

/** `expired`: it is gone, or about to be; another one is made for another request. */
export type ArchiveStatus = 'preparing' | 'ready' | 'downloaded' | 'failed' | 'expired';
export type IssuedLink = { token: string; expiresAt: Date };
export type LinkState = 'usable' | 'used' | 'expired' | 'unknown';
export type Download = {
  requestId: string;
  bytes: number;
  content: AsyncIterable<Buffer>;
  /** For when all of it was sent: the request is answered by this. */
  finish: () => Promise<void>;
};

const LIFE_MS = 7 * 86_400_000;
const TOKEN_BYTES = 32;
const TOKEN = /^[\w-]{43}$/;

const store = () => nativeCollection<PrivacyRequestDocument>(PrivacyRequest);
const hashOf = (token: string) => createHash('sha256').update(token).digest('hex');

/** When the archive's week is over. */
export function archiveEnd({ readyAt }: Archive): Date | undefined {
  return readyAt && new Date(readyAt.getTime() + LIFE_MS);
}

export function archiveStatus(archive: Archive, nowMs: number): ArchiveStatus {
  if (archive.state === 'failed') return 'failed';
  const endsAt = archiveEnd(archive);
  if (archive.state === 'wanted' || !endsAt) return 'preparing';
  if (endsAt.getTime() <= nowMs) return 'expired';
  return archive.link?.usedAt ? 'downloaded' : 'ready';
}

function buildOf({ _id, accountId, archive }: PrivacyRequestDocument): Build {
  return { requestId: _id, accountId, buildId: archive?.buildId ?? '' };
}

/**
 * A link to the archive, shown once; the one before ends with it. Also for a file that did not arrive.
 * @throws `state_conflict` while there is no archive, or not any more.
 */
export async function issueLink(requestId: string, by: string, nowMs = Date.now()): Promise<IssuedLink> {
  const request = await findPrivacyRequest(requestId);
  const { archive } = request;
  const expiresAt = archive && archiveEnd(archive);
  const isThere = archive?.state === 'ready' && expiresAt && expiresAt.getTime() > nowMs;
  if (!isThere || !(await hasPieces(buildOf(request), Number(archive.pieces))))
    throw new AppError('state_conflict', { message: 'There is no archive: it is not ready, or its week is over.' });
  const token = randomBytes(TOKEN_BYTES).toString('base64url');
  const link = { tokenHash: hashOf(token), issuedAt: new Date(nowMs), issuedBy: by, expiresAt };
  const { modifiedCount } = await store().updateOne(
    { _id: requestId, 'archive.buildId': archive.buildId ?? '' },
    { $set: { 'archive.link': link }, $push: { history: entryOf('link', by, request) } },
  );
  if (modifiedCount === 0) throw new AppError('state_conflict');
  return { token, expiresAt };
}

/** What a link leads to, without using it up. */
export async function lookAtLink(token: string, nowMs: number): Promise<LinkState> {
  const filter = { 'archive.link.tokenHash': hashOf(token) };
  const found = TOKEN.test(token) ? await store().findOne(filter, { projection: { archive: 1 } }) : null;
  const link = found?.archive?.link;
  if (!link) return 'unknown';
  if (link.usedAt) return 'used';
  return link.expiresAt.getTime() <= nowMs ? 'expired' : 'usable';
}

/**
 * Uses a link up and gives the file: of any number at once, one gets it.
 * @throws `not_found` for a link that is unknown, used or over.
 */
export async function takeArchive(
  token: string,
  cipher: Pick<ContentCipher, 'open'>,
  nowMs: number,
): Promise<Download> {
  const taken = TOKEN.test(token) ? await useUp(token, new Date(nowMs)) : undefined;
  const pieces = Number(taken?.archive?.pieces);
  if (!taken || !(await hasPieces(buildOf(taken), pieces)))
    throw new AppError('not_found', { message: 'This link was used, is over, or never was one.' });
  return {
    requestId: taken._id,
    bytes: Number(taken.archive?.bytes),
    content: readPieces(buildOf(taken), pieces, cipher),
    finish: () => answered(taken._id),
  };
}

async function useUp(token: string, now: Date): Promise<PrivacyRequestDocument | undefined> {
  const usable = {
    'archive.link.tokenHash': hashOf(token),
    'archive.link.usedAt': { $exists: false },
    'archive.link.expiresAt': { $gt: now },
  };
  const found = await store().findOne(usable, { projection: { state: 1 } });
  if (!found) return undefined;
  const entry = entryOf('download', 'link', found);
  const update = { $set: { 'archive.link.usedAt': now }, $push: { history: entry } };
  return (await store().findOneAndUpdate(usable, update, { returnDocument: 'after' })) ?? undefined;
}

/** The subject has the answer. A request that staff have ended meanwhile stays as it is. */
async function answered(requestId: string): Promise<void> {
  const request = await findPrivacyRequest(requestId);
  if (request.state !== 'verified') return;
  const note = 'The archive with the answer was downloaded.';
  await moveRequest(request, 'complete', { by: 'link', note }).catch((error: unknown) => {
    if (!(error instanceof AppError && error.code === 'state_conflict')) throw error;
  });
}
