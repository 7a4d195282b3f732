/** Runs one command to its end; `quiet` collects its output instead of showing it. */
export function run(
  command: string,
  args: readonly string[],
  options?: { cwd?: string; env?: NodeJS.ProcessEnv; quiet?: boolean; timeoutMs?: number },
): Promise<{ code: number; output: string }>;
