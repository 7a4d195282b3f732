import { type DestinationStream, type Logger as PinoLogger, pino } from 'pino';
import { AppError } from './errors.ts';
import type { LogFiles } from './log-files.ts';

export type Logger = PinoLogger;

/** Things that look like secrets or addresses and must not reach a log even inside an error's text. */
const SECRET_PATTERNS: readonly RegExp[] = [
  /\bocq_(?:live|test)_[0-9A-Za-z]+/g,
  /\b(?:sk|pk|rk)-[0-9A-Za-z_-]{8,}/g,
  /\bwhsec_[0-9A-Za-z+/=]+/g,
  /\bBearer\s+\S+/gi,
  /\b(?:mongodb(?:\+srv)?|rediss?):\/\/[^\s"']+/g,
  /\beyJ[0-9A-Za-z_-]{8,}\.[0-9A-Za-z_-]+\.[0-9A-Za-z_-]+/g,
  /[\w.+-]+@[\w-]+\.[\w.]+/g,
];
const STANDARD_OUTPUT = 1;
const TEXT_CHARACTERS_MAX = 2_000;

/** Masks what looks like a key, token, e-mail or connection string, and makes control characters visible. */
export function scrub(text: string): string {
  let clean = text.slice(0, TEXT_CHARACTERS_MAX);
  for (const pattern of SECRET_PATTERNS) clean = clean.replace(pattern, '[redacted]');
  return clean.replace(/[^\P{Cc}\n]/gu, '?');
}

/** Errors by allow-list: class, code, scrubbed text and stack. Drivers hang requests, headers and documents on theirs. */
export function serializeError(error: unknown, depth = 0): Record<string, unknown> {
  if (!(error instanceof Error)) return { type: typeof error };
  const code =
    'code' in error && (typeof error.code === 'string' || typeof error.code === 'number') ? error.code : undefined;
  return {
    type: error.name,
    ...(code === undefined ? {} : { code }),
    message: scrub(error instanceof AppError ? (error.internal ?? error.message) : error.message),
    ...(error.stack === undefined ? {} : { stack: scrub(error.stack) }),
    ...(error.cause instanceof Error && depth < 3 ? { cause: serializeError(error.cause, depth + 1) } : {}),
  };
}

/** Members a log line may carry. Anything else is dropped, so content and keys cannot slip in with an object. */
export const ALLOWED_MEMBERS: ReadonlySet<string> = new Set([
  'requestId', 'accountId', 'keyId', 'deliveryId', 'jobId', 'jobName', 'queue', 'attempt', 'state', 'reason', 'code', 'status',
  'method', 'route', 'model', 'provider', 'routeId', 'mode', 'ms', 'count', 'bytes', 'signal', 'port', 'address', 'closer', 'deadlineMs',
  'err', 'level', 'time', 'pid', 'role', 'instance', 'msg', 'engine', 'version', 'schedule', 'event', 'seq', 'differenceMicros',
]); // biome-ignore format: a table of names

/**
 * A JSON logger for one role.
 * @param options.destination for tests; standard output when left out.
 * @param options.files get every line as well.
 */
export function createLogger(options: {
  role: string;
  level: string;
  destination?: DestinationStream;
  files?: LogFiles | undefined;
}): Logger {
  const settings = {
    level: options.level,
    base: { role: options.role, pid: process.pid },
    serializers: { err: (error: unknown) => serializeError(error) },
    formatters: {
      level: (label: string) => ({ level: label }),
      log: (members: Record<string, unknown>) =>
        Object.fromEntries(
          Object.entries(members)
            .filter(([name]) => ALLOWED_MEMBERS.has(name))
            .map(([name, value]) => [name, typeof value === 'string' ? scrub(value) : value]),
        ),
    },
  };
  // Synchronous: lines written right before an exit must not be lost, nor a broken pipe keep the process from ending.
  const output = options.destination ?? pino.destination({ dest: STANDARD_OUTPUT, sync: true });
  const { files } = options;
  if (!files) return pino(settings, output);
  const both = (line: string) => {
    output.write(line);
    files.write(line);
  };
  return pino(settings, { write: both });
}
