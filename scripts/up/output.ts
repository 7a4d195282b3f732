import type { Readable } from 'node:stream';
import type { LogFile } from './log-file.ts';

/** What the processes say: everything into their log files, warnings and errors to the person at the keyboard too. */

const LINE_CHARACTERS_MAX = 16 * 1024;
const SHOWN_MAX = 20;
const SHOWN_WINDOW_MS = 10_000;
const RECENT_MAX = 15;
const LOUD_LEVELS = new Set(['warn', 'error', 'fatal']);

/** Calls `onLine` for each line of the stream; a line longer than 16 k characters comes in pieces. */
export function readLines(stream: Readable, onLine: (line: string) => void): void {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line !== '') onLine(line);
    if (rest.length > LINE_CHARACTERS_MAX) {
      onLine(rest);
      rest = '';
    }
  });
  stream.on('end', () => {
    if (rest !== '') onLine(rest);
  });
}

type LogLine = { level: string; msg: string; reason?: string | undefined; problem?: string | undefined };

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** A line of a structured log, or `undefined` for anything else. */
export function parseLogLine(line: string): LogLine | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    const entry: Record<string, unknown> = JSON.parse(line);
    const error = entry.err;
    const problem = typeof error === 'object' && error !== null && 'message' in error ? text(error.message) : undefined;
    return { level: text(entry.level) ?? 'info', msg: text(entry.msg) ?? '', reason: text(entry.reason), problem };
  } catch {
    return undefined;
  }
}

function describe({ level, msg, reason, problem }: LogLine): string {
  return [`${level}: ${msg}`, reason, problem].filter((part) => part !== undefined).join(' - ');
}

export type Sink = {
  /** A line of standard output: a log entry, as a rule. */
  entry(line: string): void;
  /** A line of standard error: nothing good comes this way. */
  complaint(line: string): void;
  /** The last things worth telling, for the message of a failed start. */
  recent(): readonly string[];
  /** From now on what is worth telling is shown at once; first what was held back. */
  speak(): void;
};

/**
 * Takes the lines of one role; silent (but remembering) until `speak`.
 * @param show prints a line for the person; at most 20 in ten seconds, so that a storm of errors stays readable.
 */
export function createSink(role: string, log: LogFile, show: (line: string) => void): Sink {
  const recent: string[] = [];
  let speaking = false;
  let windowStartMs = 0;
  let shown = 0;
  let hidden = 0;

  function showBounded(line: string): void {
    const nowMs = Date.now();
    if (nowMs - windowStartMs > SHOWN_WINDOW_MS) {
      if (hidden > 0) show(`[${role}] ... and ${hidden} more, see its log file`);
      windowStartMs = nowMs;
      shown = 0;
      hidden = 0;
    }
    if (++shown <= SHOWN_MAX) show(`[${role}] ${line}`);
    else hidden++;
  }

  function tell(line: string): void {
    recent.push(line);
    if (recent.length > RECENT_MAX) recent.shift();
    if (speaking) showBounded(line);
  }

  return {
    entry(line) {
      log.write(line);
      const entry = parseLogLine(line);
      if (entry && LOUD_LEVELS.has(entry.level)) tell(describe(entry));
    },
    complaint(line) {
      log.write(line);
      tell(line);
    },
    recent: () => recent,
    speak() {
      if (!speaking) recent.forEach(showBounded);
      speaking = true;
    },
  };
}
