import { createHash, randomBytes } from 'node:crypto';
import { ArchivePiece, type ArchivePieceDocument } from '../models/access-archive.ts';
import { bytesOf, nativeCollection } from '../models/connect.ts';
import type { ContentCipher } from './content-key.ts';
import { KEY_BYTES, openWith, placeOf, sealWith } from './sealing.ts';

/** A file in sealed pieces of a mebibyte: what is written or read of it is never in memory as a whole. */

/** The build of an archive: whose it is, and which try. */
export type Build = { requestId: string; accountId: string; buildId: string };
export type Written = { pieces: number; bytes: number; sha256: string };

const PIECE_BYTES = 1024 * 1024;
const PIECES_MAX = 8_192;
const KEY_VERSION = 1;

const store = () => nativeCollection<ArchivePieceDocument>(ArchivePiece);
const idOf = ({ requestId, buildId }: Build, number: number) => `${requestId}|${buildId}|${number}`;

/** Where the key of an archive lies, as associated data of its encryption. */
export function archiveKeyPlace(pieceId: string): string {
  return `access_archive_pieces|${pieceId}|key`;
}

/**
 * Writes a file as it comes, under a key of its own.
 * @throws when it is over 8 GiB, or the signal says so.
 */
export async function writePieces(
  build: Build,
  file: AsyncIterable<Uint8Array>,
  { cipher, signal, at }: { cipher: Pick<ContentCipher, 'seal'>; signal: AbortSignal; at: Date },
): Promise<Written> {
  const key = randomBytes(KEY_BYTES);
  const hash = createHash('sha256');
  let [number, bytes] = [0, 0];
  for await (const content of cut(file)) {
    signal.throwIfAborted();
    if (number === PIECES_MAX) throw new Error('the archive is too large');
    hash.update(content);
    bytes += content.length;
    const _id = idOf(build, number);
    const sealedKey = await cipher.seal(build.accountId, archiveKeyPlace(_id), key);
    const sealed = sealWith(key, KEY_VERSION, placeOf(KEY_VERSION, build.requestId, _id), content);
    await store().insertOne({ _id, ...build, number, at, key: sealedKey, content: sealed });
    number++;
  }
  return { pieces: number, bytes, sha256: hash.digest('hex') };
}

/** The same bytes in pieces of one size, the last one shorter. */
async function* cut(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let held: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    held.push(chunk);
    size += chunk.length;
    if (size < PIECE_BYTES) continue;
    const whole = Buffer.concat(held);
    let from = 0;
    for (; from + PIECE_BYTES <= whole.length; from += PIECE_BYTES) yield whole.subarray(from, from + PIECE_BYTES);
    held = [whole.subarray(from)];
    size = whole.length - from;
  }
  if (size > 0) yield Buffer.concat(held);
}

/** The file again. @throws when a piece is gone, or the account's key. */
export async function* readPieces(
  build: Build,
  pieces: number,
  cipher: Pick<ContentCipher, 'open'>,
): AsyncGenerator<Buffer> {
  for (let number = 0; number < pieces; number++) {
    const _id = idOf(build, number);
    const piece = await store().findOne({ _id });
    if (!piece) throw new Error('a piece of the archive is gone');
    const key = await cipher.open(build.accountId, archiveKeyPlace(_id), bytesOf(piece.key));
    yield openWith(key, placeOf(KEY_VERSION, build.requestId, _id), bytesOf(piece.content));
  }
}

/** Whether all pieces of a build are there. */
export async function hasPieces({ requestId, buildId }: Build, pieces: number): Promise<boolean> {
  return Number(await store().countDocuments({ requestId, buildId }, { limit: pieces })) === pieces;
}

/** Removes a build, or every other one, or all. */
export async function removePieces(requestId: string, which?: { only?: string; but?: string }): Promise<void> {
  const { only, but } = which ?? {};
  const builds = only === undefined ? (but === undefined ? {} : { buildId: { $ne: but } }) : { buildId: only };
  await store().deleteMany({ requestId, ...builds });
}
