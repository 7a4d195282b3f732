import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { NODE_FLAGS } from '../node-flags.ts';
import { SetupError } from '../setup/failure.mjs';
import { createLogFile } from './log-file.ts';
import { createSink, readLines } from './output.ts';

/** One process of the product: started, watched, started again when it dies, stopped. */

const LEASH = fileURLToPath(new URL('./leash.mjs', import.meta.url));
const RESTART_DELAY_MS = 500;
const RESTART_DELAY_MAX_MS = 15_000;
/** A process that lived this long starts with a clean record. */
const HEALTHY_MS = 60_000;
const FAILURES_MAX = 6;
const READY_POLL_MS = 100;
const READY_ANSWER_MS = 2_000;

export type ChildOptions = {
  role: string;
  /** A built entry point. */
  entry: string;
  cwd: string;
  env: NodeJS.ProcessEnv;
  /** Answers 200 when the process can do its work; a one-shot command has none. */
  readyUrl?: string;
  logFile: string;
  show: (line: string) => void;
};

export type Child = {
  readonly role: string;
  pid(): number | undefined;
  /** Resolves when the ready URL answers 200; rejects when the process ends before that or the time is over. */
  ready(timeoutMs: number): Promise<void>;
  /** For a one-shot command: resolves when it ended with code 0, rejects with what it said otherwise. */
  finished(): Promise<void>;
  /** From now on the process is started again when it dies; `giveUp` is called when that does not help. */
  keepAlive(giveUp: (reason: string) => void): void;
  /** SIGTERM, and SIGKILL after `graceMs`. */
  stop(graceMs: number): Promise<void>;
};

function describeExit(code: number | null, signal: NodeJS.Signals | null): string {
  return signal ? `was ended by ${signal}` : `ended with code ${code}`;
}

async function answersOk(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(READY_ANSWER_MS) });
    await response.body?.cancel();
    return response.status === 200;
  } catch {
    return false;
  }
}

/** Starts the process in a group of its own: Ctrl-C reaches the supervisor only, which then stops things in order. */
export function startChild(options: ChildOptions): Child {
  const { role, show } = options;
  const log = createLogFile(options.logFile, (error) => show(`[${role}] its log cannot be written: ${error.message}`));
  const sink = createSink(role, log, show);
  let current: ChildProcess | undefined;
  let exited: Promise<number> = Promise.resolve(0);
  let stopping = false;
  let giveUp: ((reason: string) => void) | undefined;
  let lastExit: string | undefined;
  let failures = 0;

  function run(): void {
    const startedMs = Date.now();
    lastExit = undefined;
    const child = spawn(process.execPath, [...NODE_FLAGS, '--enable-source-maps', '--import', LEASH, options.entry], {
      cwd: options.cwd,
      env: options.env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    current = child;
    if (child.stdout) readLines(child.stdout, (line) => sink.entry(line));
    if (child.stderr) readLines(child.stderr, (line) => sink.complaint(line));
    exited = new Promise((resolve) => {
      child.once('error', (error) => sink.complaint(error.message));
      child.once('close', (code, signal) => {
        lastExit = describeExit(code, signal);
        resolve(code ?? 1);
        if (!stopping && giveUp) void restart(Date.now() - startedMs);
      });
    });
  }

  async function restart(livedMs: number): Promise<void> {
    failures = livedMs > HEALTHY_MS ? 1 : failures + 1;
    if (failures > FAILURES_MAX) {
      giveUp?.(`${role} ${lastExit} ${failures} times in a row. Its log: ${options.logFile}`);
      return;
    }
    const waitMs = Math.min(RESTART_DELAY_MS * 2 ** (failures - 1), RESTART_DELAY_MAX_MS);
    show(`[${role}] ${lastExit} after ${Math.round(livedMs / 1_000)} s; starting it again in ${waitMs / 1_000} s`);
    await delay(waitMs);
    if (stopping) return;
    run();
    const { readyUrl } = options;
    if (readyUrl && (await becomesReady(readyUrl, HEALTHY_MS))) show(`[${role}] is running again`);
  }

  function failure(otherwise = ''): SetupError {
    const said = sink.recent().map((line) => `  ${line}\n`);
    return new SetupError(`${role} ${lastExit ?? otherwise}.\n${said.join('')}Its log: ${options.logFile}`);
  }

  async function becomesReady(url: string, timeoutMs: number): Promise<boolean> {
    const deadlineMs = Date.now() + timeoutMs;
    while (Date.now() < deadlineMs && lastExit === undefined && !stopping) {
      if (await answersOk(url)) return true;
      await delay(READY_POLL_MS);
    }
    return false;
  }

  run();
  return {
    role,
    pid: () => (lastExit === undefined ? current?.pid : undefined),
    async finished() {
      if ((await exited) !== 0 && !stopping) throw failure();
    },
    async ready(timeoutMs) {
      const { readyUrl } = options;
      if (!readyUrl || (await becomesReady(readyUrl, timeoutMs)) || stopping) return;
      throw failure(`was not ready within ${timeoutMs / 1_000} s`);
    },
    keepAlive(whenHopeless) {
      giveUp = whenHopeless;
      sink.speak();
      if (lastExit !== undefined && !stopping) void restart(0);
    },
    async stop(graceMs) {
      stopping = true;
      if (lastExit !== undefined) return;
      current?.kill('SIGTERM');
      const timer = setTimeout(() => {
        show(`[${role}] did not stop within ${Math.round(graceMs / 1_000)} s and is killed`);
        current?.kill('SIGKILL');
      }, graceMs);
      await exited;
      clearTimeout(timer);
    },
  };
}
