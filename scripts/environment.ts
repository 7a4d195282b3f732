import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { type Config, ConfigError, type Environment, loadConfig } from '../src/config.ts';
import { AppError } from '../src/errors.ts';
import { createLogger, type Logger } from '../src/log.ts';
import { connectMongo, disconnectMongo } from '../src/models/connect.ts';

/** What a script runs in: its configuration, its connection to MongoDB, its output and exit code. */

/** Written by `npm start` when it runs engines and secrets of its own for evaluation. */
const DATA_FOLDER = process.env.OCELOTIQ_DATA_DIR ?? fileURLToPath(new URL('../.data', import.meta.url));
const RUNTIME_FILE = path.join(DATA_FOLDER, 'runtime.env');

/** Lines `NAME=value`; empty lines and comments are skipped. */
export function parseEnvironment(text: string): Record<string, string> {
  const values: Record<string, string> = {};
  for (const line of text.split(/\r?\n/)) {
    const match = /^([A-Z][A-Z0-9_]*)=(.*)$/.exec(line);
    if (match?.[1] !== undefined && match[2] !== undefined) values[match[1]] = match[2];
  }
  return values;
}

function readRuntime(file: string): Record<string, string> {
  return existsSync(file) ? parseEnvironment(readFileSync(file, 'utf8')) : {};
}

/** The process environment over that of the running evaluation, so scripts reach the same databases as `npm start`. */
export function scriptEnvironment(file: string = RUNTIME_FILE): Environment {
  const given = Object.entries(process.env).filter(([, value]) => value !== undefined && value !== '');
  return { ...readRuntime(file), ...Object.fromEntries(given) };
}

/** A command line that cannot be understood: the script prints this and its usage, and exits with 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

const STANDARD_ERROR = 2;

function isUsageError(error: unknown): error is Error {
  if (error instanceof UsageError) return true;
  return error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS');
}

function explain(error: unknown): string {
  if (error instanceof ConfigError || error instanceof AppError) return error.message;
  return error instanceof Error ? `${error.name}: ${error.message}` : 'failed';
}

/**
 * Runs one command of a script with configuration and MongoDB, and ends with its exit code: 0, 1 for a failure, 2 for
 * a wrong command line.
 * @param parse reads the command line and gives the command; it runs before anything is connected.
 * @param connection for the restore, which may enter a database that is not whole.
 */
export async function runScript(
  usage: string,
  parse: (words: string[]) => (context: { config: Config; log: Logger }) => Promise<string>,
  connection: { isRestoring?: boolean } = {},
): Promise<void> {
  try {
    const words = process.argv.slice(2);
    if (words.length === 0 || words.includes('--help')) throw new UsageError('');
    const command = parse(words);
    const config = loadConfig(scriptEnvironment());
    const log = createLogger({ role: 'script', level: 'error', destination: pino.destination(STANDARD_ERROR) });
    await connectMongo({ ...config.mongo, ...connection, poolMax: 2 });
    try {
      console.log(await command({ config, log }));
    } finally {
      await disconnectMongo();
    }
  } catch (error) {
    const wrongUsage = isUsageError(error);
    console.error(wrongUsage ? [error.message, usage].filter((part) => part !== '').join('\n\n') : explain(error));
    process.exitCode = wrongUsage ? 2 : 1;
  }
}

/** Columns as wide as their widest cell. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = rows.reduce<number[]>(
    (widest, row) => row.map((cell, column) => Math.max(widest[column] ?? 0, cell.length)),
    [],
  );
  const line = (row: readonly string[]) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ');
  return rows.map((row) => line(row).trimEnd()).join('\n');
}
