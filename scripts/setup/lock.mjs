/**
 * A lock file that names its owner, so that one left behind by a killed process is taken over. Plain JavaScript,
 * because it guards the installation of packages too.
 */
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** A process number is used again some day; where the system tells the start time, both together name one process. */
function startOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const afterName = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return afterName[0] === 'Z' ? 'ended' : (afterName[19] ?? '');
  } catch {
    return '';
  }
}

function isAlive({ pid, start }) {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (error.code !== 'EPERM') return false;
  }
  return startOf(pid) === start;
}

function readOwner(file) {
  try {
    const [pid = '', start = ''] = readFileSync(file, 'utf8').trim().split(' ');
    return { pid: Number(pid), start };
  } catch {
    return undefined;
  }
}

/**
 * One attempt at the lock.
 * @returns `{ release, leftover }` when taken (`leftover`: its last owner was killed), `{ heldByPid }` otherwise.
 */
export function tryLock(file) {
  mkdirSync(dirname(file), { recursive: true });
  const own = `${process.pid} ${startOf(process.pid)}`;
  const draft = `${file}.${process.pid}`;
  try {
    // A lock left by a killed process is removed at the first failure, so the second attempt meets a new state.
    for (let attempt = 0; attempt < 2; attempt++) {
      writeFileSync(draft, own, { mode: 0o600 });
      try {
        linkSync(draft, file); // Atomic, and the file never exists without its content.
        return {
          leftover: attempt > 0,
          release: () => {
            if (readOwner(file)?.pid === process.pid) rmSync(file, { force: true });
          },
        };
      } catch (error) {
        if (error.code !== 'EEXIST') throw error;
      }
      const owner = readOwner(file);
      if (owner && isAlive(owner)) return { heldByPid: owner.pid };
      try {
        renameSync(file, draft); // Only one of several waiters succeeds.
      } catch {
        // Somebody else removed it first.
      }
    }
    return { heldByPid: readOwner(file)?.pid ?? 0 };
  } finally {
    rmSync(draft, { force: true });
  }
}
