import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { NODE_FLAGS } from '../node-flags.ts';

/** A built process of the product, as production runs it, whose output goes straight to a file. */
export type ProductProcess = {
  readonly role: string;
  readonly pid: number;
  /** Resolves when `url` answers 200. Throws when the process ends before that or the time is over. */
  ready(url: string, signal: AbortSignal): Promise<void>;
  /** SIGTERM, and SIGKILL when it does not end in time; resolves when it is gone. */
  stop(): Promise<void>;
};

export type ProductProcessOptions = {
  root: string;
  /** Folder of the entry point: `api`, `workers`, `sandbox`. */
  role: string;
  env: Readonly<Record<string, string>>;
  logFile: string;
  /** Where a CPU profile of its whole life is written at its end. */
  profileDir?: string | undefined;
  /** Those of production unless told. */
  nodeFlags?: readonly string[] | undefined;
};

/** Ends a process whose harness is gone, however it went; the process needs an `ipc` channel. */
export const LEASH = fileURLToPath(new URL('../up/leash.mjs', import.meta.url));
const READY_MS = 60_000;
const STOP_MS = 10_000;
const ANSWER_MS = 2_000;

/** In a group of its own, so that Ctrl-C reaches the harness alone; the leash ends it when the harness is gone. */
export function startProduct(options: ProductProcessOptions): ProductProcess {
  const { root, role, logFile, profileDir, nodeFlags = NODE_FLAGS } = options;
  const entry = join(root, 'dist', role, 'main.js');
  if (!existsSync(entry)) throw new Error(`${entry} is missing: npm run build`);
  const name = `${role}-${Date.now()}.cpuprofile`;
  const profiling = profileDir ? ['--cpu-prof', `--cpu-prof-dir=${profileDir}`, `--cpu-prof-name=${name}`] : [];
  const output = openSync(logFile, 'a');
  const child = spawn(process.execPath, [...nodeFlags, ...profiling, '--import', LEASH, entry], {
    cwd: root,
    env: { PATH: process.env.PATH ?? '', ...options.env },
    detached: true,
    stdio: ['ignore', output, output, 'ipc'],
  });
  closeSync(output);
  let hasEnded = false;
  const ended = new Promise<void>((resolve) => {
    const end = () => {
      hasEnded = true;
      resolve();
    };
    child.once('exit', end);
    child.once('error', end);
  });
  if (child.pid === undefined) throw new Error(`${role} cannot be started`);

  return {
    role,
    pid: child.pid,
    ready: async (url, signal) => {
      const giveUpAtMs = Date.now() + READY_MS;
      while (!hasEnded && Date.now() < giveUpAtMs) {
        const answer = await fetch(url, { signal: AbortSignal.timeout(ANSWER_MS) }).catch(() => undefined);
        if (answer?.ok) return;
        await delay(50, undefined, { signal });
      }
      throw new Error(`${role} is not ready:\n${readFileSync(logFile, 'utf8').slice(-2_000)}`);
    },
    stop: async () => {
      if (hasEnded) return;
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
      await ended;
      clearTimeout(timer);
    },
  };
}
