/**
 * How Node is started for every process of the product; the image says the same to it (`Dockerfile`, NODE_OPTIONS).
 *
 * A request lives a fifth of a second and longer. With V8's 16 MB for what is young most requests under load were copied by
 * two collections and then kept for the third, dear one; with twice as much most are gone before the first.
 */
export const NODE_FLAGS = ['--max-semi-space-size=32'] as const;
