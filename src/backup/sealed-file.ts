import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { pipeline, Readable } from 'node:stream';
import { createGunzip, createGzip } from 'node:zlib';
import { Decrypter, Encrypter } from 'age-encryption';
import { BackupError } from './backup-error.ts';

/**
 * A file that one key can write and another one opens: gzip inside of the age format (age-encryption.org), which
 * authenticates every 64 KiB together with its place in the file, and the end. Everything goes through in pieces.
 */

/** Sealed content does not become smaller; names of fields and rows of the books do, at any level. */
const GZIP_LEVEL = 1;
const NO_IDENTITY_MATCHED = /no identity matched/;

/** The draft of a file that was being written, or that a process left when it died. */
export const DRAFT_SUFFIX = '.part';

/** What the library takes and gives; Node's type of the same class has other names in it. */
type WebStream = Parameters<Decrypter['decrypt']>[0] & ReadableStream<Uint8Array>;
const toWeb = (stream: Readable) => Readable.toWeb(stream) as unknown as WebStream;
const fromWeb = (stream: ReadableStream<Uint8Array>) =>
  Readable.fromWeb(stream as unknown as Parameters<typeof Readable.fromWeb>[0]);
/** Whoever reads the last stream is told of the error of any. */
const told = (): void => undefined;

/**
 * Writes the pieces into a new file, readable by this user only; nothing stands under its name unless it is whole.
 * @param recipient a public key, `age1…`.
 * @returns the file's size in bytes.
 */
export async function writeSealed(file: string, pieces: AsyncIterable<Uint8Array>, recipient: string): Promise<number> {
  const draft = `${file}${DRAFT_SUFFIX}`;
  const handle = await open(draft, 'wx', 0o600).catch((error: unknown) => {
    throw new BackupError(`${draft} cannot be made`, { cause: error });
  });
  try {
    const size = await seal(handle, pieces, recipient);
    await handle.sync();
    await handle.close();
    await rename(draft, file);
    return size;
  } catch (error) {
    await handle.close();
    await rm(draft, { force: true });
    throw error;
  }
}

async function seal(handle: FileHandle, pieces: AsyncIterable<Uint8Array>, recipient: string): Promise<number> {
  const encrypter = new Encrypter();
  encrypter.addRecipient(recipient);
  const zipped = pipeline(Readable.from(pieces), createGzip({ level: GZIP_LEVEL }), told);
  let size = 0;
  for await (const piece of await encrypter.encrypt(toWeb(zipped))) {
    await handle.writeFile(piece);
    size += piece.byteLength;
  }
  return size;
}

/**
 * Gives back what was written, in pieces of any size. What it has given is authentic; that nothing is missing is known
 * at its end only.
 * @param identity the private key, `AGE-SECRET-KEY-1…`.
 * @throws `BackupError` while it is read: another key, a changed or cut file, no file.
 */
export async function* readSealed(file: string, identity: string): AsyncGenerator<Uint8Array> {
  const source = (await opening(file)).createReadStream();
  try {
    const decrypter = new Decrypter();
    decrypter.addIdentity(identity);
    const opened = await decrypter.decrypt(toWeb(source));
    yield* pipeline(fromWeb(opened), createGunzip(), told) as AsyncIterable<Uint8Array>;
  } catch (error) {
    throw explained(file, error);
  } finally {
    source.destroy();
  }
}

async function opening(file: string): Promise<FileHandle> {
  return open(file).catch((error: unknown) => {
    throw new BackupError(`${file} cannot be read, or does not exist`, { cause: error });
  });
}

function explained(file: string, error: unknown): BackupError {
  if (error instanceof BackupError) return error;
  if (error instanceof Error && NO_IDENTITY_MATCHED.test(error.message))
    return new BackupError(`${file} was sealed for another key than BACKUP_IDENTITY`);
  return new BackupError(`${file} is damaged or cut: what it holds is not what was written`, { cause: error });
}
