import { execFile } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { promisify } from 'node:util';
import { which } from '../engines/which.ts';

/** Keeps the measuring side and the measured side on cores of their own, so that they do not take time from each other. */
export type Pinning = { harness: string; product: string };

const run = promisify(execFile);

/** Which cores to use: none when there is one core only or no `taskset`. */
export function choosePinning(): Pinning | undefined {
  if (availableParallelism() < 2 || which('taskset', process.env.PATH ?? '') === undefined) return undefined;
  return { harness: '0', product: '1' };
}

/** Binds a process with all its threads to a core. False when the system does not allow it. */
export async function pin(pid: number, core: string): Promise<boolean> {
  try {
    await run('taskset', ['-a', '-p', '-c', core, String(pid)], { timeout: 5_000 });
    return true;
  } catch {
    return false;
  }
}
