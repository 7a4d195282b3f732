/** A failure the person at the keyboard can mend; its text says how. */
export class SetupError extends Error {
  name = 'SetupError';
}

/** Ends the process with what went wrong: only the text when a person can mend it, all of it otherwise. */
export function fail(error) {
  if (error?.code === 'ENOSPC') process.stderr.write('The disk is full. Free some space and start again.\n');
  else process.stderr.write(`\n${error instanceof SetupError ? error.message : (error?.stack ?? String(error))}\n`);
  process.exit(1);
}
