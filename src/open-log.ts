import type { Config } from './config.ts';
import { createLogger, type Logger } from './log.ts';
import { createLogFiles } from './log-files.ts';

/** The log of a process: standard output, and files where the configuration names a folder for them. */
export function openLog(role: string, { logLevel, logFiles }: Pick<Config, 'logLevel' | 'logFiles'>): Logger {
  return createLogger({
    role,
    level: logLevel,
    files: logFiles === undefined ? undefined : createLogFiles(role, logFiles),
  });
}
