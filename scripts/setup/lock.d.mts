export type LockResult =
  | { release: () => void; leftover: boolean; heldByPid?: undefined }
  | { release?: undefined; heldByPid: number };

/** One attempt at the lock; a lock of a process that has ended is taken over. */
export function tryLock(file: string): LockResult;
