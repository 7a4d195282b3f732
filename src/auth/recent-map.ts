/** A map of bounded size that forgets what was not used lately. */
export type RecentMap<Key, Value> = {
  /** Finds a value and marks it as just used. */
  get(key: Key): Value | undefined;
  set(key: Key, value: Value): void;
  delete(key: Key): void;
  clear(): void;
  entries(): IterableIterator<[Key, Value]>;
  size(): number;
};

/**
 * Two generations: what is used moves to the young one, and when that is full the old one is dropped as a whole. Unlike
 * the usual delete-and-insert in one Map this stays constant time under a flood of new keys, because V8 walks over the
 * holes of deleted entries to find the oldest.
 * @param entriesMax never more than this are kept; at least half of it, counted by last use, always are.
 */
export function createRecentMap<Key, Value>(entriesMax: number): RecentMap<Key, Value> {
  const generationMax = Math.max(1, Math.floor(entriesMax / 2));
  let young = new Map<Key, Value>();
  let old = new Map<Key, Value>();

  function set(key: Key, value: Value): void {
    old.delete(key);
    young.set(key, value);
    if (young.size < generationMax) return;
    old = young;
    young = new Map();
  }

  return {
    get: (key) => {
      const found = young.get(key);
      if (found !== undefined) return found;
      const value = old.get(key);
      if (value !== undefined) set(key, value);
      return value;
    },
    set,
    delete: (key) => {
      young.delete(key);
      old.delete(key);
    },
    clear: () => {
      young.clear();
      old.clear();
    },
    *entries() {
      yield* young;
      yield* old;
    },
    size: () => young.size + old.size,
  };
}
