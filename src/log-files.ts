import { randomBytes } from 'node:crypto';
import { closeSync, mkdirSync, openSync, readdirSync, rmSync, statSync, writeSync } from 'node:fs';
import path from 'node:path';

/**
 * Log files that end by size and by day, and are deleted by age: `api-2026-11-26-3f9a1c07.0.log`. Every process has files
 * of its own, so that nobody writes into, or renames, another's. Libraries that rotate delete by number or size only,
 * and the term of technical logs is one of days.
 */
export type LogFileOptions = { folder: string; bytesMax: number; retentionDays: number };
export type LogFiles = { write(line: string): void; close(): void };

const OUR_NAME = /^[a-z]+-\d{4}-\d\d-\d\d-[0-9a-f]{8}\.\d+\.log$/;
const DAY_MS = 86_400_000;
const PURGE_INTERVAL_MS = 3_600_000;

/**
 * Opens the first file. A line that cannot be written (a full disk) is lost here, and the next one is tried again.
 * @param now milliseconds since the epoch; for tests.
 * @throws when the folder cannot be made or written.
 */
export function createLogFiles(
  role: string,
  { folder, bytesMax, retentionDays }: LogFileOptions,
  now: () => number = Date.now,
): LogFiles {
  const instance = randomBytes(4).toString('hex');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  let current = openFile(0);

  function openFile(number: number) {
    const day = new Date(now()).toISOString().slice(0, 10);
    const descriptor = openSync(path.join(folder, `${role}-${day}-${instance}.${number}.log`), 'a', 0o600);
    return { descriptor, day, number, bytes: 0 };
  }

  function rotate(): void {
    const next = openFile(current.number + 1);
    closeSync(current.descriptor);
    current = next;
    purgeLogFiles(folder, retentionDays, now());
  }

  /** A file's last line may be a day younger than its name, so its age is that of its last change. */
  const purge = () => purgeLogFiles(folder, retentionDays, now());
  purge();
  // Also of processes that have nothing to say.
  const timer = setInterval(purge, PURGE_INTERVAL_MS).unref();

  return {
    write: (line) => {
      try {
        const isOver = new Date(now()).toISOString().slice(0, 10) !== current.day || current.bytes >= bytesMax;
        if (isOver) rotate();
        current.bytes += writeSync(current.descriptor, line);
      } catch {
        // The line is on standard output.
      }
    },
    close: () => {
      clearInterval(timer);
      closeSync(current.descriptor);
    },
  };
}

/** Deletes log files that were last written before their term; files of others are left. */
export function purgeLogFiles(folder: string, retentionDays: number, nowMs: number): void {
  for (const name of readdirSync(folder).filter((one) => OUR_NAME.test(one))) {
    const file = path.join(folder, name);
    const changedAt = statSync(file, { throwIfNoEntry: false })?.mtimeMs;
    if (changedAt !== undefined && nowMs - changedAt > retentionDays * DAY_MS) rmSync(file, { force: true });
  }
}
