import { mkdir, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import type { ArchiveKind } from './archive.ts';
import { DRAFT_SUFFIX } from './sealed-file.ts';

/** The folder of one kind of backups. Their names tell kind and time, in an order that is that of time. */

const NAME = /^ocelotiq-(data|keys)-(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(\d{3})Z\.age(?:\.part)?$/;
const DAY_MS = 86_400_000;
const DRAFT_MS_MAX = DAY_MS;

export function fileNameOf(kind: ArchiveKind, takenAt: Date): string {
  return `ocelotiq-${kind}-${takenAt.toISOString().replaceAll(/[-:.]/g, '')}.age`;
}

/** When the backup of that name was taken, or undefined for other files. */
function takenAtOf(name: string, kind: ArchiveKind): Date | undefined {
  const [, found, ...parts] = NAME.exec(name) ?? [];
  if (found !== kind) return undefined;
  const [year, month, day, hour, minute, second, ms] = parts.map(Number);
  return new Date(Date.UTC(year ?? 0, (month ?? 1) - 1, day, hour, minute, second, ms));
}

/** Makes the folder for this user only, when there is none. */
export async function openFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
}

/** Paths of the backups of a kind, oldest first. */
export async function listBackups(folder: string, kind: ArchiveKind): Promise<string[]> {
  const names = await readdir(folder);
  const whole = names.filter((name) => takenAtOf(name, kind) !== undefined && !name.endsWith(DRAFT_SUFFIX));
  return whole.sort().map((name) => path.join(folder, name));
}

/** Deletes backups older than their term, and what died while it was written; gives how many. Other files are left. */
export async function dropOldBackups(
  folder: string,
  kind: ArchiveKind,
  { retentionDays, nowMs }: { retentionDays: number; nowMs: number },
): Promise<number> {
  let dropped = 0;
  for (const name of await readdir(folder)) {
    const takenAt = takenAtOf(name, kind);
    const termMs = name.endsWith(DRAFT_SUFFIX) ? DRAFT_MS_MAX : retentionDays * DAY_MS;
    if (!takenAt || nowMs - takenAt.getTime() <= termMs) continue;
    await rm(path.join(folder, name), { force: true });
    dropped++;
  }
  return dropped;
}
