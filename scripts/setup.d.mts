import type { Progress } from './setup/progress.mjs';

export const ROOT: string;

/** Installs packages and builds, each only when needed; `'packages'` leaves the build out. Throws `SetupError`. */
export function setUp(progress: Progress, only?: 'packages'): Promise<void>;
