/** A failure the person at the keyboard can mend; its text says how. */
export class SetupError extends Error {}

/** Ends the process with what went wrong: only the text when a person can mend it, all of it otherwise. */
export function fail(error: unknown): never;
