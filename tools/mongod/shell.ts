/** Runs other programs: bounded in time and output, with their error text in the exception. */
import { execFile } from 'node:child_process';
import { type Account, asAccount } from './account.ts';

export type RunOptions = { timeoutMs: number; cwd?: string; account?: Account | undefined };

/**
 * Runs a program and gives what it printed.
 * @throws Error with the last lines of its error output when it fails or takes longer than `timeoutMs`.
 */
export function run(program: string, args: readonly string[], options: RunOptions): Promise<string> {
  return new Promise((resolve, reject) => {
    const settings = {
      timeout: options.timeoutMs,
      killSignal: 'SIGKILL' as const,
      maxBuffer: 16 * 1024 * 1024,
      // A fixed environment: texts are parsed, so no language; and nothing of ours leaks into postgres.
      env: {
        PATH: process.env.PATH ?? '/usr/sbin:/usr/bin:/sbin:/bin',
        HOME: '/tmp',
        LC_ALL: 'C',
        ...proxyVariables(),
      },
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    };
    const [command, commandArgs] = asAccount(options.account, program, args);
    execFile(command, commandArgs, settings, (error, stdout, stderr) => {
      if (error === null) return resolve(stdout);
      const told = stderr.trim().split('\n').slice(-4).join('\n') || error.message;
      reject(new Error(`${program.slice(program.lastIndexOf('/') + 1)} failed: ${told}`, { cause: error }));
    });
  });
}

function proxyVariables(): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of ['http_proxy', 'https_proxy', 'no_proxy', 'APT_CONFIG']) {
    const value = process.env[name];
    if (value !== undefined) found[name] = value;
  }
  return found;
}
