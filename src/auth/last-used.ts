import type { Logger } from '../log.ts';
import { ApiKey, type ApiKeyDocument } from '../models/api-key.ts';
import { nativeCollection } from '../models/connect.ts';

const FLUSH_MS = 5_000;
const KEYS_MAX = 10_000;

/** Remembers when keys were used and writes it in one bulk every few seconds: knowledge for people, not for decisions. */
export type LastUsed = {
  /** Notes a use. When too many keys wait, this one is left out until the next write. */
  touch(keyId: string): void;
  /** Writes what waits. Never rejects. */
  close(): Promise<void>;
};

/**
 * @param options.now wall clock in ms.
 * @param options.flushMs how long uses are collected before they are written.
 */
export function createLastUsed(options: { now: () => number; log: Logger; flushMs?: number }): LastUsed {
  const { now, log, flushMs = FLUSH_MS } = options;
  let used = new Map<string, number>();
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<void> | undefined;

  async function write(batch: ReadonlyMap<string, number>): Promise<void> {
    const updates = Array.from(batch, ([keyId, usedAtMs]) => ({
      updateOne: { filter: { _id: keyId }, update: { $max: { lastUsedAt: new Date(usedAtMs) } } },
    }));
    try {
      await nativeCollection<ApiKeyDocument>(ApiKey).bulkWrite(updates, { ordered: false, writeConcern: { w: 1 } });
    } catch (error) {
      log.warn({ err: error, count: batch.size }, 'last use of keys not recorded');
    }
  }

  /** One write at a time; what is noted meanwhile waits for the next. */
  function schedule(): void {
    if (timer || writing || used.size === 0) return;
    timer = setTimeout(() => void flush(), flushMs).unref();
  }

  async function flush(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    await writing;
    if (used.size === 0) return;
    const batch = used;
    used = new Map();
    writing = write(batch).finally(() => {
      writing = undefined;
      schedule();
    });
    await writing;
  }

  return {
    touch: (keyId) => {
      if (used.size >= KEYS_MAX && !used.has(keyId)) return;
      used.set(keyId, now());
      schedule();
    },
    close: flush,
  };
}
