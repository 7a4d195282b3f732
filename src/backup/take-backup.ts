import path from 'node:path';
import { type DatabaseHandle, databases } from '../models/connect.ts';
import { type ArchiveKind, writeArchive } from './archive.ts';
import { BackupError } from './backup-error.ts';
import { dropOldBackups, fileNameOf, openFolder } from './backup-files.ts';
import { writeSealed } from './sealed-file.ts';
import { type SnapshotKind, withSnapshot } from './snapshot.ts';

export type BackupPlace = { folder: string; retentionDays: number };
export type TakenBackup = { kind: ArchiveKind; file: string; bytes: number; snapshot: SnapshotKind; dropped: number };

/** Of sign-ins: a session that has ended meanwhile must not come back with a restore. */
const NEVER_BACKED_UP = /(?:^system\.|_sessions$|_throttles$|^restores$)/;
const SNAPSHOT_TOO_OLD = 239;

/**
 * Takes a backup of the content and then one of the keys to it, each into its own folder, and deletes those past their
 * term. The keys come second, so that there is one for everything that the first holds.
 * @param recipient the public key that both are sealed for.
 */
export async function takeBackup(
  places: Record<ArchiveKind, BackupPlace>,
  recipient: string,
  now: () => number,
): Promise<TakenBackup[]> {
  const taken: TakenBackup[] = [];
  for (const kind of ['data', 'keys'] as const)
    taken.push(await takeOne(kind, databases()[kind], places[kind], recipient, now()));
  return taken;
}

async function takeOne(
  kind: ArchiveKind,
  { client, name }: DatabaseHandle,
  { folder, retentionDays }: BackupPlace,
  recipient: string,
  nowMs: number,
): Promise<TakenBackup> {
  await openFolder(folder);
  const db = client.db(name);
  const takenAt = new Date(nowMs);
  const file = path.join(folder, fileNameOf(kind, takenAt));
  const found = await db.listCollections({}, { nameOnly: true }).toArray();
  const collections = found.map((one) => one.name).filter((one) => !NEVER_BACKED_UP.test(one));
  const { bytes, snapshot } = await withSnapshot(client, name, async (session, held) => {
    const pieces = writeArchive(db, session, { format: 1, kind, takenAt, snapshot: held }, collections.sort());
    return { bytes: await writeSealed(file, pieces, recipient), snapshot: held };
  }).catch((error: unknown) => {
    throw explained(error);
  });
  const dropped = await dropOldBackups(folder, kind, { retentionDays, nowMs });
  return { kind, file, bytes, snapshot, dropped };
}

function explained(error: unknown): unknown {
  if (!(error instanceof Error && 'code' in error && error.code === SNAPSHOT_TOO_OLD)) return error;
  return new BackupError(
    'reading took longer than MongoDB keeps its history: raise minSnapshotHistoryWindowInSeconds (setParameter) and try again',
    { cause: error },
  );
}
