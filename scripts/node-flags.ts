/**
 * How Node is started for every process that serves; the image and docker-compose.yml say the same (Node takes the last two from
 * the command line only, not from NODE_OPTIONS).
 *
 * - A request lives a fifth of a second and longer. With V8's 16 MB for what is young most requests under load were copied by
 *   two collections and then kept for the third, dear one; with twice as much most are gone before the first.
 * - V8 counts buffers that are young, and as good as gone, as if they were old: a worker that passes streams on collected all of its
 *   40 MB every 0.4 s. Below so many MB of what is old it does not.
 * - A process is meant to have a core. Helpers that collect the young beside it wait for the core that the process itself holds.
 */
export const NODE_FLAGS = [
  '--max-semi-space-size=32',
  '--initial-old-space-size=192',
  '--no-parallel-scavenge',
] as const;

/** For who looks for leaks: garbage that may gather up to 192 MB looks like one for some minutes, and hides one as well. */
export const LEAK_SEARCH_FLAGS = NODE_FLAGS.filter((flag) => !flag.startsWith('--initial-old-space-size'));
