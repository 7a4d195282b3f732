/** A lock file that names its owner, so that a lock left behind by a killed process is taken over. */
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

export type FileLock = { release(): void };

/** A process number is used again some day; together with the start time it names one process. */
function identity(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const afterName = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const zombie = afterName[0] === 'Z';
    return zombie ? undefined : `${pid} ${afterName[19]}`;
  } catch {
    return undefined;
  }
}

function readOwner(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return undefined;
  }
}

function isAlive(owner: string): boolean {
  const pid = Number.parseInt(owner, 10);
  return Number.isInteger(pid) && identity(pid) === owner;
}

function isExisting(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === 'EEXIST';
}

/** One attempt; gives the owner's identity when somebody alive holds the lock. */
function tryLock(file: string, own: string): string | undefined {
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, own);
  try {
    linkSync(draft, file); // Atomic, and the file never exists without its content.
    return undefined;
  } catch (error) {
    if (!isExisting(error)) throw error;
  } finally {
    rmSync(draft, { force: true });
  }
  const owner = readOwner(file);
  if (owner === undefined) return 'unknown';
  if (isAlive(owner)) return owner;
  takeAway(file, draft, owner);
  return 'a process that has ended';
}

/** Removes the lock of an owner that has ended. */
function takeAway(file: string, draft: string, owner: string): void {
  try {
    renameSync(file, draft); // Only one of several waiters succeeds.
    // Another waiter may have been faster with both the removal and its own lock: then that lock goes back.
    if (readOwner(draft) !== owner) linkSync(draft, file);
    rmSync(draft, { force: true });
  } catch {
    // Somebody else removed it first.
  }
}

/**
 * Takes the lock, waiting up to `waitMs` (0 = two quick attempts).
 * @throws Error naming the process that holds it.
 */
export async function lockFile(file: string, waitMs: number): Promise<FileLock> {
  const own = identity(process.pid) ?? String(process.pid);
  const deadline = Date.now() + waitMs;
  for (let attempt = 0; ; attempt++) {
    const owner = tryLock(file, own);
    if (owner === undefined) {
      return {
        release: () => {
          if (readOwner(file) === own) rmSync(file, { force: true });
        },
      };
    }
    if (attempt > 0 && Date.now() >= deadline) throw new Error(`${file} is held by process ${owner.split(' ')[0]}`);
    await delay(attempt === 0 ? 5 : 100);
  }
}
